"""The shipped checks, against cases that others have labelled, and against what the docs say of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from deploy.policies import DEFAULT_POLICIES
from deploy.rules import DEFAULT_RULES
from producers.formats.kubernetes_audit import KubernetesAuditFormat
from producers.normalise import Normaliser, records_of
from producers.types import FormatOptions
from schemas.clauses import clauses_of
from schemas.codec import dumps, loads
from schemas.errors import Invalid
from schemas.facts import is_facts
from schemas.fields import FIELDS
from schemas.policyset import Document, PolicySet, load_policies, parse_policies
from schemas.verdict import Verdict
from streams.judge.decide import decide
from streams.judge.policy import CompiledPolicies
from streams.rules.correlation import Correlation
from streams.rules.logsources import ENTITY_KIND
from streams.rules.matcher import CompiledRules
from streams.rules.rule import Rule
from streams.rules.ruleset import RuleSet, load_rules
from tests.conftest import RECORDINGS

TODAY = date(2026, 6, 1)
FALCO_TESTS = RECORDINGS / "kubernetes-audit" / "falco-tests.jsonl"
DOCS = Path(__file__).parents[2] / "deploy" / "docs" / "checks.md"
CHECKS: Final = 48

TRUSTED = """
policy: lists-of-the-user
exceptions:
  - {clause: "container-settings: CLAUSE", scope: {namespace: default, workload: nginx-deployment}, reason: the user trusts this image, owner: tests, expires: never}
"""
LISTS: Mapping[str, str] = {
    "compat_engine_v4_create_disallowed_pod": "policy: lists-of-the-user\nimages: {registries: {only: registry.example}}\n",
    "compat_engine_v4_create_hostnetwork_trusted_pod": TRUSTED.replace("CLAUSE", "settings.host_namespaces.network"),
    "create_privileged_trusted_pod": TRUSTED.replace("CLAUSE", "settings.privileged"),
}
"""What the user of Falco has configured for a case, as a policy of ours says it."""


@cache
def pack() -> RuleSet:
    return load_rules([DEFAULT_RULES])


@cache
def compiled() -> CompiledRules:
    return CompiledRules.compile(pack())


def checks() -> list[Rule | Correlation]:
    return [*pack().rules, *pack().correlations]


@cache
def shipped() -> PolicySet:
    return load_policies([DEFAULT_POLICIES], TODAY)


@cache
def policies(more: str) -> CompiledPolicies:
    listed = [*shipped().documents, *([Document("more.yaml", more)] if more else [])]
    return CompiledPolicies.compile(parse_policies(listed, TODAY))


def verdicts(events: list[Any], more: str = "") -> list[Verdict]:
    """Judge audit events by what is shipped, and by one more policy."""
    by = policies(more)
    normaliser = Normaliser(KubernetesAuditFormat(FormatOptions(cluster="lab")))
    results = [result for _, result in normaliser.run(records_of([dumps(event) for event in events], "case"))]
    return [_verdict(event, by) for event in results if not isinstance(event, Invalid) and not is_facts(event)]


def _verdict(event: Mapping[str, Any], by: CompiledPolicies) -> Verdict:
    record = {name: value for name, value in event.items() if FIELDS[name].decides}
    matches = compiled().match({**record, ENTITY_KIND: "user"})
    return decide(record, event["entity.id"], by, None, matches, compiled().hash)


def agrees(case: Mapping[str, Any], more: str = "") -> bool:
    """Return whether a case comes out as labelled: what Falco only records (INFO), a rule of ours records too, and no more."""
    found = verdicts(case["events"], more)
    alarmed = any(verdict.outcome == "unauthorized" for verdict in found)
    if case["expected"] and case["level"] == "INFO":
        return not alarmed and any(verdict.rules for verdict in found)
    return alarmed is case["expected"]


def falco_cases() -> list[dict[str, Any]]:
    return [loads(line) for line in FALCO_TESTS.read_bytes().splitlines()]


needs_recordings = pytest.mark.skipif(not FALCO_TESTS.exists(), reason="the recordings are not on this machine")


@needs_recordings
def test_the_recorded_cases_of_falco_come_out_as_labelled() -> None:
    differing = {case["test"] for case in falco_cases() if not agrees(case, LISTS.get(case["test"], ""))}
    assert differing == set()


@needs_recordings
def test_without_the_users_lists_only_the_cases_that_need_them_differ() -> None:
    cases = falco_cases()
    differing = {case["test"] for case in cases if not agrees(case)}
    assert differing == set(LISTS)
    assert all(f"`{name}`" in DOCS.read_text() for name in differing)


@needs_recordings
def test_every_recorded_rule_of_falco_is_in_the_docs() -> None:
    named = {name for case in falco_cases() for name in case["rules"]}
    assert {name for name in named if f"| {name} |" not in DOCS.read_text()} == set()


def test_the_whole_pack_loads() -> None:
    assert list(map(str, pack().refused)) == []
    assert list(map(str, compiled().refused)) == []


def test_every_check_says_what_a_person_needs() -> None:
    silent = [
        rule.title
        for rule in checks()
        if rule.reported and not (rule.description and rule.remedy and rule.falsepositives and rule.techniques)
    ]
    assert silent == []


def test_the_docs_name_every_check() -> None:
    numbers = [int(found) for found in re.findall(r"^\| (\d+) \|", DOCS.read_text(), re.MULTILINE)]
    assert numbers == list(range(1, CHECKS + 1))


def test_what_the_docs_name_exists() -> None:
    titles = {rule.title for rule in checks()}
    clauses = {f"{policy.policy}: {clause.path}" for policy in shipped().policies for clause in clauses_of(policy)}
    text = DOCS.read_text()
    assert set(re.findall(r"“([^”]+)”", text)) - titles == set()
    named = {
        found for found in re.findall(r"`([a-z-]+: [a-z_]+\.[^`]+)`", text) if not found.endswith(("require", "only"))
    }
    assert named - clauses == set()


def test_the_examples_of_the_docs_hold_beside_what_is_shipped() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert len(examples) == 2
    assert policies("").hash not in {policies(example).hash for example in examples}
