from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from deploy.cases import read_cases
from deploy.policies import DEFAULT_POLICIES, check
from schemas.clauses import clauses_of
from schemas.errors import PolicyErrors
from schemas.policyset import CASES_SUFFIX

TODAY = date(2026, 6, 1)


def test_the_default_policies_hold_together_and_pass_their_cases() -> None:
    checked = check([DEFAULT_POLICIES], TODAY)
    assert list(map(str, checked.failures)) == []
    assert checked.expired == ()


def test_every_default_clause_has_a_case_that_hits_and_one_that_misses() -> None:
    cases = {
        (found.policy, clause): listed
        for path in DEFAULT_POLICIES.glob(f"*{CASES_SUFFIX}")
        for found, _ in read_cases(path)
        for clause, listed in found.clauses.items()
    }
    policies = check([DEFAULT_POLICIES], TODAY).policies.policies
    clauses = {(policy.policy, clause.path) for policy in policies for clause in clauses_of(policy)}
    assert {place for place in clauses if place not in cases} == set()
    assert [place for place, listed in cases.items() if not (listed.hits and listed.misses)] == []


def test_every_default_policy_says_what_it_is_for() -> None:
    assert [
        policy.policy for policy in check([DEFAULT_POLICIES], TODAY).policies.policies if not policy.description
    ] == []


def test_a_check_names_exceptions_that_have_expired(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "policy: a\nexceptions: {rule: x, principal: '*', reason: r, owner: o, expires: 2026-05-31}\n"
    )
    assert check([tmp_path], TODAY).expired == ("a: exceptions[0] expired on 2026-05-31 and no longer holds",)
    assert check([tmp_path], date(2026, 5, 31)).expired == ()


@pytest.mark.parametrize(("today", "warned"), [(17, True), (31, True), (16, False)])
def test_a_check_warns_of_exceptions_that_expire_within_two_weeks(tmp_path: Path, today: int, warned: bool) -> None:  # noqa: FBT001 - a column
    (tmp_path / "a.yaml").write_text(
        "policy: a\nexceptions: {rule: x, principal: '*', reason: r, owner: ops, expires: 2026-05-31}\n"
    )
    said = ("a: exceptions[0] expires on 2026-05-31; ask ops whether it is still needed",) if warned else ()
    assert check([tmp_path], date(2026, 5, today)).expiring == said


def test_a_check_raises_all_faults(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("policy: a\nx: 1\ny: 2\n")
    with pytest.raises(PolicyErrors) as caught:
        check([tmp_path], TODAY)
    assert len(caught.value.faults) == 2
