"""What a record must have for a rule to match it: so that most rules are never tried.

An anchor is a fact that is cheap to find for all rules at once: that a column has a value, that a literal or a pattern stands
in some text of the record. ``required`` gives, for a condition, anchors of which at least one is in every record that it
holds of; it may be in others too, since the condition itself is tried afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from streams.rules.checks import shape_of
from streams.rules.condition import (
    And,
    Condition,
    Exists,
    Flag,
    Not,
    Null,
    Number,
    Predicate,
    Regex,
    Test,
    Text,
    Truth,
    tests_of,
)
from streams.rules.folding import fold
from streams.rules.needed import literals_needed
from streams.rules.patterns import is_found_among

__all__ = [
    "SEPARATOR",
    "Anchor",
    "HasNumber",
    "HasPattern",
    "HasText",
    "HasValue",
    "IsThere",
    "chosen",
    "required",
    "scanned",
]

SEPARATOR: Final = "\n"
"""Stands before and behind every text, where texts are scanned as one."""


@dataclass(frozen=True, slots=True)
class HasValue:
    """A value of the column is this text, without case."""

    column: str
    text: str


@dataclass(frozen=True, slots=True)
class HasNumber:
    """A value of the column is this number."""

    column: str
    number: int | float


@dataclass(frozen=True, slots=True)
class HasText:
    """The literal stands in a text of the record, without case; a separator at an end is the end of the text."""

    literal: str


@dataclass(frozen=True, slots=True)
class HasPattern:
    """The regular expression is found in a text of the record, or over several."""

    pattern: str
    flags: frozenset[Flag]


@dataclass(frozen=True, slots=True)
class IsThere:
    """The column has a value."""

    column: str


Anchor = HasValue | HasNumber | HasText | HasPattern | IsThere

_LETTERS: Final = 12.0
"""By how much a literal of one more letter is rarer, as a guess."""

_CHANCE: Final[Mapping[type[Anchor], float]] = {HasValue: 0.02, HasNumber: 0.02, HasPattern: 0.05, IsThere: 0.5}
_LEAST: Final = 1e-5

_LONGEST: Final = 64
"""Letters of a literal that are looked for; the rest of a longer one is tried with the rule."""

_Required = frozenset[Anchor] | None


def chosen(conditions: Iterable[Condition]) -> list[_Required]:
    """Return the anchors of each condition; where there is a choice, those that few other conditions need too."""
    listed = list(conditions)
    uses: Counter[Anchor] = Counter()
    for condition in listed:
        uses.update(_mentioned(condition))
    dear = {anchor: _chance(anchor) * number for anchor, number in uses.items()}
    return [required(condition, dear) for condition in listed]


def _mentioned(condition: Condition) -> frozenset[Anchor]:
    if isinstance(condition, Test):
        return _of_test(condition) or frozenset()
    if isinstance(condition, Not):
        return frozenset()
    return frozenset().union(*map(_mentioned, condition.parts))


def required(condition: Condition, cost: Mapping[Anchor, float] | None = None) -> _Required:
    """Return anchors of which every record has one that the condition holds of; nothing where there are none."""
    costs = cost or {}
    if isinstance(condition, Test):
        return _of_test(condition)
    if isinstance(condition, Not):
        return None
    parts = [required(part, cost) for part in condition.parts]
    known = [part for part in parts if part is not None]
    if isinstance(condition, And):
        return min(known, key=partial(_cost, costs), default=None)
    return frozenset().union(*known) if len(known) == len(parts) else None


def scanned(conditions: Iterable[Condition]) -> frozenset[str] | None:
    """Return the columns in which alone texts have to be looked for; nothing where they may stand anywhere."""
    tests = [test for condition in conditions for test in tests_of(condition) if _is_scanned(_of_test(test))]
    columns = frozenset(test.field for test in tests if test.field is not None)
    return None if any(test.field is None for test in tests) else columns


def _is_scanned(anchors: _Required) -> bool:
    return any(isinstance(anchor, HasText | HasPattern) for anchor in anchors or ())


def _cost(costs: Mapping[Anchor, float], anchors: frozenset[Anchor]) -> float:
    return sum(costs.get(anchor) or _chance(anchor) for anchor in anchors)


def _chance(anchor: Anchor) -> float:
    """Guess how many of all records have an anchor."""
    if isinstance(anchor, HasText):
        return max(_LEAST, float(0.5 / _LETTERS ** (min(len(anchor.literal), _LONGEST) / 3)))
    return _CHANCE[type(anchor)]


def _of_test(test: Test) -> _Required:
    predicate = test.predicate
    if isinstance(predicate, Regex):
        return _of_regex(test.field, predicate)
    if isinstance(predicate, Text):
        return _of_text(test.field, predicate)
    anchor = None if test.field is None else _of_value(test.field, predicate)
    return None if anchor is None else frozenset([anchor])


def _of_value(field: str, predicate: Predicate) -> Anchor | None:
    if isinstance(predicate, Number):
        return HasNumber(field, predicate.number)
    if isinstance(predicate, Truth):
        return HasValue(field, "true" if predicate.value else "false")
    holds_of_nothing = isinstance(predicate, Null) or (isinstance(predicate, Exists) and not predicate.present)
    return None if holds_of_nothing else IsThere(field)


def _of_text(field: str | None, text: Text) -> _Required:
    shape = shape_of(text)
    if field is not None and shape is not None and shape[0] == "exact":
        return frozenset([HasValue(field, fold(shape[1]))])
    literal = _longest(text)
    if literal:
        return frozenset([HasText(literal)])
    return frozenset([IsThere(field)]) if field is not None else None


def _of_regex(field: str | None, regex: Regex) -> _Required:
    literals = literals_needed(regex.pattern)
    if literals:
        return frozenset(HasText(literal[:_LONGEST]) for literal in literals)
    if is_found_among(regex.pattern):
        return frozenset([HasPattern(regex.pattern, regex.flags)])
    return frozenset([IsThere(field)]) if field is not None else None


def _longest(text: Text) -> str:
    """Return the longest literal of a text, with a separator where the text begins or ends with it."""
    best = ""
    last = len(text.parts) - 1
    for number, part in enumerate(text.parts):
        if isinstance(part, str):
            literal = fold(part)
            before = SEPARATOR if number == 0 else ""
            after = SEPARATOR if number == last and len(literal) <= _LONGEST else ""
            best = max(best, f"{before}{literal[:_LONGEST]}{after}", key=len)
    return best
