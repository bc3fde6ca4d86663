"""Everything that belongs to the partitions a process has now; when they go, all of it is dropped at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from threading import Event

from sinks.batch import Waiting
from sinks.mark import Mark, Totals
from sinks.offsets import PartitionOffsets
from sinks.types import Batch, Delivered, Record

__all__ = ["Assignment", "UnderWay"]


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A batch that a thread delivers, and the monotonic time of its oldest record."""

    batch: Batch
    since: float


@dataclass(slots=True)
class Assignment:
    """Offsets of each partition, records that wait, deliveries under way, and the event that calls these back."""

    offsets: Mapping[int, PartitionOffsets]
    waiting: Waiting
    cancelled: Event = field(default_factory=Event)
    under_way: dict[Future[Delivered], UnderWay] = field(default_factory=dict)

    @property
    def outstanding(self) -> int:
        """Return how many records are read and not committed."""
        return sum(partition.outstanding for partition in self.offsets.values())

    @property
    def keeps_promises(self) -> bool:
        """Return whether everything that was read may be sent."""
        return all(partition.kept_promise for partition in self.offsets.values())

    def take(self, record: Record) -> None:
        """Let a record wait that was just read."""
        self.waiting.add(record, maybe_sent=self.offsets[record.partition].take(record.offset))

    def conclude(self, batch: Batch, delivered: Delivered) -> None:
        """Note what became of a batch."""
        for record, outcome in zip(batch.records, delivered.outcomes, strict=True):
            self.offsets[record.partition].conclude(record.offset, outcome)

    def finished(self, timeout_seconds: float) -> Iterable[tuple[UnderWay, Future[Delivered]]]:
        """Return the deliveries that have ended, waiting for one at most so long."""
        done, _ = wait(self.under_way, timeout_seconds, return_when=FIRST_COMPLETED)
        return [(self.under_way.pop(future), future) for future in done]

    def marks(self, *, last: bool = False) -> dict[int, Mark]:
        """Return what there is to commit, by partition."""
        marks = {number: partition.mark(last=last) for number, partition in self.offsets.items()}
        return {number: mark for number, mark in marks.items() if mark is not None}

    def acknowledge(self, marks: Mapping[int, Mark]) -> None:
        """Note marks as committed."""
        for number, mark in marks.items():
            self.offsets[number].acknowledge(mark)

    def totals(self) -> Totals:
        """Return what became of the records of these partitions over all restarts, as far as it can be committed."""
        return sum((partition.totals for partition in self.offsets.values()), Totals())
