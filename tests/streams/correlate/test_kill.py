"""Two workers are killed again and again: the state of all shards ends as it does in an undisturbed run, byte for byte.

The suite runs a small one; ``TIDEWAITER_KILL_ROWS=200000 TIDEWAITER_KILLS=20 pytest tests/streams/correlate/test_kill.py`` the whole.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass, field
from threading import Thread
from typing import Final

import pytest

from streams.kafka import transactional_producer
from tests.streams.correlate.lab import Lab, lab_of, wait_for

pytestmark = pytest.mark.services

ROWS: Final = int(os.environ.get("TIDEWAITER_KILL_ROWS", "10000"))
KILLS: Final = int(os.environ.get("TIDEWAITER_KILLS", "3"))
SECONDS_A_KILL: Final = 6.0
TRANSACTION_ROWS: Final = 200
ABORTED: Final = 0.05
KEYS: Final = 5_000
PRINCIPALS: Final = 50


def row(number: int) -> tuple[bytes, bytes]:
    """Return a row; each of the keys comes again and again, with a higher count."""
    key = number * 7919 % KEYS
    return b"principal-%d|%d" % (key % PRINCIPALS, key), b"count %d" % number


@dataclass(slots=True)
class Sender:
    """Writes all rows in transactions, some of which it aborts and writes again, as a judge does, over some seconds."""

    lab: Lab
    seconds: float
    aborted: int = 0
    thread: Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = Thread(target=self._send)

    def _send(self) -> None:
        producer = transactional_producer(self.lab.kafka, f"{self.lab.kafka.topic_prefix}judge")
        producer.init_transactions(30)
        began = time.monotonic()
        chance = random.Random(7)
        for start in range(0, ROWS, TRANSACTION_ROWS):
            rows = [row(number) for number in range(start, min(start + TRANSACTION_ROWS, ROWS))]
            if chance.random() < ABORTED:
                producer.begin_transaction()
                self.lab.send_rows([(key, b"aborted") for key, _ in rows], producer)
                producer.abort_transaction(30)
                self.aborted += 1
            producer.begin_transaction()
            self.lab.send_rows(rows, producer)
            producer.commit_transaction(30)
            if chance.random() < ABORTED:
                self.lab.decide(b"principal-%d" % chance.randrange(PRINCIPALS), b"decision %d" % start)
            time.sleep(max(0.0, began + self.seconds * start / ROWS - time.monotonic()))


@dataclass(slots=True)
class Workers:
    """Two workers, each started again whenever it has ended."""

    lab: Lab
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    killed: int = 0
    faults: list[str] = field(default_factory=list)

    def keep_running(self) -> None:
        for slot in (0, 1):
            process = self.processes.get(slot)
            if process is None or process.poll() is not None:
                self._note(process)
                self.processes[slot] = self.lab.start(slot)

    def _note(self, process: subprocess.Popen[bytes] | None) -> None:
        """Note a worker that has ended by itself."""
        if process is not None:
            said = process.communicate()[0].decode()
            if process.returncode != -signal.SIGKILL:
                self.faults.append(said)

    def kill_one(self) -> None:
        process = random.choice(list(self.processes.values()))
        process.kill()
        process.wait()
        self.killed += 1

    def end(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            said = process.communicate(timeout=30)[0]
            assert process.returncode in {0, -signal.SIGTERM}, said.decode()  # the latter where it had just begun


def test_killed_workers_end_with_the_state_of_an_undisturbed_run(kafka: str, prefix: str) -> None:
    lab, undisturbed = lab_of(kafka, f"{prefix}-a", partitions=4), lab_of(kafka, f"{prefix}-b", partitions=4)
    sender, workers = Sender(lab, KILLS * SECONDS_A_KILL), Workers(lab)
    sender.thread.start()
    for number in range(KILLS):
        due = time.monotonic() + random.uniform(0, 2 * SECONDS_A_KILL)
        while time.monotonic() < due:
            workers.keep_running()
            time.sleep(0.1)
        workers.kill_one()
        print("killed", number + 1)  # noqa: T201 - the whole run takes minutes
    sender.thread.join()
    workers.keep_running()
    wait_for(lambda: lab.digests() == lab.expected())
    workers.end()
    assert workers.killed == KILLS
    assert workers.faults == []
    Sender(undisturbed, 0).thread.run()
    with undisturbed.running():
        wait_for(lambda: undisturbed.digests() == undisturbed.expected())
    assert undisturbed.digests() == lab.digests()
    assert sender.aborted > 0
