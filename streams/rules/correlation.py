"""A correlation rule: what must come together, of whom and within what time, before it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streams.rules.rule import Described, Level

__all__ = [
    "Alias",
    "Bound",
    "BoundOperator",
    "Correlation",
    "CorrelationType",
    "Needs",
    "NeedsAll",
    "NeedsAny",
    "NeedsNo",
]

CorrelationType = Literal[
    "event_count",
    "value_count",
    "temporal",
    "temporal_ordered",
    "value_sum",
    "value_avg",
    "value_percentile",
    "value_median",
]
BoundOperator = Literal["lt", "lte", "gt", "gte", "eq", "neq"]


@dataclass(frozen=True, slots=True)
class Bound:
    """One half of a condition: what is counted stands so to ``count``."""

    operator: BoundOperator
    count: int | float


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name for fields: in an event that ``rule`` (its id, as in ``Correlation.rules``) matches, ``name`` is ``field``."""

    name: str
    rule: str
    field: str


@dataclass(frozen=True, slots=True)
class NeedsAll:
    """All of them have come."""

    parts: tuple[Needs, ...]


@dataclass(frozen=True, slots=True)
class NeedsAny:
    """Any of them has come."""

    parts: tuple[Needs, ...]


@dataclass(frozen=True, slots=True)
class NeedsNo:
    """It has not come."""

    part: Needs


Needs = str | NeedsAll | NeedsAny | NeedsNo
"""The condition of a temporal correlation that is written as an expression; a text is the label of a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation(Described):
    """One correlation rule, its references resolved.

    ``rules`` are the labels (``Rule.label``, ``Correlation.label``) of the rules and correlations that it counts, in the order
    written. ``bounds`` must all hold (two make a range) for what the type counts; ``needs`` stands in their place where the
    condition is an expression. ``field`` are the fields whose values count, for the types that count values; ``percentile``
    is for ``value_percentile`` alone. ``reported`` is false for a correlation that only feeds others which say nothing of
    ``generate``. ``level`` is empty where the rule gives none: the gravest of the rules that it counts.
    """

    level: Level | Literal[""]
    file: str
    line: int
    type: CorrelationType
    rules: tuple[str, ...]
    group_by: tuple[str, ...]
    timespan_seconds: int
    bounds: tuple[Bound, ...]
    needs: Needs | None = None
    field: tuple[str, ...] = ()
    percentile: int | None = None
    aliases: tuple[Alias, ...] = ()
    generate: bool = False
    reported: bool = True
