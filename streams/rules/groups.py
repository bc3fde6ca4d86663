"""The hits of one group of one correlation, as long as they can still matter.

Time is cut into stretches as long as the correlation's timespan, from 1970 on. What is found in one stretch is one finding, whatever
the order in which its hits come: so its id and content are a function of the hits alone. A stretch is open at least until ``lateness``
behind its end, by the group's own latest hit; a hit of an open one may come in any order. Of the stretch before the first open one the
hits are kept, because windows that end in the open one begin there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from streams.rules.correlation import Correlation
from streams.rules.windows import SECOND, Entry, Moment, moments

__all__ = ["Found", "Group"]

_MAX_EVENTS: Final = 20
"""How many ids of events a finding names."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one stretch comes to.

    From when on hits count, the last ids up to the hit that fulfilled the condition first, and that hit; the last hit of every moment
    at which the condition held, and how many hits count up to the last of them.
    """

    stretch: int
    first: int
    events: tuple[str, ...]
    completed: Entry
    held: tuple[Entry, ...] = ()
    count: int = 0


@dataclass(slots=True)
class Group:
    """Hits in order of time and id; ``lost`` are, by second, those above the limit, of which only the number is known.

    ``fresh`` is the first stretch of which hits have come since it was judged.
    """

    entries: list[Entry] = field(default_factory=list)
    lost: Counter[int] = field(default_factory=Counter)
    begun: dict[int, Found] = field(default_factory=dict)
    open: int = 0
    fresh: int = 0
    touched: int = 0

    @property
    def latest(self) -> int:
        """The time of the latest hit; 0 for none."""
        return self.entries[-1].time if self.entries else 0

    def add(self, entry: Entry, span: int) -> Literal["added", "known", "late"]:
        """Take a hit that is new and not too late."""
        if entry.time // span < self.open - 1:
            return "late"
        place = bisect_left(self.entries, (entry.time, entry.id))
        if place < len(self.entries) and self.entries[place][:2] == entry[:2]:
            return "known"
        self.entries.insert(place, entry)
        return "added"

    def close(self, until: int, span: int) -> None:
        """Close the stretches that end by ``until``, and let go of what only they needed."""
        self.open = until // span
        oldest = (self.open - 1) * span
        del self.entries[: bisect_left(self.entries, (oldest,))]
        for second in [second for second in self.lost if (second + 1) * SECOND <= oldest]:
            del self.lost[second]
        for stretch in [stretch for stretch in self.begun if stretch < self.open]:
            del self.begun[stretch]

    def give_up(self, count: int) -> None:
        """Give up so many of the oldest hits; their number is kept."""
        self.lost.update(entry.time // SECOND for entry in self.entries[:count])
        del self.entries[:count]

    def next_behind(self, moment: int) -> int | None:
        """Return the time of the first hit behind a moment."""
        place = bisect_left(self.entries, (moment + 1,))
        return self.entries[place].time if place < len(self.entries) else None

    def found(self, correlation: Correlation, until: int | None) -> Iterator[Found]:
        """Yield what the open stretches from the fresh one on come to; no moment behind ``until``, where one is given.

        What came before windows that end in the fresh stretch is not looked at.
        """
        span, since = correlation.timespan_seconds * SECOND, max(self.open, self.fresh)
        recent = self.entries[bisect_left(self.entries, ((since - 1) * span,)) :]
        stretches: dict[int, list[Moment]] = {}
        for moment in moments(correlation, recent):
            if moment.time // span >= since and (until is None or moment.time <= until):
                stretches.setdefault(moment.time // span, []).append(moment)
        for stretch, held in stretches.items():
            yield self._found(stretch, held, recent)

    def _found(self, stretch: int, held: Sequence[Moment], recent: Sequence[Entry]) -> Found:
        begun = self._begun(stretch, recent[held[0].start : held[0].end])
        counted = recent[bisect_left(recent, (begun.first,)) : held[-1].end]
        last = held[-1].time // SECOND
        lost = sum(count for second, count in self.lost.items() if begun.first // SECOND <= second <= last)
        completing = tuple(recent[moment.end - 1] for moment in held)
        return replace(begun, held=completing, count=len({entry.id for entry in counted}) + lost)

    def _begun(self, stretch: int, window: Sequence[Entry]) -> Found:
        """Return how a stretch begins: as it did before, if hits were given up since that had a part in it."""
        events = tuple(dict.fromkeys(entry.id for entry in window))[-_MAX_EVENTS:]
        begun, before = Found(stretch, window[0].time, events, window[-1]), self.begun.get(stretch)
        if before is None or begun.completed.time <= before.completed.time:
            self.begun[stretch] = begun
        return self.begun[stretch]
