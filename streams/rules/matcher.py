"""All rules of a set against one record: pure, without a clock, the same whatever else is matched.

A record meets only the rules whose anchors it has (``streams/rules/index.py``); each of those is then tried as the
specification says. So a rule set of thousands costs a record little more than one of hundreds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.rules.checks import Check, compile_condition
from streams.rules.condition import And, Condition, Not, Or, Test
from streams.rules.derived import DERIVED
from streams.rules.detection import joined
from streams.rules.fault import RuleFault
from streams.rules.index import Index
from streams.rules.mapping import MappedRule, map_rules
from streams.rules.rule import Rule
from streams.rules.ruleset import RuleSet
from streams.rules.view import View

__all__ = ["CompiledRules", "Match"]


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that a record matches, and the fields whose values made it match: ours, where the rules are mapped."""

    rule: Rule
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: Rule
    condition: Condition
    check: Check


class CompiledRules:
    """A rule set made ready; ``hash`` is the set's, ``refused`` names the rules that were left out here (none unmapped)."""

    def __init__(self, rules: list[MappedRule], refused: tuple[RuleFault, ...], hash_: str, *, mapped: bool) -> None:
        self.hash = hash_
        self.refused = refused
        self.rules = tuple(entry.rule for entry in rules)
        self._mapped = mapped
        conditions = [joined(And, [entry.gate, entry.condition]) if entry.gate else entry.condition for entry in rules]
        checks = map(compile_condition, conditions)
        self._compiled = [
            _Compiled(entry.rule, entry.condition, check) for entry, check in zip(rules, checks, strict=True)
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
        return tuple(
            Match(compiled.rule, tuple(self._fields(compiled.condition, view))) for compiled in self._matching(view)
        )

    def _matching(self, view: View) -> Iterator[_Compiled]:
        for number in sorted(self._index.candidates(view)):
            compiled = self._compiled[number]
            if compiled.check(view):
                yield compiled

    def _fields(self, condition: Condition, view: View) -> dict[str, None]:
        """Return the fields of the tests that hold and are not negated, in the order of the rule."""
        columns = dict.fromkeys(_decisive(condition, view))
        if not self._mapped:
            return columns
        return dict.fromkeys(DERIVED[column].reads[0] if column in DERIVED else column for column in columns)


def _decisive(condition: Condition, view: View) -> Iterator[str]:
    if isinstance(condition, Not):
        return
    if isinstance(condition, Test):
        if condition.field is not None and compile_condition(condition)(view):
            yield condition.field
    elif isinstance(condition, And):
        for part in condition.parts:
            yield from _decisive(part, view)
    elif isinstance(condition, Or):
        for part in condition.parts:
            if compile_condition(part)(view):
                yield from _decisive(part, view)
