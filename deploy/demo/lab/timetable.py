"""Timetables: what is done when, and the keeping of several of them at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event


@dataclass(frozen=True, slots=True)
class Beat:
    """Something to do so many seconds after the timetable's beginning."""

    seconds: float
    do: Callable[[], object]


def every(seconds: float, do: Callable[[], object], *, until: float, first: float = 0.0) -> Iterator[Beat]:
    """Yield a beat every so many seconds, from ``first`` on, before ``until``."""
    due = first
    while due < until:
        yield Beat(due, do)
        due += seconds


def keep(timetables: Sequence[Sequence[Beat]]) -> None:
    """Keep all timetables at once, each in a thread of its own, and return when all are done.

    A beat that is late delays the rest of its own timetable only. The first failure stops all and is raised; so does
    ctrl-C, between two beats.
    """
    stopping = Event()
    with ThreadPoolExecutor(len(timetables)) as pool:
        try:
            futures = [pool.submit(_keep_one, timetable, stopping) for timetable in timetables]
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            stopping.set()
        for future in done:
            future.result()


def _keep_one(timetable: Sequence[Beat], stopping: Event) -> None:
    started = time.monotonic()
    for beat in sorted(timetable, key=lambda beat: beat.seconds):
        if stopping.wait(max(0.0, started + beat.seconds - time.monotonic())):
            return
        beat.do()
