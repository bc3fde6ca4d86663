"""What the specification says of correlations, read word by word and slowly; written for the tests alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from statistics import median

from streams.rules.correlation import Correlation, Needs, NeedsAll, NeedsAny, NeedsNo
from streams.rules.windows import SECOND, Entry


def holding(correlation: Correlation, entries: Iterable[Entry]) -> list[int]:
    """Return the times at which the condition holds of all hits from the timespan before up to then."""
    everything = list(entries)
    return [
        time
        for time in sorted({one.time for one in everything})
        if _holds(correlation, window(correlation, everything, time))
    ]


def window(correlation: Correlation, entries: Iterable[Entry], time: int) -> list[Entry]:
    return sorted(one for one in entries if time - correlation.timespan_seconds * SECOND <= one.time <= time)


def bursts(correlation: Correlation, entries: Iterable[Entry]) -> int:
    """Return how many there are: the condition does not hold for more than a timespan between two of them."""
    times = holding(correlation, entries)
    span = correlation.timespan_seconds * SECOND
    return sum(place == 0 or time - times[place - 1] > span for place, time in enumerate(times))


def _holds(correlation: Correlation, hits: Sequence[Entry]) -> bool:
    came = {rule for hit in hits for rule in hit.rules}
    if correlation.needs is not None:
        in_order = correlation.type == "temporal" or _longest(correlation.rules, hits) == len(came)
        return _met(correlation.needs, came) and in_order
    value = _value(correlation, hits, came)
    if value is None:
        return False
    return all(_compare(bound.operator, value, bound.count) for bound in correlation.bounds)


def _compare(name: str, left: Fraction | int, right: float) -> bool:
    match name:
        case "lt":
            return left < right
        case "lte":
            return left <= right
        case "gt":
            return left > right
        case "gte":
            return left >= right
        case "eq":
            return left == right
        case _:
            return left != right


def _value(correlation: Correlation, hits: Sequence[Entry], came: set[str]) -> Fraction | int | None:
    events = {hit.id: hit for hit in hits}
    match correlation.type:
        case "event_count":
            return len(events)
        case "value_count":
            return len({value for hit in hits for value in hit.values})
        case "temporal":
            return len(came)
        case "temporal_ordered":
            return _longest(correlation.rules, hits)
        case _:
            return _of_numbers(correlation, sorted(number for hit in events.values() for number in _numbers(hit)))


def _of_numbers(correlation: Correlation, numbers: list[Fraction]) -> Fraction | int | None:
    match correlation.type if numbers else "none":
        case "none":
            return None
        case "value_sum":
            return sum(numbers)
        case "value_avg":
            return Fraction(sum(numbers), len(numbers))
        case "value_median":
            return median(numbers)
        case _:
            return _percentile(numbers, correlation.percentile or 0)


def _numbers(hit: Entry) -> Iterator[Fraction]:
    for value in hit.values:
        try:
            yield Fraction(float(value))
        except ValueError:
            continue


def _percentile(numbers: list[Fraction], percent: int) -> Fraction:
    place = Fraction(percent * (len(numbers) - 1), 100)
    whole = int(place)
    rest = numbers[whole + 1 : whole + 2] or [numbers[whole]]
    return numbers[whole] * (1 - place + whole) + rest[0] * (place - whole)


def _longest(rules: Sequence[str], hits: Sequence[Entry]) -> int:
    """Return how many rules, in the order written, have hits none of which is before the hit of the rule before."""

    def in_order(chosen: Sequence[str]) -> bool:
        earliest = 0
        for rule in chosen:
            times = [hit.time for hit in hits if rule in hit.rules and hit.time >= earliest]
            if not times:
                return False
            earliest = min(times)
        return True

    lengths = (
        len(chosen) for size in range(len(rules) + 1) for chosen in combinations(rules, size) if in_order(chosen)
    )
    return max(lengths)


def _met(needs: Needs, came: set[str]) -> bool:
    match needs:
        case NeedsAll():
            return all(_met(part, came) for part in needs.parts)
        case NeedsAny():
            return any(_met(part, came) for part in needs.parts)
        case NeedsNo():
            return not _met(needs.part, came)
        case _:
            return needs in came
