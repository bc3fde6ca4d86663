"""The groups of one correlation: what is known of each, what has come of them, and no more of them than there is room for."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from schemas.hit import Group as Values
from schemas.settings import CorrelateSettings
from streams.rules.correlation import Correlation
from streams.rules.groups import Found, Group
from streams.rules.windows import SECOND, Entry, is_growing

__all__ = ["Limits", "Table"]

_DAY: Final = 24 * 3600 * SECOND
_SWEEP: Final = 60 * SECOND


@dataclass(frozen=True, slots=True)
class Limits:
    """How late a hit may be, and how much is remembered of one correlation: groups, hits of a group, hits of all groups."""

    lateness_seconds: float = 600.0
    groups: int = 20_000
    group_hits: int = 10_000
    hits: int = 200_000

    @classmethod
    def of(cls, settings: CorrelateSettings) -> Limits:
        """Return those of a worker."""
        return cls(settings.lateness_seconds, settings.remembered_groups, settings.group_hits, settings.remembered_hits)


@dataclass(slots=True)
class Table:
    """Groups, the one that had a hit last at the end. Without a correlation (its rule set has not come yet) hits are only kept.

    ``depth`` is how many correlations lie below: what each of them says may be late, too. ``dropped`` counts, by reason, hits that were not taken or had to be given up; nothing of a group is given up before it is judged.
    """

    limits: Limits
    correlation: Correlation | None = None
    depth: int = 0
    groups: OrderedDict[Values, Group] = field(default_factory=OrderedDict)
    held: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    _due: dict[Values, int] = field(default_factory=dict)
    _ready: list[tuple[Values, Found]] = field(default_factory=list)
    _swept: int = 0

    @property
    def span(self) -> int:
        """The timespan in nanoseconds; while it is not known, long enough to lose nothing."""
        return self.correlation.timespan_seconds * SECOND if self.correlation else _DAY

    @property
    def lateness(self) -> int:
        """How late a hit may be, in nanoseconds."""
        return int(self.limits.lateness_seconds * SECOND) * (self.depth + 1)

    def adopt(self, correlation: Correlation, depth: int) -> None:
        """Learn what these hits are counted for; only its texts can be new to a table that has a correlation."""
        if self.correlation is None:
            self._due = dict.fromkeys(self.groups, 0)
            for group in self.groups.values():
                group.fresh = 0
        self.correlation, self.depth = correlation, depth

    def take(self, values: Values, entry: Entry, appended: int, clock: int) -> None:
        """Take a hit of a group."""
        group = self.groups.get(values)
        if group is None:
            group = self.groups[values] = Group()
        self.groups.move_to_end(values)
        group.touched = clock
        self._close(values, group, min(entry.time, appended) - self.lateness)
        outcome = group.add(entry, self.span)
        if outcome == "added":
            self.held += 1
            self._note(values, group, entry)
            self._make_room(values, group, clock)
        elif outcome == "late":
            self.dropped["too late to be correlated"] += 1

    def _note(self, values: Values, group: Group, entry: Entry) -> None:
        """Note from which stretch on a group is to be judged, and when: at once, or when no hit can undo what is found."""
        due, stretch = 0 if self._is_growing else entry.time + self.lateness, entry.time // self.span
        group.fresh = min(group.fresh, stretch) if values in self._due else stretch
        self._due[values] = min(self._due.get(values, due), due)

    @property
    def _is_growing(self) -> bool:
        return self.correlation is None or is_growing(self.correlation)

    def _close(self, values: Values, group: Group, until: int) -> None:
        """Close stretches, not one by one but as many as there are in the time for which hits are kept: each time costs a judging."""
        if self.correlation is None or until - group.open * self.span < max(self.span, self.lateness):
            return
        if group.entries:
            self._judge(values, group, until)
        before = len(group.entries)
        group.close(until, self.span)
        self.held -= before - len(group.entries)

    def settle(self, clock: int) -> Iterator[tuple[Values, Found]]:
        """Yield what has come of the groups that had hits since, at ``clock``."""
        if self.correlation is not None:
            for values in [values for values, due in self._due.items() if due <= clock]:
                self._judge(values, self.groups[values], clock - self.lateness)
        if clock - self._swept >= _SWEEP:
            self._sweep(clock)
        yield from self._ready
        self._ready.clear()

    def _judge(self, values: Values, group: Group, until: int) -> None:
        """Note what has come of a group; ``until`` is the moment up to which all hits have come."""
        if self.correlation is None or values not in self._due:
            return
        del self._due[values]
        growing = self._is_growing
        found = group.found(self.correlation, None if growing else until)
        self._ready += [(values, one) for one in found]
        waiting = None if growing else group.next_behind(until)
        if waiting is not None:
            group.fresh, self._due[values] = waiting // self.span, waiting + self.lateness

    # Letting go

    def _sweep(self, clock: int) -> None:
        """Let go of groups that no hit can add to any more."""
        self._swept = clock
        for values, group in list(self.groups.items()):
            if max(group.touched, group.latest) + self.span + self.lateness < clock:
                self._drop(values, clock)

    def _make_room(self, values: Values, group: Group, clock: int) -> None:
        excess = len(group.entries) - self._most
        if excess > self._most // 10:
            self._judge(values, group, clock - self.lateness)
            group.give_up(excess)
            self.held -= excess
            self.dropped["too many hits of a group"] += excess
        while len(self.groups) > self.limits.groups or self.held > self.limits.hits:
            oldest = next(iter(self.groups))
            self.dropped["too many groups"] += len(self.groups[oldest].entries)
            self._drop(oldest, clock)

    @property
    def _most(self) -> int:
        """How many hits of a group are kept: twice as many as the condition asks for, whatever the limit."""
        bounds = self.correlation.bounds if self.correlation else ()
        return max(self.limits.group_hits, *(2 * int(bound.count) for bound in bounds), 1)

    def _drop(self, values: Values, clock: int) -> None:
        self._judge(values, self.groups[values], clock - self.lateness)
        self._due.pop(values, None)
        self.held -= len(self.groups.pop(values).entries)
