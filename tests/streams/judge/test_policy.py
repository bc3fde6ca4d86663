from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from streams.judge.decide import decide
from tests.streams.judge.policies import WEB, compiled, decided, outcome, request, start

EXEC = {"event.action": "exec", "process.executable": "/usr/bin/curl", "workload.namespace": "shop"}
TWO = """
    policy: a-all
    exec: {deny: /usr/bin/curl}
    ---
    policy: b-shop
    scope: {namespace: shop}
    exec: {EFFECT: /usr/bin/*}
"""


def test_deny_wins_over_allow_of_any_other_policy() -> None:
    assert outcome(TWO.replace("EFFECT", "allow"), EXEC) == ("unauthorized", "exec.deny[0]")


def test_the_most_specific_scope_is_named() -> None:
    assert decided(TWO.replace("EFFECT", "deny"), EXEC).policy == "b-shop"
    assert decided(TWO.replace("EFFECT", "deny"), EXEC | {"workload.namespace": "x"}).policy == "a-all"


def test_the_most_specific_scope_is_named_over_all_that_a_start_asks_for() -> None:
    policies = """
        policy: a
        settings: {privileged: deny}
        ---
        policy: b
        scope: {namespace: shop}
        settings: {mounts: {deny: /etc}}
    """
    record = start(privileged=True, mounts=["/etc:/x:ro"]) | {"workload.namespace": "shop"}
    assert decided(policies, record).policy == "b"


def test_only_allows_these_and_denies_all_else_of_its_section() -> None:
    only = "policy: p\nexec: {only: [/usr/sbin/nginx, {name: health, path: /bin/curl}]}\n"
    assert outcome(only, {"event.action": "exec", "process.executable": "/usr/sbin/nginx"}) == (
        "authorized",
        "exec.only[0]",
    )
    assert outcome(only, {"event.action": "exec", "process.executable": "/bin/curl"}) == ("authorized", "exec.health")
    assert outcome(only, {"event.action": "exec", "process.executable": "/bin/sh"}) == ("unauthorized", "exec.only")
    assert outcome(only, {"event.action": "exec"}) == ("unauthorized", "exec.only")
    assert outcome(only, {"event.action": "open", "file.path": "/x"}) == ("undetermined", "")


def test_only_of_two_policies_is_what_both_allow() -> None:
    policies = "policy: a\nexec: {only: [/a, /b]}\n---\npolicy: b\nexec: {only: [/b, /c]}\n"
    found = [outcome(policies, {"event.action": "exec", "process.executable": path})[0] for path in ("/a", "/b", "/c")]
    assert found == ["unauthorized", "authorized", "unauthorized"]


def test_an_empty_only_denies_everything_of_its_section() -> None:
    record = {"event.action": "connect", "network.direction": "egress", "destination.ip": "10.0.0.1"}
    assert outcome("policy: p\nnetwork: {egress: {only: []}}\n", record) == ("unauthorized", "network.egress.only")
    assert (
        outcome("policy: p\nnetwork: {egress: {only: []}}\n", record | {"network.direction": "ingress"})[0]
        == "undetermined"
    )


STARTS = (
    "policy: p\nimages: {registries: {only: registry.example}}\nsettings: {root: allow, mounts: {allow: /srv/**}}\n"
)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"images": ["registry.example/web"]}, "authorized"),
        ({"images": ["registry.example/web"], "root": True, "mounts": ["/srv/x:/x:rw"]}, "authorized"),
        ({"images": ["registry.example/web"], "mounts": ["/srv/x:/x:rw", "/opt:/x:ro"]}, "undetermined"),
        ({"images": ["registry.example/web"], "capabilities.add": ["CHOWN"]}, "undetermined"),
        ({"images": ["registry.example/web"], "privileged": True}, "undetermined"),
        ({"images": ["registry.example/web", "nginx"]}, "unauthorized"),
        ({"images": ["registry.example.evil.example/web"]}, "unauthorized"),
        ({"images": ["registry.example@evil.example/web"]}, "unauthorized"),
        ({"root": True}, "authorized"),
        ({}, "undetermined"),
    ],
)
def test_a_start_is_authorized_when_every_right_it_asks_for_is_allowed(settings: dict[str, Any], expected: str) -> None:
    assert outcome(STARTS, start(**settings))[0] == expected


def test_what_a_container_was_started_with_does_not_condemn_its_later_life() -> None:
    record = start(privileged=True) | {"event.action": "exec", "process.executable": "/x"}
    assert outcome("policy: p\nsettings: {privileged: deny}\n", record)[0] == "undetermined"


EXCEPTED = """
    policy: base
    settings: {privileged: deny, mounts: {deny: [/etc, /root]}}
    ---
    policy: mine
    exceptions:
      - clause: "base: CLAUSE"
        principal: "container:*/agent"
        reason: the node agent
        owner: ops
        expires: 2026-06-30
"""
AGENT = "container:lab/tools/agent/agent"


def test_an_exception_from_a_clause_is_a_permission() -> None:
    verdict = decided(EXCEPTED.replace("CLAUSE", "settings.privileged"), start(privileged=True), AGENT)
    assert (verdict.outcome, verdict.by, verdict.policy, verdict.clause) == (
        "authorized",
        "policy",
        "mine",
        "exceptions[0]",
    )
    assert verdict.exception == "base: settings.privileged"
    assert verdict.reason.endswith("the node agent")


def test_an_exception_sets_nothing_else_aside() -> None:
    policies = EXCEPTED.replace("CLAUSE", "settings.privileged")
    assert outcome(policies, start(privileged=True, mounts=["/etc:/x:ro"]), AGENT) == (
        "unauthorized",
        "settings.mounts.deny[0]",
    )
    assert outcome(policies, start(privileged=True), WEB) == ("unauthorized", "settings.privileged")


def test_an_exception_may_name_a_whole_section() -> None:
    policies = EXCEPTED.replace("CLAUSE", "settings")
    assert outcome(policies, start(privileged=True, mounts=["/etc:/x:ro", "/root:/x:ro"]), AGENT)[0] == "authorized"


def test_an_expired_exception_does_not_hold() -> None:
    policies = EXCEPTED.replace("CLAUSE", "settings.privileged")
    last, after = (compiled(policies, day) for day in (date(2026, 6, 30), date(2026, 7, 1)))
    assert decide(start(privileged=True), AGENT, last).outcome == "authorized"
    assert decide(start(privileged=True), AGENT, after).outcome == "unauthorized"


def test_an_exception_holds_within_the_scope_of_its_policy_and_its_own() -> None:
    policies = """
        policy: p
        scope: {cluster: lab}
        access: {exec_into_container: {deny: "*"}}
        exceptions:
          - {clause: access, scope: {users: "ci-*", namespace: shop}, reason: r, owner: o, expires: never}
    """
    record = request("create", "pods", "ci-1", subresource="exec", namespace="shop") | {
        "orchestrator.cluster.name": "lab"
    }
    assert outcome(policies, record, "user:lab/ci-1")[0] == "authorized"
    assert outcome(policies, record | {"user.name": "alice"}, "user:lab/alice")[0] == "unauthorized"
    assert outcome(policies, record | {"orchestrator.namespace": "other"}, "user:lab/ci-1")[0] == "unauthorized"
    assert outcome(policies, record | {"user.effective.name": "admin"}, "user:lab/ci-1")[0] == "unauthorized"


def test_a_set_keeps_the_hash_of_its_content() -> None:
    policies = compiled("policy: p\nexec: {deny: /x}\n")
    assert decide({"event.action": "exec"}, WEB, policies).policy_hash == policies.hash


LAPSING = """
policy: p
settings: {privileged: {effect: deny, level: critical, attack: [T1610, T1611]}}
exceptions:
  - {clause: settings.privileged, principal: "*", reason: r, owner: ops team, expires: 2026-05-31}
  - {clause: settings.privileged, principal: "host:*", reason: r, owner: others, expires: 2026-05-30}
"""


def test_an_exception_that_has_expired_says_so_where_it_no_longer_holds() -> None:
    record = start(privileged=True)
    kept = decide(record, WEB, compiled(LAPSING, date(2026, 5, 31)))
    assert (kept.outcome, kept.exception) == ("authorized", "p: settings.privileged")
    lapsed = decide(record, WEB, compiled(LAPSING, date(2026, 6, 1)))
    assert lapsed.outcome == "unauthorized"
    assert lapsed.reason == (
        "runs privileged, which policy p denies (settings.privileged); exception of ops team expired on 2026-05-31"
    )


def test_an_expired_exception_from_a_rule_says_so_too() -> None:
    text = """
    policy: p
    findings: {level: low}
    exceptions: {rule: "Shell*", scope: {namespace: shop}, reason: r, owner: ci team, expires: 2026-05-31}
    """
    found = {
        "event.kind": "alert",
        "rule.name": "Shell in container",
        "rule.level": "high",
        "workload.namespace": "shop",
    }
    assert "exception of ci team expired on 2026-05-31" in decide(found, WEB, compiled(text)).reason
    assert "expired" not in decide(found | {"workload.namespace": "x"}, WEB, compiled(text)).reason
    assert decide(found, WEB, compiled(text, date(2026, 5, 31))).outcome == "undetermined"


def test_a_denial_says_how_grave_it_is_and_by_which_techniques() -> None:
    policies = compiled(LAPSING)
    ruling, _ = policies.denial(policies.ask(start(privileged=True), WEB))
    assert ruling is not None
    assert (ruling.level, ruling.techniques) == ("critical", ("T1610", "T1611"))
    plain = compiled("policy: p\nsettings: {root: deny}\n")
    ruling, _ = plain.denial(plain.ask(start(root=True), WEB))
    assert ruling is not None
    assert (ruling.level, ruling.techniques) == ("high", ())
