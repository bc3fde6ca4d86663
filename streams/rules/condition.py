"""What a rule asks of a record: a tree of tests, as the specification means it and as plain as can be compared.

The tree knows no file and no pySigma. Two equal tests are equal values, whichever rules they stand in: so the matcher
evaluates each once. ``field`` is ``None`` where any value of the record is meant (a keyword).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Final, Literal

__all__ = [
    "ALL",
    "ONE",
    "And",
    "Compare",
    "Condition",
    "Exists",
    "Flag",
    "Network",
    "Not",
    "Null",
    "Number",
    "Operator",
    "Or",
    "Predicate",
    "Reference",
    "Regex",
    "Test",
    "Text",
    "TimePart",
    "TimeUnit",
    "Truth",
    "Wildcard",
    "fields_of",
    "tests_of",
]

Flag = Literal["i", "m", "s"]
Operator = Literal["lt", "lte", "gt", "gte"]
TimeUnit = Literal["minute", "hour", "day", "week", "month", "year"]


@dataclass(frozen=True, slots=True)
class Wildcard:
    """``?`` (one character) or ``*`` (any number of them) within a text."""

    many: bool


ONE: Final = Wildcard(many=False)
ALL: Final = Wildcard(many=True)


@dataclass(frozen=True, slots=True)
class Text:
    """The whole value is these parts, one after the other; ``cased`` compares it letter by letter."""

    parts: tuple[str | Wildcard, ...]
    cased: bool = False


@dataclass(frozen=True, slots=True)
class Regex:
    """The pattern is found somewhere in the value."""

    pattern: str
    flags: frozenset[Flag] = frozenset()


@dataclass(frozen=True, slots=True)
class Number:
    """The value is this number, also where it is written as text."""

    number: int | float


@dataclass(frozen=True, slots=True)
class Truth:
    """The value is this boolean, also where it is written as text."""

    value: bool


@dataclass(frozen=True, slots=True)
class Compare:
    """The value is a number and stands so to this one."""

    operator: Operator
    number: int | float


@dataclass(frozen=True, slots=True)
class Network:
    """The value is an address in this network."""

    network: IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Null:
    """The field is missing, or is null."""


@dataclass(frozen=True, slots=True)
class Exists:
    """The field is there, whatever its value (or is not there)."""

    present: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """The value is, contains, begins or ends with the value of another field."""

    field: str
    begins: bool = False
    ends: bool = False
    cased: bool = False


@dataclass(frozen=True, slots=True)
class TimePart:
    """The value is a time, and this part of it (in UTC) is this number."""

    unit: TimeUnit
    number: int


Predicate = Text | Regex | Number | Truth | Compare | Network | Null | Exists | Reference | TimePart


@dataclass(frozen=True, slots=True)
class Test:
    """One predicate of one field; of a list of values, any may satisfy it."""

    __test__ = False  # the name is the right one; pytest must not collect it

    field: str | None
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; of a test of a missing field it holds."""

    part: Condition


Condition = And | Or | Not | Test


def tests_of(condition: Condition) -> Iterator[Test]:
    """Yield the tests of a tree from left to right, each as often as it stands there."""
    if isinstance(condition, Test):
        yield condition
    elif isinstance(condition, Not):
        yield from tests_of(condition.part)
    else:
        for part in condition.parts:
            yield from tests_of(part)


def fields_of(condition: Condition) -> frozenset[str]:
    """Return the names of all fields that a tree reads, those that others are compared with included."""
    tests = list(tests_of(condition))
    named = {test.field for test in tests if test.field is not None}
    return frozenset(named | {test.predicate.field for test in tests if isinstance(test.predicate, Reference)})
