"""The page of checks names what is shipped, and all of it."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from pathlib import Path

import deploy
from deploy.policies import DEFAULT_POLICIES
from deploy.rules import DEFAULT_RULES
from schemas.clauses import clauses_of
from schemas.policyset import load_policies
from streams.rules.ruleset import load_rules

PAGE = Path(deploy.__file__).parent / "docs" / "checks.md"


@cache
def text() -> str:
    return PAGE.read_text()


@cache
def titles() -> set[str]:
    rules = load_rules([DEFAULT_RULES])
    return {rule.title for rule in rules.rules} | {correlation.title for correlation in rules.correlations}


def test_every_rule_that_it_names_is_shipped_and_every_one_that_is_shipped_is_named() -> None:
    named = set(re.findall("“([^”]+)”", text()))
    assert named - titles() == set()
    assert titles() - named == set()


def test_every_clause_that_it_names_is_in_a_shipped_policy() -> None:
    policies = load_policies([DEFAULT_POLICIES], date(2026, 11, 27)).policies
    shipped = {f"{policy.policy}: {clause.path}" for policy in policies for clause in clauses_of(policy)}
    named = set(re.findall("`([a-z-]+: [a-z_]+[.][^`]+)`", text()))
    assert {
        name for name in named if name.partition(":")[0] in {policy.policy for policy in policies}
    } - shipped == set()


def test_all_48_checks_have_a_row_that_is_filled() -> None:
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|", text(), re.MULTILINE)
    assert [int(number) for number, *_ in rows] == list(range(1, 49))
    assert all(what.strip() and here.strip() for _, what, here in rows)
