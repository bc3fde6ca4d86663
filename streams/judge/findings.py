"""What was found in a record before any policy was asked: the rules that it matches, and what its sensor says itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from schemas.policy import LEVELS
from schemas.verdict import Decisive
from streams.judge.record import Record
from streams.rules.matcher import Match

__all__ = ["Found", "found_in"]


@dataclass(frozen=True, slots=True)
class Found:
    """One finding.

    ``called`` is all that an exception may call its rule: title, id, name. ``reason`` says for a person what was found.
    """

    by: Literal["rule", "sensor"]
    rule: Decisive
    called: frozenset[str]
    reason: str
    techniques: tuple[str, ...] = ()

    @property
    def rank(self) -> int:
        """Return how grave it is: the position of its level."""
        return LEVELS.index(self.rule.level)


def found_in(record: Record, matches: Iterable[Match]) -> list[Found]:
    """Return the findings of a record, the gravest first, then by the ids of their rules.

    Rules that only feed correlations are none, nor is what a sensor says without a level that we know.
    """
    found = [_of_rule(match) for match in matches if match.rule.reported]
    if "rule.name" in record and record.get("rule.level") in LEVELS:
        found.append(_of_sensor(record))
    return sorted(found, key=lambda one: (-one.rank, one.rule.id, one.rule.name))


def _of_rule(match: Match) -> Found:
    rule = match.rule
    said = f'rule "{rule.title}" ({rule.level}) matched {", ".join(match.fields)}'.rstrip()
    decisive = Decisive(rule.label, rule.title, rule.level, rule.file, match.fields)
    return Found("rule", decisive, frozenset({rule.id, rule.title, rule.name} - {""}), said, rule.techniques)


def _of_sensor(record: Record) -> Found:
    name, level = record["rule.name"], record["rule.level"]
    identifier = record.get("rule.id", "")
    said = f"{record.get('event.module', 'the sensor')} found: {name} (level {level})"
    techniques = tuple(record.get("threat.technique.id") or ())
    return Found("sensor", Decisive(identifier, name, level), frozenset({name, identifier} - {""}), said, techniques)
