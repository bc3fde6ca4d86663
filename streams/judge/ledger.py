"""What a partition has counted, and what the next transaction must write of it besides verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from schemas.errors import Invalid
from schemas.event import parse_time
from schemas.hit import Hit
from streams.judge.canonical import id_and_time
from streams.judge.hours import Hours
from streams.judge.memo import Counter
from streams.judge.state import COUNTED, CounterState, Marks, StateReader, StateRecord, counter_record, marks_record

__all__ = ["Ledger"]

_MAX_UNFLUSHED: Final = 2_000
"""Counts that the marks may hold, at some 200 bytes each: more would not fit into one record of Kafka."""

_MAX_ANEW: Final = 1_000
"""Counters of which one flush says anew what is decided of them; judging each takes some 0.1 ms."""


@dataclass(slots=True)
class Ledger:
    """The books of one partition: ``marks`` are written by every transaction, counters when they are due.

    Whoever counts on a counter leaves the event in ``touched``, the last one of a batch, for ``settle``. ``appended`` is when the broker
    was given what is being judged.
    """

    number: int
    marks: Marks = field(default_factory=Marks)
    touched: dict[Counter, bytes] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    facts_told: dict[str, str] = field(default_factory=dict)
    hours: Hours = field(init=False)
    appended: str = ""
    _heard: str = ""
    _dirty: dict[Counter, None] = field(default_factory=dict)
    _new: dict[Counter, None] = field(default_factory=dict)
    _doubtful: dict[Counter, None] = field(default_factory=dict)
    _state: list[StateRecord] = field(default_factory=list)
    _rows: list[StateRecord] = field(default_factory=list)
    _hits: list[Hit] = field(default_factory=list)
    _figures: list[StateRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hours = Hours(self.number, self.marks)

    # What happens

    def next_number(self) -> int:
        """Return the number of the next record that the judge itself writes."""
        self.marks.number += 1
        return self.marks.number

    def append(self, moment: str) -> None:
        """Note when the broker was given what is judged next."""
        self.appended = max(self.appended, moment)

    def hear(self, moment: str) -> None:
        """Note the time of an event; the clock follows with ``settle``."""
        self._heard = max(self._heard, moment)

    def heartbeat(self, moment: str) -> None:
        """Count a heartbeat, which is nobody's activity."""
        self.marks.heartbeats += 1
        self.hear(moment)

    def open(self, counter: Counter) -> None:
        """Let a new counter be written at once."""
        self._new[counter] = None

    def change(self, counter: Counter) -> None:
        """Let a counter be written that was counted on; its verdicts are tallied by the caller."""
        self._dirty[counter.gathered()] = None

    def doubt(self, counters: Iterable[Counter]) -> None:
        """Let the rows of what was unauthorized be written anew, by what decides now: it may be closed, though it never happens again."""
        self._doubtful |= dict.fromkeys(counter for counter in counters if counter.activity and counter.unauthorized)

    def keep(self, record: StateRecord) -> None:
        """Let a record of the state be written."""
        self._state.append(record)

    def hit(self, hit: Hit) -> None:
        """Let a hit be written, of an event of this transaction."""
        self._hits.append(hit)

    def close(self, counter: Counter) -> None:
        """Let the tombstones of a counter be written whose count was moved elsewhere."""
        self._new.pop(counter, None)
        self._dirty.pop(counter, None)
        self._doubtful.pop(counter, None)
        self._state.append(counter_record(counter))
        self._rows.append((counter.key.encode(), None))

    # Counting

    def settle(self, appended: str) -> None:
        """Note the latest event of every counter that a batch has counted on.

        The clock of the partition is event time, but never later than ``appended``, the broker's time of the batch.
        """
        self.append(appended)
        self.note_touched()
        moment = min(self._heard, appended)
        if moment > self.marks.clock and _is_time(moment):
            self.marks.clock = moment
        self._heard = ""

    def note_touched(self) -> None:
        """Note what was counted so far."""
        for counter, value in self.touched.items():
            self.tally(counter)
            self.change(counter)
            self.hear(_note_last(counter, value))
        self.touched.clear()

    def turn(self, moment: str) -> None:
        """Count in the hour of this time from now on; a time may be cut off behind its hour."""
        self.note_touched()
        self.hours.turn(moment)

    def tally(self, counter: Counter) -> None:
        """Add what a counter has counted since the last time to the outcomes and to the hour, by the verdict that it has now."""
        given = counter.count - counter.tallied
        if given:
            outcome = counter.outcome
            self.marks.outcomes[outcome] = self.marks.outcomes.get(outcome, 0) + given
            self.hours.count(counter.figures, given)
            counter.unauthorized += given if outcome == "unauthorized" else 0
            counter.tallied = counter.count

    # What goes out and comes back

    @property
    def pending(self) -> bool:
        """Return whether counts or verdicts have changed that stand in no row yet."""
        return bool(self._dirty) or bool(self._doubtful) or self.hours.pending

    def take(self, row_of: Callable[[Counter], bytes], *, flush: bool) -> tuple[list[StateRecord], list[StateRecord]]:
        """Return and forget the records of ``judge-state`` and of ``activities`` that this transaction must write.

        New and unauthorized activities are rows at once, the others with ``flush`` or when too many have changed; until then their
        counts stand in the marks. What is doubtful waits for a ``flush``, each of which takes some of it.
        """
        everything = flush or len(self._dirty) > _MAX_UNFLUSHED
        due = list(self._dirty) if everything else [counter for counter in self._dirty if counter.urgent]
        due += islice(self._doubtful, _MAX_ANEW) if flush else ()
        for counter in dict.fromkeys([*self._new, *due]):
            self._state.append(counter_record(counter))
            self._rows.append((counter.key.encode(), row_of(counter)))
            self._dirty.pop(counter, None)
            self._doubtful.pop(counter, None)
        self.marks.doubtful = bool(self._doubtful)
        self._figures += self.hours.take(flush=flush)
        state, rows = [*self._state, marks_record(self.marks, self._dirty)], self._rows
        self._new, self._state, self._rows = {}, [], []
        return state, rows

    def take_figures(self) -> list[StateRecord]:
        """Return and forget the records of ``kpi`` that belong to what was taken last."""
        figures, self._figures = self._figures, []
        return figures

    def take_hits(self) -> list[Hit]:
        """Return and forget the hits that this transaction must write."""
        hits, self._hits = self._hits, []
        return hits

    def restore(self, stored: StateReader) -> None:
        """Take over the marks, and what was told, of the last committed transaction."""
        self.marks, self.told, self.facts_told = stored.marks, stored.told, stored.facts_told
        self.hours = Hours(self.number, self.marks)

    def restore_counter(self, counter: Counter, stored: CounterState, changed: dict[str, list[object]]) -> None:
        """Let a counter say what it said when it was stored, and what the marks say that it has counted since."""
        for name, value in stored.counted().items():
            setattr(counter, name, value)
        if counter.key in changed:
            for name, value in zip(COUNTED, changed[counter.key], strict=True):
                setattr(counter, name, value)
            self._dirty[counter] = None
        counter.tallied = counter.count


def _note_last(counter: Counter, value: bytes) -> str:
    """Note the event that a counter was last counted on and return its time; nothing if that is not readable.

    Of an envelope that is known the digits are not read again, so they may say nonsense: a sink will refuse the event then.
    """
    try:
        event_id, moment = id_and_time(value)
    except Invalid:
        return ""
    counter.seen(event_id, moment)
    return moment


def _is_time(moment: str) -> bool:
    try:
        parse_time(moment)
    except Invalid:
        return False
    return True
