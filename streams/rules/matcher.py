"""All rules of a set against one record: pure, without a clock, the same whatever else is matched.

A record meets only the rules whose anchors it has (``streams/rules/index.py``); each of those is then tried as the
specification says. So a rule set of thousands costs a record little more than one of hundreds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.rules.checks import Check, Checks
from streams.rules.condition import And, Condition, Not, Test
from streams.rules.derived import DERIVED
from streams.rules.detection import joined
from streams.rules.fault import RuleFault
from streams.rules.index import Index
from streams.rules.mapping import MappedRule, map_rules
from streams.rules.rule import Rule
from streams.rules.ruleset import RuleSet
from streams.rules.view import View

__all__ = ["CompiledRules", "Match"]

Decisive = Callable[[View], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that a record matches, and the fields whose values made it match: ours, where the rules are mapped."""

    rule: Rule
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: Rule
    check: Check
    decisive: Decisive


class CompiledRules:
    """A rule set made ready; ``hash`` is the set's, ``refused`` names the rules that were left out here (none unmapped)."""

    def __init__(self, rules: list[MappedRule], refused: tuple[RuleFault, ...], hash_: str, *, mapped: bool) -> None:
        self.hash = hash_
        self.refused = refused
        self.rules = tuple(entry.rule for entry in rules)
        self._mapped = mapped
        conditions = [joined(And, [entry.gate, entry.condition]) if entry.gate else entry.condition for entry in rules]
        checks = Checks()
        self._compiled = [
            _Compiled(entry.rule, checks.of(condition), _decisive(entry.condition, checks))
            for entry, condition in zip(rules, conditions, strict=True)
        ]
        self._index = Index(conditions, mapped=mapped)

    @classmethod
    def compile(cls, rule_set: RuleSet, *, mapped: bool = True) -> CompiledRules:
        """Return the rules of a set ready to match records of ours.

        With ``mapped=False`` they match any JSON object by their own field names, whatever their logsource.
        """
        if mapped:
            rules, faults = map_rules(rule_set.rules)
        else:
            rules, faults = [MappedRule(rule, rule.condition, None) for rule in rule_set.rules], []
        return cls(rules, tuple(sorted(faults)), rule_set.hash, mapped=mapped)

    def match(self, record: Mapping[str, Any]) -> tuple[Match, ...]:
        """Return the rules that a record matches, in the order of their files."""
        view = View(record, mapped=self._mapped)
        matching = [self._compiled[number] for number in sorted(self._index.candidates(view))]
        return tuple(Match(found.rule, self._fields(found, view)) for found in matching if found.check(view))

    def _fields(self, found: _Compiled, view: View) -> tuple[str, ...]:
        """Return the fields of the tests that hold and are not negated, in the order of the rule."""
        columns = dict.fromkeys(found.decisive(view))
        if not self._mapped:
            return tuple(columns)
        return tuple(dict.fromkeys(DERIVED[column].reads[0] if column in DERIVED else column for column in columns))


def _decisive(condition: Condition, checks: Checks) -> Decisive:
    """Return the function that names the columns by which a condition holds of a view that it holds of."""
    if isinstance(condition, Not):
        return lambda _: iter(())
    if isinstance(condition, Test):
        column = () if condition.field is None else (condition.field,)
        return lambda _: iter(column)
    parts = [(checks.of(part), _decisive(part, checks)) for part in condition.parts]
    if isinstance(condition, And):
        return lambda view: (column for _, decisive in parts for column in decisive(view))
    return lambda view: (column for check, decisive in parts if check(view) for column in decisive(view))
