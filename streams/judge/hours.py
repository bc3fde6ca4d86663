"""What a partition counts by the hour, exactly: each event in the hour of its own time, whenever it comes.

Few hours are open at once. Their counts stand in the marks, which every transaction rewrites, and in ``kpi`` with every flush; an hour
that was not counted on for longest is closed, its last record is written, and it is forgotten. If an event of it comes yet, it is opened
again as another series.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from schemas.kpi import UNDATED, KpiRecord, hour_of
from streams.judge.state import Marks, StateRecord

__all__ = ["Hours", "moment_in"]

_TIME_MARK: Final = b',"@timestamp":"'
"""Stands before the time in every envelope in wire order; within a string these bytes cannot occur."""

_OPEN: Final = 4
_HOUR: Final = 13


def moment_in(envelope: bytes) -> str:
    """Return how the time in a known envelope begins, up to the hour; nothing if what looks like its name is none."""
    _, _, time = envelope.partition(_TIME_MARK)
    return time[:_HOUR].decode("latin-1")


def _mark_of(begins: str) -> bytes:
    return _TIME_MARK + begins.encode() + b":"


@dataclass(slots=True)
class Hours:
    """The open hours of one partition, in the order in which they were last counted on.

    ``mark`` is what the envelopes of all events have in common that are of the hour of the event at hand, and of none other.
    """

    partition: int
    marks: Marks
    mark: bytes = _mark_of("")
    now: str = UNDATED
    _levels: dict[bytes, bytes] = field(default_factory=dict)
    _said: bytes = b""
    _changed: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._changed = dict.fromkeys(self.marks.unsaid)

    @property
    def pending(self) -> bool:
        """Return whether counts have changed that stand in no record yet."""
        return bool(self._changed)

    def is_of(self, moment: str) -> bool:
        """Return whether a time lies in the hour of the event at hand."""
        return self.mark == _mark_of(moment[:_HOUR])

    def turn(self, moment: str) -> None:
        """Count in the hour of this time from now on."""
        self.now, self.mark = hour_of(moment), _mark_of(moment[:_HOUR])

    def count(self, figures: tuple[str, ...], number: int) -> None:
        """Add to figures of the hour of the event at hand."""
        self._add(self.now, figures, number)

    def count_at(self, moment: str, figures: tuple[str, ...], number: int = 1) -> None:
        """Add to figures of the hour of another time."""
        self._add(hour_of(moment), figures, number)

    def _add(self, hour: str, figures: tuple[str, ...], number: int) -> None:
        if figures:
            counts = self._opened(hour)
            for name in figures:
                counts[name] = counts.get(name, 0) + number

    def _opened(self, hour: str) -> dict[str, int]:
        """Return the counts of an hour, which was counted on last from now on."""
        marks = self.marks
        if hour not in marks.hours:
            marks.opened += 1
            marks.series[hour] = marks.opened
        counts = marks.hours[hour] = marks.hours.pop(hour, {})
        self._changed[hour] = None
        return counts

    def note(self, levels: KpiRecord) -> None:
        """Let a record of levels be written, unless the last one says the same: it holds until the next."""
        said = levels.encode()
        if said != self._said:
            self._said = self._levels[levels.key] = said

    def take(self, *, flush: bool) -> list[StateRecord]:
        """Return the records that this transaction must write, and forget the hours that are closed by it."""
        closed = list(self.marks.hours)[:-_OPEN]
        due = [hour for hour in self._changed if flush or hour in closed]
        records: list[StateRecord] = [*self._levels.items(), *map(self._record, due)]
        self._levels = {}
        for hour in due:
            del self._changed[hour]
        for hour in closed:
            del self.marks.hours[hour], self.marks.series[hour]
        self.marks.unsaid = list(self._changed)
        return records

    def _record(self, hour: str) -> StateRecord:
        record = KpiRecord(hour, "counts", self.partition, self.marks.series[hour], self.marks.hours[hour])
        return record.key, record.encode()
