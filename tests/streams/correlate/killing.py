"""Workers that are killed again and again, while what a judge writes flows on, some of it in transactions that it aborts."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Thread
from typing import Final, Literal, Self

from confluent_kafka import Producer

from streams.kafka import transactional_producer
from tests.streams.correlate.lab import Lab, StandIn

ABORTED: Final = 0.05

Fate = Literal["committed", "aborted"]
Write = Callable[[Producer, range, Fate], None]
"""Writes the records of these numbers; in a transaction that will be aborted something else can stand."""


@dataclass(slots=True)
class Sender:
    """Writes so many records in transactions, over some seconds; before some of them it aborts one."""

    lab: Lab
    count: int
    seconds: float
    write: Write
    size: int = 200
    aborted: int = 0
    thread: Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = Thread(target=self._send)

    def _send(self) -> None:
        producer = transactional_producer(self.lab.kafka, f"{self.lab.kafka.topic_prefix}judge")
        producer.init_transactions(30)
        began, chance = time.monotonic(), random.Random(7)
        for start in range(0, self.count, self.size):
            numbers = range(start, min(start + self.size, self.count))
            if chance.random() < ABORTED:
                self._abort(producer, numbers)
            producer.begin_transaction()
            self.write(producer, numbers, "committed")
            producer.commit_transaction(30)
            time.sleep(max(0.0, began + self.seconds * start / self.count - time.monotonic()))

    def _abort(self, producer: Producer, numbers: range) -> None:
        producer.begin_transaction()
        self.write(producer, numbers, "aborted")
        producer.flush(30)
        producer.abort_transaction(30)
        self.aborted += 1


@dataclass(slots=True)
class Workers:
    """Two workers, each started again whenever it has ended; without a stand-in they are those of the command line.

    As a context manager it leaves none behind, whatever fails.
    """

    lab: Lab
    shard: type[StandIn] | None = StandIn
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    killed: int = 0
    faults: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()

    def keep_running(self) -> None:
        for slot in (0, 1):
            process = self.processes.get(slot)
            if process is None or process.poll() is not None:
                self._note(process)
                self.processes[slot] = self.lab.start(slot, self.shard)

    def _note(self, process: subprocess.Popen[bytes] | None) -> None:
        """Note a worker that has ended by itself."""
        if process is not None:
            said = process.communicate()[0].decode()
            if process.returncode != -signal.SIGKILL:
                self.faults.append(said)

    def suffer(self, kills: int, seconds: float) -> None:
        """Kill one of them so many times, every so many seconds on average."""
        for _ in range(kills):
            due = time.monotonic() + random.uniform(0, 2 * seconds)
            while time.monotonic() < due:
                self.keep_running()
                time.sleep(0.1)
            self._kill_one()
            print("killed", self.killed)  # noqa: T201 - the whole run takes minutes

    def _kill_one(self) -> None:
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
