"""Back-pressure: while the sink is behind, nothing is read, and the group still hears from us."""

from __future__ import annotations

from time import monotonic

import structlog
from confluent_kafka import Consumer, TopicPartition

__all__ = ["Brake"]

_log = structlog.get_logger(__name__)


class Brake:
    """Pauses all partitions after a while of holding; a short hold costs nothing, since a pause throws away what was fetched."""

    def __init__(self, consumer: Consumer, after_seconds: float, process: str) -> None:
        self._consumer = consumer
        self._after_seconds = after_seconds
        self._process = process
        self._since: float | None = None
        self._paused: list[TopicPartition] = []

    @property
    def is_paused(self) -> bool:
        """Return whether partitions are paused, so that polling is free of records."""
        return bool(self._paused)

    def hold(self) -> None:
        """Note that there is no room; call it again as long as there is none."""
        now = monotonic()
        self._since = self._since or now
        if not self._paused and now - self._since >= self._after_seconds:
            self._paused = self._consumer.assignment()
            self._consumer.pause(self._paused)
            _log.info("reading is paused until the receiver catches up", sink=self._process)

    def release(self) -> None:
        """Note that there is room."""
        self._since = None
        if self._paused:
            self._consumer.resume(self._paused)
            self._paused = []
            _log.info("reading goes on", sink=self._process)

    def forget(self) -> None:
        """Note that the partitions went away or came anew, which ends every pause."""
        self._since = None
        self._paused = []
