"""Tests as functions of a view: each predicate of a condition becomes one call.

Neighbours that ask the same kind of question of the same field become one question: many exact values are one look into a
set, many endings one call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from operator import ge, gt, le, lt
from typing import Any, Final

import re2

from streams.rules.condition import (
    ALL,
    And,
    Compare,
    Condition,
    Exists,
    Network,
    Not,
    Null,
    Number,
    Predicate,
    Reference,
    Regex,
    Test,
    Text,
    TimePart,
    TimeUnit,
    Truth,
    Wildcard,
)
from streams.rules.folding import fold, number_of
from streams.rules.patterns import finder, fitter
from streams.rules.view import MISSING, View

__all__ = ["Check", "Checks", "Shape", "shape_of"]

Check = Callable[[View], bool]
_Read = Callable[[View], Iterable[str]]
_Holds = Callable[[str], bool]

Shape = tuple[str, str]
"""The form of a text without ``?``: ``exact``, ``prefix``, ``suffix`` or ``contains``, and its literal."""

_MILLISECONDS: Final = 1_000_000_000_000
_FIRST_LAST: Final = 2
_BOTH: Final = 3


def shape_of(text: Text) -> Shape | None:
    """Return the form of a text that is one literal, folded unless it is cased; nothing for other patterns."""
    parts = text.parts
    if not parts:
        return "exact", ""
    literals = [part for part in parts if isinstance(part, str)]
    if len(literals) != 1 or any(part not in (ALL, literals[0]) for part in parts):
        return None
    literal = literals[0] if text.cased else fold(literals[0])
    if len(parts) == 1:
        return "exact", literal
    if len(parts) == _BOTH:
        return "contains", literal
    return ("suffix" if parts[0] == ALL else "prefix"), literal


class Checks:
    """Compiles the conditions of one rule set; what is asked in several places is one function."""

    def __init__(self) -> None:
        self._known: dict[Condition, Check] = {}

    def of(self, condition: Condition) -> Check:
        """Return the function that says whether a tree holds of a view."""
        check = self._known.get(condition)
        if check is None:
            check = self._known[condition] = self._compile(condition)
        return check

    def _compile(self, condition: Condition) -> Check:
        if isinstance(condition, Test):
            return self._test(condition)
        if isinstance(condition, Not):
            part = self.of(condition.part)
            return lambda view: not part(view)
        if isinstance(condition, And):
            return _all(tuple(self.of(part) for part in condition.parts))
        return _any(tuple(self._alternatives(condition.parts)))

    def _alternatives(self, parts: Iterable[Condition]) -> Iterator[Check]:
        """Yield the checks of alternatives, those that are texts of one field and one form together."""
        groups: dict[tuple[str | None, bool, str], list[str]] = {}
        for part in parts:
            predicate = part.predicate if isinstance(part, Test) else None
            shape = shape_of(predicate) if isinstance(predicate, Text) else None
            if isinstance(part, Test) and isinstance(predicate, Text) and shape:
                groups.setdefault((part.field, predicate.cased, shape[0]), []).append(shape[1])
            else:
                yield self.of(part)
        for (field, cased, form), literals in groups.items():
            yield _texts(field, form, literals, cased=cased)

    def _test(self, test: Test) -> Check:
        predicate = test.predicate
        if isinstance(predicate, Text):
            shape = shape_of(predicate)
            if shape:
                return _texts(test.field, shape[0], [shape[1]], cased=predicate.cased)
            return _pattern(test.field, predicate)
        if isinstance(predicate, Regex):
            return _regex(test.field, predicate, len(self._known))
        if test.field is None:
            raise TypeError(f"{predicate} needs a field")  # detection.py refuses such rules
        return _BUILDERS[type(predicate)](test.field, predicate)


def _all(checks: tuple[Check, ...]) -> Check:
    if len(checks) == 1:
        return checks[0]
    if len(checks) == _FIRST_LAST:
        first, last = checks
        return lambda view: first(view) and last(view)

    def check(view: View) -> bool:
        for part in checks:  # noqa: SIM110  # all() over a generator takes twice as long
            if not part(view):
                return False
        return True

    return check


def _any(checks: tuple[Check, ...]) -> Check:
    if len(checks) == 1:
        return checks[0]
    if len(checks) == _FIRST_LAST:
        first, last = checks
        return lambda view: first(view) or last(view)

    def check(view: View) -> bool:
        for part in checks:  # noqa: SIM110  # any() over a generator takes twice as long
            if part(view):
                return True
        return False

    return check


def _reader(field: str | None, *, cased: bool) -> _Read:
    if field is None:
        return View.all_texts if cased else View.all_folded
    return (lambda view: view.texts(field)) if cased else (lambda view: view.folded(field))


def _texts(field: str | None, form: str, literals: list[str], *, cased: bool) -> Check:
    read = _reader(field, cased=cased)
    if form == "exact":
        wanted = frozenset(literals)
        return lambda view: not wanted.isdisjoint(read(view))
    if form == "contains":
        return _holding(read, tuple(literals))
    ends = tuple(literals)
    holds: _Holds = (lambda text: text.startswith(ends)) if form == "prefix" else (lambda text: text.endswith(ends))
    return _any_text(read, holds)


def _holding(read: _Read, needles: tuple[str, ...]) -> Check:
    def check(view: View) -> bool:
        for text in read(view):
            for needle in needles:
                if needle in text:
                    return True
        return False

    return check


def _any_text(read: _Read, holds: _Holds) -> Check:
    def check(view: View) -> bool:
        for text in read(view):  # noqa: SIM110  # any() over a generator takes twice as long
            if holds(text):
                return True
        return False

    return check


def _pattern(field: str | None, text: Text) -> Check:
    if all(part == ALL for part in text.parts):
        return _any_text(_reader(field, cased=True), lambda _: True)
    fits = fitter("".join(_piece(part, cased=text.cased) for part in text.parts), ("s",))
    return _any_text(_reader(field, cased=text.cased), lambda value: fits(value.encode("utf-8", "surrogatepass")))


def _piece(part: str | Wildcard, *, cased: bool) -> str:
    if isinstance(part, str):
        return str(re2.escape(part if cased else fold(part)))
    return ".*" if part.many else "."


def _regex(field: str | None, predicate: Regex, number: int) -> Check:
    """Return the test of a regular expression, which is dear: what it has found of a view is kept there."""
    finds = finder(predicate.pattern, predicate.flags)

    def check(view: View) -> bool:
        found = view.found.get(number)
        if found is None:
            found = view.found[number] = any(map(finds, view.encoded(field)))
        return found

    return check


def _null(field: str, _: Null) -> Check:
    return lambda view: _is_null(view.raw(field))


def _exists(field: str, predicate: Exists) -> Check:
    present = predicate.present
    return lambda view: (view.raw(field) is not MISSING) is present


def _number(field: str, predicate: Number) -> Check:
    number = predicate.number
    return _any_number(field, lambda value: value == number)


def _compare(field: str, predicate: Compare) -> Check:
    stands, bound = _OPERATORS[predicate.operator], predicate.number
    return _any_number(field, lambda value: stands(value, bound))


def _truth(field: str, predicate: Truth) -> Check:
    return _texts(field, "exact", ["true" if predicate.value else "false"], cased=False)


def _network(field: str, predicate: Network) -> Check:
    return _any_text(_reader(field, cased=True), _inside(predicate))


_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {"lt": lt, "lte": le, "gt": gt, "gte": ge}


def _is_null(value: Any) -> bool:
    return value is MISSING or value is None or (isinstance(value, list | tuple) and None in value)


def _any_number(field: str, holds: Callable[[int | float], bool]) -> Check:
    def check(view: View) -> bool:
        numbers = (number_of(value) for value in view.values(field))
        return any(number is not None and holds(number) for number in numbers)

    return check


def _inside(predicate: Network) -> _Holds:
    network = predicate.network

    def holds(text: str) -> bool:
        address = _address(text)
        return address is not None and address.version == network.version and address in network

    return holds


@lru_cache(maxsize=4096)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _reference(field: str, predicate: Reference) -> Check:
    mine, other = _reader(field, cased=predicate.cased), _reader(predicate.field, cased=predicate.cased)
    compare = _COMPARED[predicate.begins, predicate.ends]

    def check(view: View) -> bool:
        return any(compare(one, another) for another in other(view) for one in mine(view))

    return check


_COMPARED: Final[dict[tuple[bool, bool], Callable[[str, str], bool]]] = {
    (False, False): lambda one, other: one == other,
    (True, False): str.startswith,
    (False, True): str.endswith,
    (True, True): lambda one, other: other in one,
}


def _time_part(field: str, predicate: TimePart) -> Check:
    unit, number = predicate.unit, predicate.number

    def check(view: View) -> bool:
        times = (_time(value) for value in view.values(field))
        return any(time is not None and _part(time, unit) == number for time in times)

    return check


def _part(time: datetime, unit: TimeUnit) -> int:
    return time.isocalendar().week if unit == "week" else int(getattr(time, unit))


def _time(value: Any) -> datetime | None:
    """Return the time of a text as ISO 8601 has it, or of a number of seconds or milliseconds since 1970."""
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
        else:
            number = number_of(value)
            return None if number is None else datetime.fromtimestamp(number / _unit(number), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _unit(number: float) -> int:
    return 1000 if number > _MILLISECONDS else 1


_BUILDERS: Final[dict[type[Predicate], Callable[[str, Any], Check]]] = {
    Compare: _compare,
    Exists: _exists,
    Network: _network,
    Null: _null,
    Number: _number,
    Reference: _reference,
    TimePart: _time_part,
    Truth: _truth,
}
