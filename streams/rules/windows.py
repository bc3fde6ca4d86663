"""When the condition of a correlation holds: what its window holds at every moment at which something happened.

The window of a moment has all hits from ``timespan`` before it up to it, both ends included, in nanoseconds of event time: two hits
exactly ``timespan`` apart are in one window. It slides: it is looked at whenever a hit comes, and is bound to no grid. Hits of one
instant come together, so their order is nobody's::

    moments(correlation, entries)  # [Moment(time=…, start=0, end=5), …]: entries[0:5] are the window
"""

from __future__ import annotations

import operator
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from math import floor, isfinite
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from streams.rules.correlation import Bound, Correlation, CorrelationType, Needs, NeedsAll, NeedsNo

__all__ = ["SECOND", "Entry", "Moment", "is_growing", "moments"]

SECOND: Final = 1_000_000_000
_PERCENT: Final = 100
_MEDIAN: Final = 50


class Entry(NamedTuple):
    """What is known of a hit within its group; ordered by time and id, which are its identity."""

    time: int
    id: str
    rules: tuple[str, ...]
    values: tuple[str, ...]
    entity: str
    principal: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment at which the condition holds; its window is ``entries[start:end]``."""

    time: int
    start: int
    end: int


Number = int | Fraction

_OPERATORS: Final[Mapping[str, Callable[[Number, float], bool]]] = MappingProxyType(
    {
        "lt": operator.lt,
        "lte": operator.le,
        "gt": operator.gt,
        "gte": operator.ge,
        "eq": operator.eq,
        "neq": operator.ne,
    }
)
_GROWING: Final = frozenset({"event_count", "value_count", "temporal", "temporal_ordered"})


def is_growing(correlation: Correlation) -> bool:
    """Return whether one more hit can only make the condition hold more often: then nothing need be waited for."""
    if correlation.needs is not None:
        return correlation.type == "temporal" and not _denies(correlation.needs)
    return correlation.type in _GROWING and all(bound.operator in {"gt", "gte"} for bound in correlation.bounds)


def _denies(needs: Needs) -> bool:
    if isinstance(needs, NeedsNo):
        return True
    return not isinstance(needs, str) and any(map(_denies, needs.parts))


def moments(correlation: Correlation, entries: Sequence[Entry]) -> Iterator[Moment]:
    """Yield, in order of time, the moments at which the condition holds; ``entries`` are sorted and of one group."""
    measure, span = _MEASURES[correlation.type](correlation), correlation.timespan_seconds * SECOND
    present: Counter[str] = Counter()
    start = end = 0
    for time, together in groupby(entries, key=lambda entry: entry.time):
        coming = list(together)
        end += len(coming)
        for entry in coming:
            present[entry.id] += 1
            if present[entry.id] == 1:
                measure.add(entry)
        measure.happened(time, coming)
        while entries[start].time < time - span:
            gone = entries[start]
            present[gone.id] -= 1
            if not present[gone.id]:
                measure.remove(gone)
                del present[gone.id]
            start += 1
        if measure.holds(time - span):
            yield Moment(time, start, end)


class _Measure(Protocol):
    """What a window comes to. An id that is there more than once (a finding that goes on) is added once."""

    def add(self, entry: Entry) -> None: ...
    def remove(self, entry: Entry) -> None: ...
    def happened(self, time: int, entries: Sequence[Entry]) -> None:
        """Take note of all that came in one instant."""

    def holds(self, since: int) -> bool:
        """Return whether the condition holds of the window that begins at ``since``."""


def _holds(bounds: Sequence[Bound], value: Number) -> bool:
    return all(_OPERATORS[bound.operator](value, bound.count) for bound in bounds)


class _Counted:
    """How many events, distinct values or distinct rules there are."""

    def __init__(self, correlation: Correlation) -> None:
        self._bounds = correlation.bounds
        self._needs = correlation.needs
        self._counts: Counter[str] = Counter()
        self._wanted: Callable[[Entry], Sequence[str]] = _WANTED[correlation.type]

    def add(self, entry: Entry) -> None:
        self._counts.update(self._wanted(entry))

    def remove(self, entry: Entry) -> None:
        for one in self._wanted(entry):
            self._counts[one] -= 1
            if not self._counts[one]:
                del self._counts[one]

    def happened(self, time: int, entries: Sequence[Entry]) -> None:
        """Ask nothing of it."""

    def holds(self, since: int) -> bool:  # noqa: ARG002 - what is older was removed
        if self._needs is not None:
            return _is_met(self._needs, self._counts)
        return _holds(self._bounds, len(self._counts))


_WANTED: Final[Mapping[str, Callable[[Entry], Sequence[str]]]] = MappingProxyType(
    {
        "event_count": lambda entry: (entry.id,),
        "value_count": lambda entry: entry.values,
        "temporal": lambda entry: entry.rules,
        "temporal_ordered": lambda entry: entry.rules,
    }
)


def _is_met(needs: Needs, found: Counter[str]) -> bool:
    if isinstance(needs, str):
        return needs in found
    if isinstance(needs, NeedsNo):
        return not _is_met(needs.part, found)
    parts = (_is_met(part, found) for part in needs.parts)
    return all(parts) if isinstance(needs, NeedsAll) else any(parts)


class _Ordered(_Counted):
    """How many of the rules came in the order in which they are written: of one instant, any order.

    ``_begun[length][rule]`` is the latest time at which ``length`` rules in order began that end with this one. An expression holds
    if it does of the rules that came, and all of these came in order.
    """

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._rules = correlation.rules
        self._begun: list[dict[int, int]] = [{} for _ in range(len(self._rules) + 1)]

    def happened(self, time: int, entries: Sequence[Entry]) -> None:
        came = {rule for entry in entries for rule in entry.rules}
        for place, rule in enumerate(self._rules):
            if rule in came:
                self._begin(place, time)

    def _begin(self, place: int, time: int) -> None:
        self._begun[1][place] = time
        for length in range(1, place + 1):
            earlier = [begun for last, begun in self._begun[length].items() if last < place]
            if earlier:
                self._begun[length + 1][place] = max(earlier)

    def holds(self, since: int) -> bool:
        length = sum(any(begun >= since for begun in ends.values()) for ends in self._begun)
        if self._needs is not None:
            return _is_met(self._needs, self._counts) and length == len(self._counts)
        return _holds(self._bounds, length)


class _Numbers:
    """What the numbers among the values come to, exactly: binary fractions are added, so no order rounds otherwise."""

    def __init__(self, correlation: Correlation) -> None:
        self._bounds = correlation.bounds
        self._numbers: list[Fraction] = []
        self._sum = Fraction()
        self._value: Value = _VALUES[correlation.type](correlation)

    def add(self, entry: Entry) -> None:
        for number in _numbers(entry):
            insort(self._numbers, number)
            self._sum += number

    def remove(self, entry: Entry) -> None:
        for number in _numbers(entry):
            del self._numbers[bisect_left(self._numbers, number)]
            self._sum -= number

    def happened(self, time: int, entries: Sequence[Entry]) -> None:
        """Ask nothing of it."""

    def holds(self, since: int) -> bool:  # noqa: ARG002 - what is older was removed
        return bool(self._numbers) and _holds(self._bounds, self._value(self._numbers, self._sum))


def _numbers(entry: Entry) -> Iterator[Fraction]:
    for text in entry.values:
        try:
            number = float(text)
        except ValueError:
            continue
        if isfinite(number):
            yield Fraction(number)


Value = Callable[[Sequence[Fraction], Fraction], Fraction]
"""What sorted numbers and their sum come to."""


def _percentile(percent: int) -> Value:
    """Return what is at a percentile of the numbers, between two of them in proportion."""

    def value(numbers: Sequence[Fraction], _: Fraction) -> Fraction:
        place = Fraction(percent, _PERCENT) * (len(numbers) - 1)
        below = floor(place)
        above = min(below + 1, len(numbers) - 1)
        return numbers[below] + (place - below) * (numbers[above] - numbers[below])

    return value


_VALUES: Final[Mapping[str, Callable[[Correlation], Value]]] = MappingProxyType(
    {
        "value_sum": lambda _: lambda _, total: total,
        "value_avg": lambda _: lambda numbers, total: total / len(numbers),
        "value_median": lambda _: _percentile(_MEDIAN),
        "value_percentile": lambda correlation: _percentile(
            _MEDIAN if correlation.percentile is None else correlation.percentile
        ),
    }
)

_MEASURES: Final[Mapping[CorrelationType, Callable[[Correlation], _Measure]]] = MappingProxyType(
    {
        "event_count": _Counted,
        "value_count": _Counted,
        "temporal": _Counted,
        "temporal_ordered": _Ordered,
        "value_sum": _Numbers,
        "value_avg": _Numbers,
        "value_percentile": _Numbers,
        "value_median": _Numbers,
    }
)
