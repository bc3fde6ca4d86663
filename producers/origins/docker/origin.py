"""The origin: a thread that follows the engine, and a bounded queue between it and the collector."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Full, Queue
from time import monotonic
from typing import Final

import structlog

from producers.origins.docker.engine import PODMAN, Engine, EngineError
from producers.origins.docker.inspector import ENDS, Inspector, action_of, container_of
from producers.origins.docker.usage import UsageMeter
from producers.origins.docker.window import Window, identity_of, time_of_event
from producers.types import Gap, Position, Record
from schemas.codec import decode, dumps
from schemas.errors import ConfigurationError, Invalid
from schemas.event import timestamp
from schemas.facts import RUNNING, container_entity

__all__ = ["PAST_LOST", "DockerOrigin"]

PAST_LOST: Final = "the engine no longer has the events that came after the last one read"

_MAX_QUEUED: Final = 1_000
_MAX_LINE_BYTES: Final = 1024 * 1024
_FIRST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 10.0
_PATIENCE_SECONDS: Final = 0.2
_JOIN_SECONDS: Final = 40.0
_STATS_ANSWER_SECONDS: Final = 5.0
_BEFORE_NANOSECONDS: Final = 1_000_000_000

_MAX_RUNNING: Final = 2_000
"""Their ids are part of every position that is committed."""

_STARTS: Final = frozenset({"start", "restart"})

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Measured:
    """What was measured of one container: it has no place among the events, so it resumes where the last of them does."""

    data: bytes
    place: str


class DockerOrigin:
    """Events of an engine from where they were left, after what runs was inspected; it never ends by itself.

    Exactly once per event that the engine still has, given that positions are committed: what it has forgotten (Docker
    keeps the last 256, and none through a restart) is a ``Gap``. It goes on through restarts of the engine. Without a
    position it begins with the present. A container that it saw running, and whose end it missed, is told of as gone once the engine is
    heard again: of up to 2,000 that run at a time. Every ``stats_seconds`` (0: never) it measures what runs; at most once: a
    measurement that a crash loses is not made up for.
    """

    def __init__(self, address: str, *, max_line_bytes: int = _MAX_LINE_BYTES, stats_seconds: float = 0.0) -> None:
        self._engine = Engine(address, max_line_bytes)
        self._meter = UsageMeter(Engine(address, answer_seconds=_STATS_ANSWER_SECONDS))
        self._stats_seconds = stats_seconds
        self._inspector = Inspector(self._engine)
        self._queue: Queue[Record | Gap | _Measured] = Queue(_MAX_QUEUED)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"events of {address}", daemon=True)
        self._measuring = threading.Thread(target=self._measure, name=f"measuring {address}", daemon=True)
        self._window = Window(0)
        self._running: set[str] = set()
        self._unconfirmed: set[str] = set()
        self._given: Position = {}
        self._doubtful_until: int | None = None

    @property
    def missed(self) -> int:
        """How many containers were gone before they could be inspected; their events have no facts."""
        return self._inspector.missed

    def open(self, position: Position | None) -> None:
        """Begin to follow; raise ``ConfigurationError`` if the address is wrong, or no engine answers the first time."""
        if position is None:
            try:
                self._engine.identify()
            except EngineError as error:
                raise ConfigurationError(
                    f"no engine answers at {self._engine.address} ({error}); check that it runs and the rights of its socket"
                ) from error
            self._window = Window(self._engine.clock())
        else:
            self._window = Window.of(position)
            self._doubtful_until = self._window.newest
            self._running = set(map(str, position.get("running", ())))
        self._given = self._position()
        self._thread.start()
        if self._stats_seconds > 0:
            self._measuring.start()

    def read(self, limit: int, timeout_seconds: float) -> Sequence[Record | Gap]:
        """Return what the thread has read; raise ``RuntimeError`` if it has died."""
        items: list[Record | Gap] = []
        deadline = monotonic() + timeout_seconds
        while len(items) < limit:
            try:
                item = self._queue.get(timeout=0 if items else max(0.0, deadline - monotonic()))
                items.append(self._placed(item))
            except Empty:
                break
        if not (items or self._thread.is_alive() or self._stopping.is_set()):
            raise RuntimeError("the thread that follows the engine has died of an error, which Python has printed")
        return items

    def acknowledge(self, position: Position) -> None:
        """Do nothing: the engine keeps its events as it likes."""

    def close(self) -> None:
        """End the thread and its connections."""
        self._stopping.set()
        self._engine.abort()
        for thread in (self._thread, self._measuring):
            if thread.is_alive():
                thread.join(_JOIN_SECONDS)
        self._engine.close()
        self._meter.close()

    def _follow(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            connected = monotonic()
            try:
                self._attend()
            except EngineError as error:
                if not self._stopping.is_set():
                    _log.warning("the engine does not answer", address=self._engine.address, error=str(error))
            self._doubtful_until = self._window.newest
            pause = _FIRST_PAUSE_SECONDS if monotonic() - connected > pause else min(pause * 2, _LONGEST_PAUSE_SECONDS)
            self._stopping.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret

    def _attend(self) -> None:
        """Say what runs, then what happened meanwhile, then follow what happens."""
        self._engine.identify()
        self._list()
        if self._doubtful_until is not None:
            self._take(self._engine.past(self._window.since, self._engine.clock()))
            self._conclude()
            self._miss()
        self._take(self._engine.future(self._window.since))

    def _list(self) -> None:
        now = self._engine.clock()
        self._unconfirmed = set(self._running)
        for found in self._inspector.running():
            self._note(found["inspect"]["Id"], runs=True)
            self._put(Record(dumps({"timeNano": now} | found), self._place(now), self._position()))

    def _note(self, container_id: str, *, runs: bool) -> None:
        entity = container_entity(container_id)
        self._unconfirmed.discard(entity)
        if not runs:
            self._running.discard(entity)
        elif len(self._running) < _MAX_RUNNING:
            self._running.add(entity)

    def _miss(self) -> None:
        """Tell of what ran before and neither runs now nor was heard to end meanwhile; Podman does not list what is paused."""
        now = self._engine.clock()
        for entity in sorted(self._unconfirmed):
            runs = self._engine.state(entity) in RUNNING
            self._note(entity, runs=runs)
            if not runs:
                self._put(Record(dumps({"timeNano": now, "gone": entity}), self._place(now), self._position()))

    def _position(self) -> Position:
        return self._window.position() | {"running": sorted(self._running)}

    def _take(self, lines: Iterable[bytes]) -> None:
        asked = self._window.since
        for line in lines:
            if self._stopping.is_set():
                return
            self._take_line(line, asked)

    def _take_line(self, line: bytes, asked: int) -> None:
        try:
            event = decode(line)
        except Invalid:  # the format will say so
            self._put(Record(line, self._place(self._window.newest), self._position()))
            return
        time, identity = time_of_event(event), identity_of(event)
        if identity in self._window:
            self._doubtful_until = None
            return
        if time is not None and asked - _BEFORE_NANOSECONDS < time < asked:
            return  # older than asked for: Podman reads the time as a float
        if self._doubtful_until is not None and time is not None and time > self._doubtful_until:
            self._conclude()
        found, container_id = self._inspector.about(event), container_of(event)
        if container_id:
            self._follow_life(container_id, action_of(event))
        self._window.add(self._window.newest if time is None else time, identity)
        data = dumps(event | found) if found else line
        self._put(Record(data, self._place(time or self._window.newest), self._position()))

    def _follow_life(self, container_id: str, action: str) -> None:
        if action in _STARTS or action in ENDS:
            self._note(container_id, runs=action in _STARTS)

    def _conclude(self) -> None:
        """Report a gap unless an event that was read before has come again: then all later ones are there too."""
        if self._doubtful_until is None:
            return
        first, self._doubtful_until = self._doubtful_until, None
        if self._engine.kind == PODMAN and not self._window:
            return  # it keeps its events in a file, and nothing has happened yet that could be missing
        last = self._engine.clock()
        self._put(Gap(PAST_LOST, timestamp(first), timestamp(max(first, last)), position=self._position()))

    def _measure(self) -> None:
        while not self._stopping.wait(self._stats_seconds):
            with suppress(EngineError):  # the thread that follows says so
                for usage in self._meter.measure():
                    self._put(_Measured(dumps(usage), self._place(usage["timeNano"])))

    def _placed(self, item: Record | Gap | _Measured) -> Record | Gap:
        if isinstance(item, _Measured):
            return Record(item.data, item.place, self._given)
        self._given = item.position or self._given
        return item

    def _place(self, nanoseconds: int) -> str:
        return f"{self._engine.address}@{nanoseconds}"

    def _put(self, item: Record | Gap | _Measured) -> None:
        while not self._stopping.is_set():
            try:
                self._queue.put(item, timeout=_PATIENCE_SECONDS)
            except Full:
                continue
            return
