from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import FIELDS
from schemas.policyset import PolicySet
from schemas.verdict import Decisive
from streams.judge.decide import decide
from streams.judge.policy import CompiledPolicies
from tests.streams.judge.policies import WEB, compiled, decided, start

FINDING = {
    "event.action": "exec",
    "event.module": "falco",
    "rule.name": "Shell",
    "rule.level": "high",
    "process.executable": "/bin/sh",
}
LEVEL = "findings: {level: medium}\n"
SHELL = "exec: {EFFECT: /bin/sh}\n"
EXCEPT_RULE = (
    "exceptions: {rule: Sh*, principal: 'container:*/shop/*', reason: wrong here, owner: ops, expires: never}\n"
)


def said(text: str, record: dict[str, Any] = FINDING, principal: str = WEB) -> tuple[str, str, str, str]:
    verdict = decided("policy: p\n" + text, record, principal)
    return verdict.outcome, verdict.by, verdict.clause, verdict.exception


def test_deny_comes_before_the_finding() -> None:
    assert said(LEVEL + SHELL.replace("EFFECT", "deny")) == ("unauthorized", "policy", "exec.deny[0]", "")


def test_the_finding_comes_before_allow() -> None:
    assert said(LEVEL + SHELL.replace("EFFECT", "allow")) == ("unauthorized", "sensor", "findings.level", "")


def test_a_finding_names_its_rule() -> None:
    verdict = decided("policy: p\n" + LEVEL, FINDING)
    assert (verdict.policy, verdict.rule) == ("p", Decisive("", "Shell", "high"))
    assert verdict.reason == "falco found: Shell (level high); policy p acts from medium on"


def test_an_excepted_finding_lets_allow_decide_and_is_named() -> None:
    allowing = LEVEL + SHELL.replace("EFFECT", "allow") + EXCEPT_RULE
    assert said(allowing) == ("authorized", "policy", "exec.allow[0]", "p: Sh*")


def test_an_excepted_finding_authorizes_nothing_by_itself() -> None:
    assert said(LEVEL + EXCEPT_RULE) == ("undetermined", "nothing", "", "p: Sh*")


def test_an_exception_holds_for_its_principal_alone() -> None:
    assert said(LEVEL + EXCEPT_RULE, principal="container:lab/other/web/web")[0] == "unauthorized"


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("informational", "undetermined"),
        ("low", "undetermined"),
        ("medium", "unauthorized"),
        ("critical", "unauthorized"),
    ],
)
def test_findings_count_from_the_level_on(level: str, expected: str) -> None:
    assert said(LEVEL, FINDING | {"rule.level": level})[0] == expected


@pytest.mark.parametrize("record", [FINDING | {"rule.level": "grave"}, {"event.action": "exec", "rule.name": "x"}])
def test_a_finding_without_a_known_level_decides_nothing(record: dict[str, Any]) -> None:
    assert said(LEVEL, record)[0] == "undetermined"


def test_without_a_level_findings_decide_nothing() -> None:
    assert said("exec: {deny: /x}\n")[0] == "undetermined"


def test_the_level_is_that_of_the_most_specific_scope_and_then_the_strictest() -> None:
    policies = """
        policy: all
        findings: {level: low}
        ---
        policy: shop-a
        scope: {namespace: shop}
        findings: {level: critical}
        ---
        policy: shop-b
        scope: {namespace: shop}
        findings: {level: high}
    """
    shop = decided(policies, FINDING | {"rule.level": "high", "workload.namespace": "shop"})
    assert (shop.outcome, shop.policy) == ("unauthorized", "shop-b")
    assert decided(policies, FINDING | {"rule.level": "medium", "workload.namespace": "shop"}).outcome == "undetermined"
    assert decided(policies, FINDING | {"rule.level": "medium"}).policy == "all"


def test_nothing_said_is_undetermined() -> None:
    verdict = decide({"event.action": "exec"}, WEB, CompiledPolicies.compile(PolicySet.empty()))
    assert (verdict.outcome, verdict.by, verdict.reason) == ("undetermined", "nothing", "no policy speaks of it")
    assert verdict.policy_hash == PolicySet.empty().hash


def test_a_reason_is_a_sentence_with_policy_clause_and_why() -> None:
    assert decided("policy: shop\nsettings: {privileged: deny}\n", start(privileged=True)).reason == (
        "runs privileged, which policy shop denies (settings.privileged)"
    )
    why = "policy: shop\nfiles: {deny: {name: shadow, path: /etc/shadow, reason: it holds hashes}}\n"
    record = {"event.action": "open", "file.path": "/etc/shadow", "file.access": ["read"], "process.name": "cat"}
    assert decided(why, record).reason == (
        "reads /etc/shadow with cat, which policy shop denies (files.shadow): it holds hashes"
    )


DECIDING = sorted(name for name, row in FIELDS.items() if row.decides)
EVERYTHING = """
    policy: p
    images: {registries: {only: registry.example}, tags: {deny: latest}, digest: require}
    settings:
      privileged: deny
      root: allow
      host_namespaces: {deny: [pid]}
      capabilities: {only: [CHOWN]}
      dropped_capabilities: {require: ALL}
      mounts: {only: /srv/**}
      devices: {deny: /dev/sd*}
      seccomp: {deny: unconfined}
      limits: {require: [memory]}
      no_new_privileges: require
      read_only_root: require
    containers: {allow: "container-*"}
    exec: {only: [{path: /usr/**, args: a*, parent: /bin/*, interactive: false}]}
    files: {deny: [{path: /etc/**, access: read, executable: /bin/*, user: root}], allow: /srv/**}
    network:
      egress: {deny: [{cidr: 10.0.0.0/8, port: 1-1024, protocol: tcp}, {domain: "**.example"}]}
      ingress: {only: 10.0.0.0/8}
      dns: {deny: "**.example"}
    access:
      exec_into_container: {deny: {users: "*", commands: "*", via: exec}}
      secrets: {deny: {verbs: list, all_namespaces: true}}
      api: {deny: [{roles: "*", grants: {verbs: "*"}, subjects: "*"}, {paths: /api/**}], allow: {groups: "*"}}
    findings: {level: low}
"""
COMPILED = compiled(EVERYTHING)
STRINGS = st.sampled_from(
    [
        "",
        "/",
        "/etc/shadow",
        "10.0.0.1",
        "::1",
        "a",
        "a:b",
        "exec",
        "container-start",
        "egress",
        "list",
        "secrets",
        "* * *",
    ]
) | st.text(max_size=20)


def values(name: str) -> st.SearchStrategy[Any]:
    row = FIELDS[name]
    single = {"long": st.integers(0, 70_000), "double": st.floats(0, 9), "boolean": st.booleans()}.get(
        row.type, STRINGS
    )
    return st.lists(single, min_size=1, max_size=3) if row.many else single


RECORDS = st.lists(st.sampled_from(DECIDING), max_size=12, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: values(name) for name in names})
)


@given(RECORDS, st.sampled_from([WEB, "host:a", "user:lab/alice", "unknown:abc"]))
def test_every_record_of_the_table_gets_the_same_verdict_twice(record: dict[str, Any], principal: str) -> None:
    verdict = decide(record, principal, COMPILED)
    assert verdict == decide(dict(reversed(record.items())), principal, compiled(EVERYTHING))
    assert verdict.reason
    assert (verdict.outcome == "undetermined") is (verdict.by == "nothing")


class Watched(dict[str, Any]):
    """Remembers which keys were asked for."""

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__(content)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)


@given(RECORDS)
def test_only_fields_that_decide_are_read(record: dict[str, Any]) -> None:
    watched = Watched(record)
    decide(watched, WEB, COMPILED)
    assert [name for name in watched.asked if not FIELDS[name].decides] == []
