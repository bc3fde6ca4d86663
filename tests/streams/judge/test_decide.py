from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import FIELDS
from schemas.policyset import PolicySet
from schemas.verdict import Decisive, Verdict
from streams.judge.decide import decide
from streams.judge.policy import CompiledPolicies
from streams.rules.condition import And
from streams.rules.matcher import Match
from streams.rules.rule import LogSource, Rule
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


@pytest.mark.parametrize(
    ("exception", "expected"), [("", ("critical", ("T1059", "T1609"))), (EXCEPT_RULE, ("low", ("T1059",)))]
)
def test_a_denial_is_as_grave_as_the_finding_that_agrees(exception: str, expected: tuple[str, tuple[str, ...]]) -> None:
    denying = f"policy: p\n{LEVEL}exec: {{deny: {{path: /bin/sh, level: low, attack: T1059}}}}\n{exception}"
    verdict = decided(denying, FINDING | {"rule.level": "critical", "threat.technique.id": ["T1609"]})
    assert (verdict.by, verdict.clause) == ("policy", "exec.deny[0]")
    assert (verdict.level, verdict.techniques) == expected


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


def found(title: str, level: str = "high", **options: Any) -> Match:
    values: dict[str, Any] = {"id": "", "title": title, "name": "", "level": level, "file": "rules/a.yml", "line": 3}
    rule = Rule(logsource=LogSource(), condition=And(()), **values | options)
    return Match(rule, ("process.executable", "process.args"))


def by(text: str, *matches: Match, record: dict[str, Any] | None = None) -> Verdict:
    return decide(record or {"event.action": "exec"}, WEB, compiled("policy: p\n" + text), None, matches, "hash")


def test_a_rule_decides_with_its_level_and_techniques() -> None:
    verdict = by(LEVEL, found("Shell", id="7c", techniques=("T1059.004",)))
    assert (verdict.outcome, verdict.by, verdict.policy, verdict.clause) == (
        "unauthorized",
        "rule",
        "p",
        "findings.level",
    )
    assert verdict.reason == 'rule "Shell" (high) matched process.executable, process.args'
    assert verdict.rule == Decisive("7c", "Shell", "high", "rules/a.yml", ("process.executable", "process.args"))
    assert (verdict.level, verdict.techniques, verdict.rules, verdict.rules_hash) == (
        "high",
        ("T1059.004",),
        ("7c",),
        "hash",
    )


def test_the_gravest_decides_then_the_first_by_id_also_beside_a_sensors_own() -> None:
    low, high, other = found("L", "medium", id="1"), found("H", id="3"), found("O", id="2")
    for matches in ((low, high, other), (other, high, low)):
        assert by(LEVEL, *matches).rule == Decisive("2", "O", "high", "rules/a.yml", other.fields)
    assert by(LEVEL, low, record=FINDING).by == "sensor"
    assert by(LEVEL, high, record=FINDING | {"rule.level": "medium"}).by == "rule"


def test_all_rules_that_matched_are_named_whatever_decides() -> None:
    low, high = found("L", "low", id="1"), found("H", id="3")
    for text in (LEVEL, "exec: {deny: '/x'}\n", "containers: {allow: '*'}\n"):
        assert by(text, low, high).rules == ("1", "3")


@pytest.mark.parametrize("called", ["Sh*", "7c", "shell-rule"])
def test_an_exception_may_call_a_rule_by_title_id_or_name(called: str) -> None:
    exception = EXCEPT_RULE.replace("Sh*", called)
    rule = found("Shell", id="7c", name="shell-rule")
    assert by(LEVEL + exception, rule).outcome == "undetermined"
    assert by(LEVEL + exception, rule).exception == f"p: {called}"
    assert by(LEVEL + exception, rule, found("Other", "medium", id="9")).rule == Decisive(
        "9", "Other", "medium", "rules/a.yml", rule.fields
    )


def test_a_rule_that_only_feeds_correlations_decides_nothing() -> None:
    verdict = by(LEVEL, found("Shell", id="7c", reported=False))
    assert (verdict.outcome, verdict.rules) == ("undetermined", ("7c",))


def test_a_denial_names_the_gravest_rule_that_would_have_denied_the_same() -> None:
    record = {"event.action": "exec", "process.executable": "/bin/sh"}
    verdict = by(LEVEL + SHELL.replace("EFFECT", "deny"), found("Shell", id="7c"), found("L", "low"), record=record)
    assert (verdict.by, verdict.clause, verdict.rule and verdict.rule.id) == ("policy", "exec.deny[0]", "7c")
    unheeded = by(LEVEL + SHELL.replace("EFFECT", "deny"), found("L", "low"), record=record)
    assert (unheeded.by, unheeded.rule) == ("policy", None)


def test_deny_comes_before_a_rule_and_a_rule_before_allow() -> None:
    record = {"event.action": "exec", "process.executable": "/bin/sh"}
    deny, allow = (LEVEL + SHELL.replace("EFFECT", effect) for effect in ("deny", "allow"))
    assert by(deny, found("Shell"), record=record).by == "policy"
    assert by(allow, found("Shell"), record=record).by == "rule"
    assert by(allow, found("Shell", "low"), record=record).outcome == "authorized"


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
