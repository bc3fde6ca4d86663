"""Ends a worker that has stopped working without an error: Faust has a history of partitions that are silently read no more."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final, Protocol, Self

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.settings import CorrelateSettings, KafkaSettings, Settings
from schemas.topics import Name
from streams.correlate.chain import Chain
from streams.kafka import consume, reader

__all__ = ["Stalled", "Watchdog", "Watched"]

_log = structlog.get_logger()
_CHECKS: Final = 10
_TIMEOUT_SECONDS: Final = 5.0


class Stalled(RuntimeError):
    """A worker does not go on; it says where."""


class Watched(Protocol):
    """What a watchdog sees of a worker, from another thread; times are monotonic."""

    beat: float
    """When the worker's loop was last seen to go round."""

    unsettled_since: float | None
    """When it last got further in getting its partitions, None while it has them."""

    def places(self) -> Mapping[tuple[Name, int], Chain]:
        """Return how far each partition is taken."""

    def fail(self, error: BaseException) -> None:
        """End the worker."""


@dataclass(slots=True)
class _Place:
    """How far a partition was taken when it was last looked at, since when a record waits, and up to which end none did."""

    position: int
    waiting_since: float | None = None
    empty_up_to: int = -1


class Watchdog:
    """Watches a worker from a thread of its own, and fails it with ``Stalled``.

    A record waits when a committed reader can read one at the position or behind it. The end of a partition tells nothing of that: the
    markers that end transactions stand there like records, and nobody can ever take them.
    """

    def __init__(self, settings: Settings, worker: Watched) -> None:
        self._kafka: KafkaSettings = settings.kafka
        self._limits: CorrelateSettings = settings.correlate
        self._worker = worker
        self._places: dict[tuple[Name, int], _Place] = {}
        self._stop = Event()
        self._thread = Thread(target=self._watch, name="watchdog", daemon=True)
        self._reader: Consumer = reader(settings.kafka, f"correlate-{settings.correlate.slot}-watchdog")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(2 * _TIMEOUT_SECONDS)
        self._reader.close()

    def _watch(self) -> None:
        while not self._stop.wait(self._limits.stall_seconds / _CHECKS):
            try:
                self.check(time.monotonic())
            except KafkaException as error:
                # Without a broker nothing can be taken either; what is wrong with it shows in the worker itself.
                _log.warning("watchdog sees nothing", error=str(error))
            except Stalled as error:
                self._worker.fail(error)
                return

    def check(self, now: float) -> None:
        """Look once; raise ``Stalled``. Public so that tests need not wait for real time to pass."""
        if now - self._worker.beat > self._limits.stall_seconds:
            raise Stalled(f"the worker's loop has stood still for {now - self._worker.beat:.0f} s")
        unsettled = self._worker.unsettled_since
        if unsettled is not None:
            self._places.clear()
            if now - unsettled > self._limits.settle_seconds:
                raise Stalled(f"no partitions and no progress in getting them for {now - unsettled:.0f} s")
            return
        self._places = {key: self._look(key, chain.position, now) for key, chain in self._worker.places().items()}

    def _look(self, key: tuple[Name, int], position: int, now: float) -> _Place:
        place = self._places.get(key)
        if place is None or place.position != position:
            return _Place(position)
        if place.waiting_since is None:
            place.waiting_since = now if self._waits(key, place) else None
        elif now - place.waiting_since > self._limits.stall_seconds:
            raise Stalled(
                f"{key[0]}/{key[1]}: a record at {position} or behind has waited for {now - place.waiting_since:.0f} s"
            )
        return place

    def _waits(self, key: tuple[Name, int], place: _Place) -> bool:
        """Return whether a committed record can be read at the position or behind it; asks again only when the end has moved."""
        where = TopicPartition(self._kafka.topic(key[0]), key[1], place.position)
        _, end = self._reader.get_watermark_offsets(where, timeout=_TIMEOUT_SECONDS, cached=False)
        if end <= max(place.position, place.empty_up_to):
            return False
        if self._can_read(where, end):
            return True
        place.empty_up_to = end
        return False

    def _can_read(self, where: TopicPartition, end: int) -> bool:
        self._reader.assign([where])
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while self._reader.position([where])[0].offset < end:
            for message in consume(self._reader, 1, 0.1):
                if message.error():
                    raise KafkaException(message.error())
                return True
            if self._stop.is_set():
                return False
            if time.monotonic() > deadline:
                raise KafkaException(f"{where.topic}/{where.partition} was not read up to {end}")
        return False
