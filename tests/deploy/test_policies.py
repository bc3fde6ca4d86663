from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from deploy.cases import read_cases
from deploy.policies import DEFAULT_POLICIES, check
from producers.formats.kubernetes_audit.format import KubernetesAuditFormat
from producers.types import FormatOptions, Record
from schemas.clauses import clauses_of
from schemas.codec import dumps, loads
from schemas.errors import Drop, Invalid, PolicyErrors
from schemas.fields import FIELDS
from schemas.policyset import CASES_SUFFIX
from schemas.verdict import Verdict
from streams.judge.decide import decide
from streams.judge.policy import CompiledPolicies
from tests.conftest import RECORDINGS

TODAY = date(2026, 6, 1)
FALCO_TESTS = RECORDINGS / "kubernetes-audit" / "falco-tests.jsonl"


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


def verdicts(events: list[Any]) -> list[Verdict]:
    """Judge recorded audit events by the default policies."""
    policies = CompiledPolicies.compile(check([DEFAULT_POLICIES], TODAY).policies)
    audit = KubernetesAuditFormat(FormatOptions(cluster="lab", host="", live=False))
    found = [result for event in events for result in audit.parse(Record(dumps(event), "recording", {}))]
    return [
        decide(
            {name: value for name, value in event.items() if value not in (None, []) and FIELDS[name].decides},
            event["entity.id"],
            policies,
        )
        for event in found
        if not isinstance(event, Drop | Invalid)
    ]


@pytest.mark.skipif(not FALCO_TESTS.exists(), reason="the recordings are not on this machine")
def test_the_default_policies_agree_with_the_recorded_tests_of_falco() -> None:
    table: Counter[tuple[bool, str]] = Counter()
    silent, loud = set(), set()
    for line in FALCO_TESTS.read_bytes().splitlines():
        case = loads(line)
        alarmed = any(verdict.outcome == "unauthorized" for verdict in verdicts(case["events"]))
        expected = case["expected"] and case["level"] != "INFO"
        table[expected, "unauthorized" if alarmed else "not"] += 1
        if expected and not alarmed:
            silent.add(case["test"])
        if alarmed and not expected:
            loud.add(case["test"])
    # Neither the type of a service nor the content of a config map is in an event; an image is only disallowed, and a
    # workload only trusted, where somebody has said so; writing to chosen resources is what roles are for.
    assert silent == {
        "compat_engine_v4_create_disallowed_pod",
        "create_configmap_private_creds",
        "create_nodeport_service",
        "create_writable_cluster_role",
    }
    assert loud == {"compat_engine_v4_create_hostnetwork_trusted_pod", "create_privileged_trusted_pod"}
    assert table[True, "unauthorized"] == 10
    assert table[False, "not"] == 17
