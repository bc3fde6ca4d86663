"""Which correlations count an event that rules have matched: its hits.

A template is all of a hit that follows from the activity, its context and what matched; it is remembered with the verdict, and
becomes the hit of an event with what is the event's own: id, time and entity::

    counting = Counting.of(rule_set)
    templates = counting.templates({**deciding, **activity, **verdict}, [match.rule.label for match in matches])
    hits = [template.hit("shop:0003:000000000042", "2026-01-01T00:00:00Z", "0123456789ab", facts) for template in templates]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, Protocol

from schemas.codec import dumps
from schemas.fields import FIELDS
from schemas.hit import Hit
from streams.rules.correlation import Correlation
from streams.rules.derived import DERIVED
from streams.rules.logsources import source_of
from streams.rules.rule import Rule

__all__ = ["MAX_TIMESPAN_SECONDS", "CountedRules", "Counting", "Template", "definition_of"]

Record = Mapping[str, Any]

_OWN: Final = frozenset({"entity.id", "verdict.principal"})
"""What a hit says of its event anyway, so that a correlation may ask for it, too."""

MAX_TIMESPAN_SECONDS: Final = 7 * 24 * 3600
"""How far a correlation may look back: the topic keeps hits a day longer."""

_DEFINITION_BYTES: Final = 8


class CountedRules(Protocol):
    """What is asked of a rule set."""

    @property
    def hash(self) -> str: ...
    @property
    def rules(self) -> tuple[Rule, ...]: ...
    @property
    def correlations(self) -> tuple[Correlation, ...]: ...


def definition_of(correlation: Correlation) -> str:
    """Return the hash (16 hex digits) of how a correlation counts: hits by another definition are not counted with these."""
    parts = (
        correlation.type,
        correlation.rules,
        correlation.group_by,
        correlation.timespan_seconds,
        correlation.bounds,
        correlation.needs,
        correlation.field,
        correlation.percentile,
        correlation.aliases,
    )
    return blake2b(repr(parts).encode(), digest_size=_DEFINITION_BYTES).hexdigest()


@dataclass(frozen=True, slots=True)
class _Column:
    """Where a value is found: a field of ours, or what is derived from some."""

    name: str

    @property
    def is_entitys(self) -> bool:
        """Whether only the event's entity tells it, not its activity and context."""
        row = FIELDS.get(self.name)
        return self.name == "entity.id" or (row is not None and row.part == "facts" and not row.decides)

    @property
    def is_read(self) -> bool:
        """Whether a correlation may ask for it: what differs with every event is not remembered, but for whose event it is."""
        row = FIELDS.get(self.name)
        return self.name in _OWN or row is None or row.part != "envelope"

    def texts(self, record: Record) -> tuple[str, ...]:
        derived = DERIVED.get(self.name)
        value = derived.read(record) if derived else record.get(self.name)
        return tuple(_text(one) for one in (value if isinstance(value, list | tuple) else [value]) if one is not None)


_Part = tuple[str, ...] | _Column
"""The values of one column, or the column where only the entity tells them."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How a correlation counts what matches one of its rules."""

    correlation: str
    definition: str
    rule: str
    group: tuple[_Column, ...]
    values: tuple[_Column, ...]

    def group_of(self, record: Record) -> tuple[_Part, ...]:
        return tuple(map(_part, self.group, [record] * len(self.group)))

    def values_of(self, record: Record) -> tuple[_Part, ...]:
        return tuple(map(_part, self.values, [record] * len(self.values)))


@dataclass(frozen=True, slots=True)
class Template:
    """A hit without its event. ``values`` are those of each field that counts, once for every way in which the event is counted."""

    correlation: str
    definition: str
    group: tuple[_Part, ...]
    rules: tuple[str, ...]
    values: tuple[tuple[_Part, ...], ...]
    principal: str

    def hit(self, event_id: str, moment: str, entity: str, facts: Record) -> Hit | None:
        """Return the hit of an event of this entity, of which ``facts`` are known; None if it lacks the field whose values count."""
        told = {**facts, "entity.id": entity}
        group = tuple(_joined(_resolved(part, told)) for part in self.group)
        counted = [_counted([_resolved(part, told) for part in way]) for way in self.values]
        values = tuple(sorted({value for found in counted for value in found}))
        if self.values and self.values[0] and not values:
            return None
        return Hit(
            self.correlation, self.definition, group, self.rules, values, event_id, moment, entity, self.principal
        )


class Counting:
    """Which correlations count the matches of which rules.

    ``unfit`` are the labels of correlations that cannot be counted, with the reason; those that count such a one are unfit, too.
    """

    def __init__(
        self, ways: Mapping[str, tuple[_Way, ...]] | None = None, unfit: Mapping[str, str] | None = None
    ) -> None:
        self._ways = ways or {}
        self.unfit = unfit or {}

    @classmethod
    def of(cls, rule_set: CountedRules, *, mapped: bool = True) -> Counting:
        """Take the correlations of a rule set; with ``mapped=False`` field names mean what an event calls so."""
        rules = {rule.label: rule for rule in rule_set.rules}
        found = [
            _Way(
                correlation.label,
                definition_of(correlation),
                label,
                tuple(_column(correlation, name, label, rules, mapped=mapped) for name in correlation.group_by),
                tuple(_column(correlation, name, label, rules, mapped=mapped) for name in correlation.field),
            )
            for correlation in rule_set.correlations
            for label in correlation.rules
        ]
        unfit = _unfit(found, rule_set.correlations, mapped=mapped)
        ways: dict[str, list[_Way]] = defaultdict(list)
        for way in found:
            if way.correlation not in unfit:
                ways[way.rule].append(way)
        return cls({label: tuple(counted) for label, counted in ways.items()}, unfit)

    @property
    def labels(self) -> Collection[str]:
        """The labels of rules and correlations that are counted."""
        return self._ways.keys()

    def templates(self, record: Record, matched: Iterable[str]) -> tuple[Template, ...]:
        """Return the hits of whatever has this record and is matched by rules of these labels, without what is its own.

        ``record`` has the deciding facts, the activity and the verdict, of which ``verdict.principal`` must be there.
        """
        ways: dict[tuple[str, tuple[_Part, ...]], list[_Way]] = defaultdict(list)
        for label in matched:
            for way in self._ways.get(label, ()):
                ways[way.correlation, way.group_of(record)].append(way)
        principal = str(record.get("verdict.principal", ""))
        return tuple(
            Template(
                name,
                together[0].definition,
                group,
                tuple(way.rule for way in together),
                tuple(dict.fromkeys(way.values_of(record) for way in together)),
                principal,
            )
            for (name, group), together in ways.items()
        )


def _column(correlation: Correlation, name: str, label: str, rules: Mapping[str, Rule], *, mapped: bool) -> _Column:
    """Return what a name in a correlation means for events that one of its rules matches."""
    named = next((alias.field for alias in correlation.aliases if (alias.name, alias.rule) == (name, label)), name)
    rule = rules.get(label)
    if rule is None or not mapped:  # a correlation is asked for its own groups
        return _Column(named)
    source = source_of(rule.logsource.category, rule.logsource.product, rule.logsource.service)
    return _Column(source.column(named))


def _unfit(ways: Iterable[_Way], correlations: Iterable[Correlation], *, mapped: bool) -> dict[str, str]:
    unfit = {
        one.label: f"looks back {one.timespan_seconds} s; {MAX_TIMESPAN_SECONDS} s is the most"
        for one in correlations
        if one.timespan_seconds > MAX_TIMESPAN_SECONDS
    }
    unfit |= {
        way.correlation: f"counts by {column.name}, which differs with every event and is not kept"
        for way in ways
        for column in (*way.group, *way.values)
        if mapped and not column.is_read
    }
    growing = True
    while growing:
        more = {
            one.label: f"counts {label}, which cannot be counted"
            for one in correlations
            for label in one.rules
            if label in unfit and one.label not in unfit
        }
        growing = bool(more)
        unfit |= more
    return unfit


def _part(column: _Column, record: Record) -> _Part:
    return column if column.is_entitys and column.name not in record else column.texts(record)


def _resolved(part: _Part, told: Record) -> tuple[str, ...]:
    return part.texts(told) if isinstance(part, _Column) else part


def _joined(texts: tuple[str, ...]) -> str | None:
    """Return the one value that a group has of a field; of several values it has all."""
    if len(texts) == 1:
        return texts[0]
    return dumps(texts).decode() if texts else None


def _counted(fields: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the values that count: each of one field, the combination of several."""
    if len(fields) == 1:
        return fields[0]
    return (dumps(fields).decode(),) if fields and all(fields) else ()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
