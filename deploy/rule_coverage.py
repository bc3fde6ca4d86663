"""What a rule set covers: techniques, where its data comes from, and rules that can never fire for lack of it.

A rule can fire if one sensor that is present gives events of its logsource with all the fields that its condition needs. Facts of
containers and workloads count as known, whoever says them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from producers.formats.emitted import EMITTED
from schemas.fields import FIELDS
from streams.rules.condition import And, Condition, Exists, Not, Null, Test, fields_of
from streams.rules.correlation import Correlation
from streams.rules.derived import DERIVED
from streams.rules.logsources import ENTITY_KIND, Gate, Source, source_of
from streams.rules.mapping import is_of_verdicts
from streams.rules.rule import LEVELS, Rule
from streams.rules.ruleset import RuleSet

__all__ = ["Coverage", "NeverFires", "SourceCoverage", "TechniqueCoverage", "coverage_of"]

_ALL_MUST_COME: Final = ("temporal", "temporal_ordered")
_ANYONE: Final = frozenset(
    name
    for name, field in FIELDS.items()
    if field.part in ("facts", "verdict") or name.startswith("container.settings.")
) | {ENTITY_KIND}
"""Fields that do not depend on the sensor of the event."""


@dataclass(frozen=True, slots=True)
class TechniqueCoverage:
    """An ATT&CK technique, the titles of the rules for it, and the gravest of their levels."""

    technique: str
    rules: tuple[str, ...]
    level: str


@dataclass(frozen=True, slots=True)
class SourceCoverage:
    """A logsource, how many rules read it, and which formats give its events; none are ``absent`` data."""

    logsource: str
    rules: int
    present: tuple[str, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NeverFires:
    """A rule or correlation that cannot fire, and why."""

    rule: str
    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """All of it; in the order of techniques, logsources and files."""

    techniques: tuple[TechniqueCoverage, ...]
    sources: tuple[SourceCoverage, ...]
    never: tuple[NeverFires, ...]


def coverage_of(rules: RuleSet, present: Collection[str]) -> Coverage:
    """Return what a rule set covers where these formats are collected."""
    never = {rule.label: reason for rule in rules.rules if (reason := _reason(rule, present))}
    for (
        correlation
    ) in rules.correlations:  # those that others count stand before them in no order, so ask until none is added
        never |= {correlation.label: reason} if (reason := _reason_of(correlation, never)) else {}
    told = [rule for rule in _all(rules) if rule.label in never]
    return Coverage(
        techniques=tuple(_techniques(rule for rule in _all(rules) if rule.label not in never)),
        sources=tuple(_sources(rules.rules, present)),
        never=tuple(NeverFires(rule.title, rule.file, rule.line, never[rule.label]) for rule in told),
    )


def _all(rules: RuleSet) -> list[Rule | Correlation]:
    return [*rules.rules, *rules.correlations]


def _techniques(rules: Iterable[Rule | Correlation]) -> Iterable[TechniqueCoverage]:
    found: defaultdict[str, list[Rule | Correlation]] = defaultdict(list)
    for rule in rules:
        for technique in rule.techniques:
            found[technique].append(rule)
    for technique, covering in sorted(found.items()):
        level = max((rule.level for rule in covering if rule.level), key=LEVELS.index, default="")
        yield TechniqueCoverage(technique, tuple(rule.title for rule in covering), level)


def _sources(rules: Iterable[Rule], present: Collection[str]) -> Iterable[SourceCoverage]:
    found: defaultdict[str, list[Source]] = defaultdict(list)
    for rule in rules:
        found[str(rule.logsource) or "any"].append(_source(rule))
    for logsource, sources in sorted(found.items()):
        sensors = sources[0].sensors
        yield SourceCoverage(
            logsource, len(sources), tuple(sorted(sensors & set(present))), tuple(sorted(sensors - set(present)))
        )


def _source(rule: Rule) -> Source:
    return source_of(rule.logsource.category, rule.logsource.product, rule.logsource.service)


def _reason_of(correlation: Correlation, never: Collection[str]) -> str:
    lost = [label for label in correlation.rules if label in never]
    if not lost:
        return ""
    if correlation.type in _ALL_MUST_COME and correlation.needs is None:
        return f"it needs {', '.join(lost)}, which can never fire"
    return "none of the rules that it counts can ever fire" if len(lost) == len(correlation.rules) else ""


def _reason(rule: Rule, present: Collection[str]) -> str:
    """Return why a rule can never fire, or nothing."""
    if is_of_verdicts(rule):
        return ""
    source = _source(rule)
    if not source.sensors:
        return f"no format of ours gives events of `{rule.logsource}`"
    sensors = sorted(source.sensors & set(present))
    if not sensors:
        return f"its data comes from {', '.join(sorted(source.sensors))}, of which none is present"
    if any(_can_fire(rule.condition, source, EMITTED.get(sensor, frozenset())) for sensor in sensors):
        return ""
    return _missing(rule, source, sensors)


def _can_fire(condition: Condition, source: Source, emitted: Collection[str]) -> bool:
    return all(_is_known(column, emitted) for column in _asked(source.gate)) and _can_be(
        condition, source, emitted, wanted=True
    )


def _asked(gate: Gate) -> Iterable[str]:
    return (column for column in gate if column != ENTITY_KIND)


def _can_be(condition: Condition, source: Source, emitted: Collection[str], *, wanted: bool) -> bool:
    """Return whether a condition can come out as ``wanted`` for some event with no other fields than these."""
    if isinstance(condition, Not):
        return _can_be(condition.part, source, emitted, wanted=not wanted)
    if isinstance(condition, Test):
        return _test_can_be(condition, source, emitted, wanted=wanted)
    parts = (_can_be(part, source, emitted, wanted=wanted) for part in condition.parts)
    return all(parts) if isinstance(condition, And) == wanted else any(parts)


def _test_can_be(test: Test, source: Source, emitted: Collection[str], *, wanted: bool) -> bool:
    if test.field is None or _is_known(source.column(test.field), emitted):
        return True
    holds_when_missing = isinstance(test.predicate, Null) or test.predicate == Exists(present=False)
    return holds_when_missing == wanted


def _is_known(column: str, emitted: Collection[str]) -> bool:
    reads = DERIVED[column].reads if column in DERIVED else (column,)
    return any(field in emitted or field in _ANYONE for field in reads)


def _missing(rule: Rule, source: Source, sensors: list[str]) -> str:
    columns = {name: source.column(name) for name in sorted(fields_of(rule.condition))}
    known = frozenset[str]().union(*(EMITTED.get(sensor, frozenset()) for sensor in sensors))
    lost = [name for name, column in columns.items() if not _is_known(column, known)]
    if not lost:
        lost = [name for name, column in columns.items() if not _is_known(column, EMITTED.get(sensors[0], ()))]
    others = sorted(sensor for sensor in EMITTED if any(_is_known(columns[name], EMITTED[sensor]) for name in lost))
    hint = f"; only {', '.join(others)} gives it" if others else "; no format of ours does"
    shown = ", ".join(f"`{name}`" for name in lost) or "what it asks for"
    return f"{', '.join(sensors)} give no {shown}{hint}"
