"""The shipped checks of run-time events: whole, explained, and true to their cases."""

from __future__ import annotations

import re
from functools import cache

import pytest

from deploy.rule_cases import check_cases
from deploy.rules import DEFAULT_RULES
from streams.rules.correlation import Correlation
from streams.rules.matcher import CompiledRules
from streams.rules.rule import LEVELS, Rule
from streams.rules.ruleset import RuleSet, load_rules

RUNTIME = DEFAULT_RULES / "runtime"
DECIDING = LEVELS.index("medium")


@cache
def rules() -> RuleSet:
    return load_rules([RUNTIME])


def told() -> list[Rule | Correlation]:
    """Return what is told to people: not the rules that only feed correlations."""
    all_of_them: list[Rule | Correlation] = [*rules().rules, *rules().correlations]
    return [rule for rule in all_of_them if rule.reported and rule.level != "informational"]


def test_every_rule_loads() -> None:
    assert not rules().refused
    assert not CompiledRules.compile(rules()).refused


def test_every_rule_is_true_to_its_cases_and_has_enough_of_them() -> None:
    checked = check_cases([RUNTIME], rules())
    assert not [str(failure) for failure in checked.failures]
    assert not checked.without


@pytest.mark.parametrize("rule", told(), ids=lambda rule: rule.title)
def test_a_rule_says_what_to_do_and_what_triggers_it_falsely(rule: Rule | Correlation) -> None:
    assert rule.description
    if rule.level and LEVELS.index(rule.level) >= DECIDING:
        assert rule.techniques
        assert rule.remedy
        assert rule.falsepositives
    assert all(re.fullmatch(r"T[0-9]{4}(\.[0-9]{3})?", technique) for technique in rule.techniques)
