"""The shipped checks are true to the cases beside them, and each has enough of them."""

from __future__ import annotations

from deploy.rule_cases import check_cases
from deploy.rules import DEFAULT_RULES
from streams.rules.ruleset import load_rules


def test_every_rule_is_true_to_its_cases_and_has_enough_of_them() -> None:
    checked = check_cases([DEFAULT_RULES], load_rules([DEFAULT_RULES]))
    assert [str(failure) for failure in checked.failures] == []
    assert [rule.title for rule in checked.without] == []
