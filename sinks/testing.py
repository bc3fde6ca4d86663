"""A sink in memory, for tests of what sends and as the shortest example of a sink."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Event, Lock
from typing import Self

from schemas.settings import Settings
from sinks.types import Batch, BatchLimits, Cancelled, Delivered, Outcome, Record, Refused

__all__ = ["MemorySink"]


class MemorySink:
    """Exactly once within the process: keeps the first record of each value; ``refuses`` says why a record is not taken."""

    name = "memory"

    def __init__(
        self, limits: BatchLimits | None = None, refuses: Callable[[Record], str | None] = lambda _record: None
    ) -> None:
        self.limits = limits or BatchLimits(records=100, value_bytes=1_000_000, seconds=0.05)
        self.records: dict[bytes, Record] = {}
        self.batches: list[Batch] = []
        self.repeats: Counter[bytes] = Counter()
        self.gate = Event()
        self.gate.set()
        self.is_open = False
        self._refuses = refuses
        self._lock = Lock()

    @classmethod
    def from_settings(cls, _settings: Settings) -> Self:
        return cls()

    def open(self, cancelled: Event) -> None:
        if cancelled.is_set():
            raise Cancelled
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def deliver(self, batch: Batch, cancelled: Event) -> Delivered:
        """Keep the records once ``gate`` is set: a cleared gate is a receiver that is away."""
        while not self.gate.wait(0.005):
            if cancelled.is_set():
                raise Cancelled
        with self._lock:
            self.batches.append(batch)
            refused: list[Refused] = []
            outcomes = [self._take(record, refused) for record in batch.records]
        return Delivered(outcomes, refused)

    def _take(self, record: Record, refused: list[Refused]) -> Outcome:
        reason = self._refuses(record)
        if reason is not None:
            refused.append(Refused(record, reason))
            return "refused"
        if record.value in self.records:
            self.repeats[record.value] += 1
            return "repeat"
        self.records[record.value] = record
        return "indexed"
