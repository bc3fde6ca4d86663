"""A rule set in force: which of its rules a record matches, and which correlations count that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from streams.judge.record import Record
from streams.judge.scopes import entity_kind
from streams.rules.hits import Counting, Template
from streams.rules.logsources import ENTITY_KIND
from streams.rules.mapping import is_of_verdicts
from streams.rules.matcher import CompiledRules, Match
from streams.rules.ruleset import RuleSet

__all__ = ["RulesInForce"]


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """A rule set made ready. Rules that read verdicts are asked once one is given, and decide nothing."""

    rule_set: RuleSet
    _deciding: CompiledRules
    _of_verdicts: CompiledRules
    _counting: Counting

    @classmethod
    def compile(cls, rule_set: RuleSet) -> RulesInForce:
        """Make a set ready, which takes a second or two for thousands of rules; what was refused was said when it was applied."""
        of_verdicts = tuple(rule for rule in rule_set.rules if is_of_verdicts(rule))
        deciding = tuple(rule for rule in rule_set.rules if not is_of_verdicts(rule))
        return cls(
            rule_set,
            CompiledRules.compile(replace(rule_set, rules=deciding)),
            CompiledRules.compile(replace(rule_set, rules=of_verdicts)),
            Counting.of(rule_set),
        )

    @classmethod
    def none(cls) -> RulesInForce:
        """Return the set without rules."""
        return cls.compile(RuleSet.empty())

    @property
    def hash(self) -> str:
        """Return the content hash of the set."""
        return self.rule_set.hash

    def match(self, record: Record, principal: str) -> tuple[Match, ...]:
        """Return the rules that a record (deciding facts and activity) of a principal matches, in the order of their files."""
        if not self._deciding.rules:
            return ()
        return self._deciding.match({**record, ENTITY_KIND: entity_kind(principal)})

    def templates(
        self, record: Record, principal: str, matches: Sequence[Match], verdict: Mapping[str, Any]
    ) -> tuple[Template, ...]:
        """Return the hits of whatever has this record, these matches and this verdict."""
        if not self._counting.labels:
            return ()
        whole = {**record, **verdict}
        matches = [*matches, *self._of_verdicts.match({**whole, ENTITY_KIND: entity_kind(principal)})]
        return self._counting.templates(whole, [match.rule.label for match in matches])
