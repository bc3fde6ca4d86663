"""Measures workers on a real Kafka, beside a plain consumer loop that decodes the same rows in the same run.

``python -m tests.streams.correlate.measure live 200000`` and ``… restore 1000000``; the broker is that of $TIDEWAITER_TEST_KAFKA.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Final

import psutil
from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.codec import dumps, loads
from schemas.policyset import PolicySet
from schemas.settings import load_settings
from schemas.topics import partition_of
from streams.correlate.run import run
from streams.correlate.types import Record
from streams.rules.ruleset import RuleSet
from tests.streams.correlate.lab import Lab, lab_of, wait_for

PRINCIPALS: Final = 10_000
PARTITIONS: Final = 8
MIB: Final = 1 << 20


class Counting:
    """A shard that decodes rows, keeps the last of each key if told so, and publishes how many came."""

    def __init__(self, partition: int, policies: PolicySet) -> None:
        self.partition = partition
        self.policies = policies
        self.keeps = os.environ.get("KEEP") == "1"
        self.rows: dict[bytes, bytes] = {}
        self.count = 0
        self.published = -1

    def adopt(self, policies: PolicySet) -> None:
        self.policies = policies

    def adopt_rules(self, rules: RuleSet) -> None:
        """Count nothing by rules."""

    def take_profile(self, key: bytes, value: bytes | None) -> None:
        """Pass over what was published."""

    def take_shared(self, key: bytes, value: bytes | None) -> None:
        """Pass over it."""

    def take_alert(self, value: bytes | None) -> None:
        """Pass over it."""

    def take_finding(self, value: bytes) -> None:
        """Pass over it."""

    def take_hit(self, value: bytes | None, appended_ms: int) -> None:
        raise AssertionError((value, appended_ms))

    def dropped(self) -> Counter[str]:
        return Counter()

    def take_row(self, key: bytes, value: bytes | None, offset: int, appended_ms: int) -> None:
        assert value is not None
        assert appended_ms + offset
        loads(value)
        self.count += 1
        if self.keeps:
            self.rows[key] = value

    def take_decision(self, key: bytes, value: bytes, offset: int, appended_ms: int) -> list[Record]:
        raise AssertionError((key, value, offset, appended_ms))

    def tick(self, now_ms: int) -> list[Record]:
        assert now_ms
        if self.count == self.published:
            return []
        self.published = self.count
        return [("baselines", b"kept" if self.keeps else b"count", b"%d" % self.count)]


def rows(count: int) -> Iterator[tuple[bytes, bytes]]:
    for number in range(count):
        principal = b"workload:cluster/namespace-%d/deployment-%d/app" % (number % 100, number % PRINCIPALS)
        row = {
            "activity.count": number,
            "activity.first_seen": "2026-01-02T10:00:00.000000000Z",
            "activity.last_seen": "2026-01-02T11:00:00.000000000Z",
            "event.action": "exec",
            "event.category": ["process"],
            "process.args": ["/usr/bin/program", "--option", f"value-{number % 97}"],
            "process.executable": f"/usr/bin/program-{number // PRINCIPALS}",
            "verdict.outcome": "undetermined",
            "verdict.reason": "no policy speaks of it and its principal is still learning",
        }
        yield b"%b|context|%032x|%d" % (principal, number, number % PARTITIONS), dumps(row)


def send(lab: Lab, count: int) -> None:
    producer = Producer(lab.kafka.client_configuration() | {"linger.ms": 20, "compression.type": "lz4"})
    topic = lab.kafka.topic("activities")
    for key, value in rows(count):
        partition = partition_of(key.partition(b"|")[0], PARTITIONS)
        while True:
            try:
                producer.produce(topic, key=key, value=value, partition=partition)
                break
            except BufferError:
                producer.poll(0.05)
    producer.flush()


def plain(lab: Lab, count: int) -> float:
    """Return rows a second of a loop that consumes and decodes, and nothing else."""
    consumer = Consumer(lab.kafka.client_configuration() | {"group.id": "plain", "isolation.level": "read_committed"})
    consumer.assign([TopicPartition(lab.kafka.topic("activities"), number, 0) for number in range(PARTITIONS)])
    consumer.consume(1, timeout=30)
    done, began = 1, time.monotonic()
    while done < count:
        for message in consumer.consume(10_000, timeout=0.1):
            loads(message.value() or b"")
            done += 1
    consumer.close()
    return done / (time.monotonic() - began)


def counted(lab: Lab, name: bytes = b"count") -> int:
    return sum(int(value or b"0") for (_, key), value in lab.baselines().items() if key == name)


def start(lab: Lab, slot: int) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "TIDEWAITER_KAFKA__BOOTSTRAP_SERVERS": lab.kafka.bootstrap_servers,
        "TIDEWAITER_KAFKA__TOPIC_PREFIX": lab.kafka.topic_prefix,
        "TIDEWAITER_KAFKA__PARTITIONS": str(PARTITIONS),
        "TIDEWAITER_CORRELATE__SLOT": str(slot),
    }
    return subprocess.Popen([sys.executable, "-m", "tests.streams.correlate.measure", "work"], env=environment)


def fresh() -> Lab:
    return lab_of(os.environ["TIDEWAITER_TEST_KAFKA"], f"measure-{uuid.uuid4().hex[:8]}", partitions=PARTITIONS)


def live(count: int, workers: int) -> None:
    """Print rows a second of workers that are given everything while they run, and the ratio to the plain loop."""
    lab = fresh()
    processes = [start(lab, slot) for slot in range(workers)]
    time.sleep(12)
    cpu = [sum(psutil.Process(one.pid).cpu_times()[:2]) for one in processes]
    began = time.monotonic()
    send(lab, count)
    sent = time.monotonic() - began
    wait_for(lambda: counted(lab) == count)
    seconds = time.monotonic() - began
    spent = [sum(psutil.Process(one.pid).cpu_times()[:2]) - was for one, was in zip(processes, cpu, strict=True)]
    for one in processes:
        one.terminate()
        one.wait()
    floor = plain(lab, count)
    print(  # noqa: T201 - what it is for
        f"{workers} workers: {count / seconds:,.0f} rows/s, {count / sum(spent):,.0f} rows per CPU second (sent in {sent:.1f} s); "
        f"plain loop {floor:,.0f} rows/s; ratio {count / seconds / floor:.3f}"
    )


def restores(count: int) -> None:
    """Print how long a worker takes to restore, and how much memory, beside the plain loop."""
    lab = fresh()
    send(lab, count)
    floor = plain(lab, count)
    for keep in ("0", "1"):
        os.environ["KEEP"] = keep
        process = start(lab, 0)
        began, peak = time.monotonic(), 0
        while counted(lab, b"kept" if keep == "1" else b"count") < count:
            peak = max(peak, psutil.Process(process.pid).memory_info().rss)
            time.sleep(0.05)
        seconds = time.monotonic() - began
        time.sleep(3)
        rss = psutil.Process(process.pid).memory_info().rss
        process.terminate()
        process.wait()
        print(  # noqa: T201 - what it is for
            f"restore of {count:,} rows{', kept' if keep == '1' else ''}: {seconds:.1f} s from the start of the process, "
            f"peak {peak / MIB:.0f} MiB, then {rss / MIB:.0f} MiB; plain loop {floor:,.0f} rows/s ({count / floor:.1f} s)"
        )


if __name__ == "__main__":
    if sys.argv[1] == "work":
        from deploy.cli.console import log_to_stderr, stop_on_signals

        log_to_stderr()
        run(load_settings(), stop_on_signals(), Counting)
    elif sys.argv[1] == "live":
        for number_of_workers in (1, 2):
            live(int(sys.argv[2]), number_of_workers)
    else:
        restores(int(sys.argv[2]))
