"""What 10,000 baselines cost: a judge that has loaded them, their restore, their memory, and learning them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from multiprocessing import get_context
from typing import Any, Final

import psutil
from confluent_kafka import Producer

from deploy.bench.figure import Figure
from deploy.bench.judge import EVENTS, PARTITIONS, Runner, settings_for
from deploy.bench.load import PRINCIPALS
from deploy.bench.processes import Progress
from deploy.kafka import create_topics, delete_topics
from schemas.baseline import Baseline, Profile, ordered
from schemas.codec import dumps
from schemas.errors import StackError
from schemas.event import timestamp
from schemas.policyset import PolicySet
from schemas.settings import KafkaSettings, Settings
from schemas.topics import Name, partition_of
from streams.correlate.shard import BaselineShard
from streams.judge.baselines import BaselineFeed
from streams.judge.judge import Judge

__all__ = ["measure_baselines"]

_ELEMENTS: Final = 100
_DAY_MS: Final = 24 * 3600 * 1000
_START_MS: Final = 1_764_000_000_000


def measure_baselines(bootstrap_servers: str, *, principals: int, rounds: int, progress: Progress) -> Iterator[Figure]:
    """Yield the judge's speed with baselines of ``principals`` as a ratio to that with those of the load alone, and what they all cost."""
    yield from _judged(bootstrap_servers, principals, rounds, progress)
    yield from _restored(bootstrap_servers, principals, progress)
    yield from _learned(principals, progress)


def _judged(bootstrap_servers: str, principals: int, rounds: int, progress: Progress) -> Iterator[Figure]:
    own = len(PRINCIPALS)
    some, all_ = (partial(_publish, principals=count) for count in (own, principals))
    with Runner(Judge, bootstrap_servers, 0, some) as few, Runner(Judge, bootstrap_servers, 0, all_) as many:
        for number in range(rounds):
            progress(f"the judge with {own} and with {principals} baselines, round {number + 1} of {rounds}")
            few.measure(EVENTS)
            many.measure(EVENTS)
        ratio = many.events_per_cpu_second / few.events_per_cpu_second
    yield Figure(f"judge_{principals}_baselines_vs_{own}", round(ratio, 3), "ratio")


def _restored(bootstrap_servers: str, principals: int, progress: Progress) -> Iterator[Figure]:
    progress(f"restoring {principals} baselines")
    settings = settings_for(bootstrap_servers)
    create_topics(settings.kafka)
    try:
        _publish(settings, principals)
        with get_context("spawn").Pool(1) as pool:  # whose memory nothing was in before
            seconds, size = pool.apply(_restore, (settings, principals))
    finally:
        delete_topics(settings.kafka)
    yield Figure(f"judge_restore_{principals}_baselines", round(seconds, 2), "s")
    yield Figure(f"judge_memory_{principals}_baselines", round(size / 2**20, 1), "MiB")


def _restore(settings: Settings, principals: int) -> tuple[float, int]:
    """Return how many seconds reading the baselines took, and how many bytes they hold when all are compiled."""
    before, started = _memory(), time.monotonic()
    feed = BaselineFeed(settings.kafka, "bench")
    seconds = time.monotonic() - started
    compiled = sum(feed.current.of(principal) is not None for principal in feed.current.principals())
    feed.close()
    if compiled != principals:
        raise StackError(f"{compiled} of {principals} baselines were restored")
    return seconds, _memory() - before


def _learned(principals: int, progress: Progress) -> Iterator[Figure]:
    """Measure the pure core alone: a Kafka in between is measured by the tests of correlate."""
    progress(f"learning {principals} principals of {_ELEMENTS} activities")
    shard = BaselineShard(0, PolicySet.empty())
    rows = [_row(principal, number) for principal in range(principals) for number in range(_ELEMENTS)]
    before, started = _memory(), time.process_time()
    for key, value in rows:
        shard.take_row(key, value, _START_MS)
    seconds, size = time.process_time() - started, _memory() - before
    began = time.process_time()
    shard.tick(_START_MS + 2 * _DAY_MS)
    yield Figure("correlate_rows_per_cpu_second", round(len(rows) / seconds), "rows/CPU s")
    yield Figure(f"correlate_memory_{principals}_principals", round(size / 2**20, 1), "MiB")
    yield Figure(f"correlate_looks_at_{principals}_principals", round(time.process_time() - began, 3), "CPU s")


def _publish(settings: Settings, principals: int) -> None:
    """Put baselines in force: of the load's own principals, which know what it does, and of others."""
    others = range(principals - len(PRINCIPALS))
    names = [*PRINCIPALS, *(f"container:production/filler/workload-{number}/main" for number in others)]
    kafka = settings.kafka
    producer = Producer(kafka.client_configuration() | {"enable.idempotence": True, "linger.ms": 20})
    for name in names:
        profile = Profile(name, "active", baseline=_baseline(name))
        _produce(producer, kafka, "baselines", name, profile.encode())
    producer.flush()


def _produce(producer: Producer, kafka: KafkaSettings, topic: Name, name: str, value: bytes) -> None:
    producer.produce(kafka.topic(topic), key=name, value=value, partition=partition_of(name.encode(), PARTITIONS))
    producer.poll(0)


def _baseline(principal: str) -> Baseline:
    workload = principal.split("/")[2]
    programs = [(f"/srv/{workload}/bin/worker-{number}",) for number in range(_ELEMENTS // 2)]
    files = [(f"/var/lib/app/data-{number}", "read") for number in range(_ELEMENTS // 2)]
    elements = ordered({"exec": programs, "file": files})
    return Baseline(principal, 1, elements, releases=("sha256:1",), author="ada", approved=timestamp(0))


def _row(principal: int, number: int) -> tuple[bytes, bytes]:
    name = f"container:production/shop/workload-{principal}/main"
    moment = timestamp((_START_MS + number * 1000) * 1_000_000)
    program = f"/srv/app/bin/worker-{number}"
    row: dict[str, Any] = {
        "activity.principal": name,
        "activity.context": "c" * 16,
        "activity.digest": f"{number:032x}",
        "activity.dimension": "exec",
        "activity.partition": 0,
        "activity.count": 10,
        "activity.first": moment,
        "activity.first_id": f"load:0000:{number:012d}",
        "activity.last": moment,
        "activity.last_id": f"load:0000:{number + 1:012d}",
        "activity.samples": [],
        "activity.replicas": 1,
        "event.action": "exec",
        "event.category": ["process"],
        "event.dataset": "auditd.log",
        "process.executable": program,
        "process.args": [program, "--queue", f"orders-{number}"],
        "container.image.id": "sha256:1",
        "verdict.outcome": "undetermined",
        "verdict.by": "nothing",
    }
    return f"{name}|{'c' * 16}|{number:032x}|0".encode(), dumps(row)


def _memory() -> int:
    return int(psutil.Process().memory_info().rss)
