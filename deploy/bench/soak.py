"""Whether anything is lost, repeated or judged otherwise when processes are killed at random moments."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from deploy.bench.alerts import alert
from deploy.bench.compare import Outcome, compare
from deploy.bench.figure import Figure
from deploy.bench.outcome import read_activities, read_outcome
from deploy.bench.processes import COLLECTOR, Progress, Servers, pipeline, position
from deploy.counts import read_counts
from deploy.stack import Supervisor
from schemas.settings import Settings
from sinks.elasticsearch.config import connect

__all__ = ["soak"]

_JUDGES: Final = 2
_SECONDS_A_KILL: Final = 3.0
_ROLLOVERS: Final = 3
_TICK_SECONDS: Final = 0.05
_LINE_NANOSECONDS: Final = 1_000_000
_ARRIVAL_SECONDS: Final = 300.0
_POLL_SECONDS: Final = 0.5
_ROWS_SECONDS: Final = 60.0
_FLUSHES: Final = 3
_SHOWN: Final = 5
_EXPECTED: Final = ("is starting", "is stopping", "SIGKILL")


def soak(servers: Servers, *, events: int, kills: int, progress: Progress) -> Iterator[Figure]:
    """Yield the faults of a run in which ``kills`` times a random process was killed, beside an undisturbed run of the same input.

    ``events`` lines go through a collector, two judges and a sink, with a rollover of the data stream now and then. A fault
    of each kind is told through ``progress``, the first few of them.
    """
    began = time.time_ns() - events * _LINE_NANOSECONDS
    lines = [alert(number, began + number * _LINE_NANOSECONDS) for number in range(1, events + 1)]
    progress(f"undisturbed run of {events} events")
    undisturbed = _run(servers, lines, 0, progress)
    progress(f"the same with {kills} kills")
    disturbed = _run(servers, lines, kills, progress)
    yield Figure("soak_events", events, "count")
    yield Figure("soak_kills", kills, "count")
    for name, faults in compare(undisturbed, disturbed, events).by_kind().items():
        for fault in faults[:_SHOWN]:
            progress(f"{name}: {fault}")
        yield Figure(f"soak_{name}", len(faults), "faults")


def _run(servers: Servers, lines: list[bytes], kills: int, progress: Progress) -> Outcome:
    """Return what is left when all lines were written, spread over the kills, and have arrived."""
    with TemporaryDirectory(prefix="tidewaiter-soak-") as directory:
        file = Path(directory) / "falco.log"
        file.touch()
        with pipeline(servers, file, _JUDGES, lambda line: _unexpected(line, progress)) as (settings, supervisor):
            run = _Run(settings, supervisor, file, progress)
            run.write(lines, kills)
            return run.settle()


def _unexpected(line: str, progress: Progress) -> None:
    """Pass on what is not our own doing, such as a process that has ended by itself."""
    if not any(words in line for words in _EXPECTED):
        progress(line)


@dataclass(frozen=True, slots=True)
class _Run:
    settings: Settings
    supervisor: Supervisor
    file: Path
    progress: Progress

    def write(self, lines: list[bytes], kills: int) -> None:
        """Append the lines over the time that the kills take, all at once if there are none, and kill and roll over meanwhile."""
        seconds = kills * _SECONDS_A_KILL
        started = time.monotonic()
        due = sorted(random.uniform(0, seconds) for _ in range(kills))  # noqa: S311 - chance, not a secret
        rollovers = [seconds * (number + 1) / (_ROLLOVERS + 1) for number in range(_ROLLOVERS if kills else 0)]
        written = 0
        with self.file.open("ab") as file:
            while written < len(lines) or due:
                elapsed = time.monotonic() - started
                until = len(lines) if elapsed >= seconds else int(len(lines) * elapsed / seconds)
                file.writelines(lines[written:until])
                file.flush()
                written = until
                self._disturb(elapsed, due, rollovers)
                time.sleep(_TICK_SECONDS)

    def _disturb(self, elapsed: float, due: list[float], rollovers: list[float]) -> None:
        if due and due[0] <= elapsed:
            del due[0]
            self._kill()
        if rollovers and rollovers[0] <= elapsed:
            del rollovers[0]
            self._roll_over()
        self.supervisor.check()

    def _roll_over(self) -> None:
        client = connect(self.settings.elasticsearch).options(ignore_status=404)
        answer = client.indices.rollover(alias=self.settings.elasticsearch.data_stream)
        self.progress(f"roll over to {answer.get('new_index', 'nothing: there is no data stream yet')}")

    def _kill(self) -> None:
        status = random.choice([each for each in self.supervisor.statuses() if each.running])  # noqa: S311 - as above
        self.progress(f"kill {status.name}")
        os.kill(status.process_id, signal.SIGKILL)

    def settle(self) -> Outcome:
        """Return what is left once the collector has committed the whole file and everything of it has arrived."""
        size = self.file.stat().st_size
        self._wait(lambda: position(self.settings)[0] >= size, "the collector has not committed the whole file")
        self.supervisor.stop(f"collect-{COLLECTOR}")
        self._wait(self._all_indexed, "not all is indexed")
        self._await_rows()
        client = connect(self.settings.elasticsearch)
        return read_outcome(self.settings, client, position(self.settings)[1])

    def _all_indexed(self) -> bool:
        counts = read_counts(self.settings, connect(self.settings.elasticsearch))
        collected = sum(counts.collected.values())
        return counts.judged == collected and counts.indexed == collected

    def _await_rows(self) -> None:
        """Wait until ``activities`` has stopped moving for some flushes of the judge."""
        before, ends = None, time.monotonic() + _ROWS_SECONDS
        while (now := read_activities(self.settings)) != before and time.monotonic() < ends:
            before = now
            time.sleep(_FLUSHES * self.settings.judge.flush_seconds)

    def _wait(self, reached: Callable[[], bool], otherwise: str) -> None:
        """Wait, starting again what ends; too late is no error, since what is missing is counted."""
        ends = time.monotonic() + _ARRIVAL_SECONDS
        while not reached():
            self.supervisor.check()
            if time.monotonic() > ends:
                counts = read_counts(self.settings, connect(self.settings.elasticsearch))
                self.progress(f"{otherwise} after {_ARRIVAL_SECONDS:.0f} s: {counts.as_json()}")
                return
            time.sleep(_POLL_SECONDS)
