from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from deploy.differences import concerned, diff
from deploy.policies import DEFAULT_POLICIES, check
from schemas.codec import dumps, loads
from schemas.policyset import Document, PolicySet, parse_policies

TODAY = date(2026, 6, 1)


def parsed(text: str, today: date = TODAY) -> PolicySet:
    return parse_policies([Document("a.yaml", text)], today)


def lines(old: PolicySet, new: PolicySet) -> list[str]:
    return list(map(str, diff(old, new)))


def test_a_set_does_not_differ_from_itself() -> None:
    policies = check([DEFAULT_POLICIES], TODAY).policies
    assert diff(policies, policies) == ()


def test_comments_and_order_of_policies_are_no_difference() -> None:
    one, two = "policy: a\nexec: {deny: /x}\n", "policy: b\nexec: {deny: /x}\n"
    assert diff(parsed(f"{one}---\n{two}"), parsed(f"# moved\n{two}---\n{one}")) == ()


def test_differences_are_told_by_policy_and_clause() -> None:
    old = parsed(
        "policy: a\nsettings: {privileged: deny}\nexec: {deny: {name: x, path: [/a, /b]}}\nfindings: {level: high}\n"
    )
    new = parsed(
        "policy: a\nscope: {namespace: shop}\nsettings: {privileged: allow}\n"
        "exec: {deny: {name: x, path: [/a, /c], user: root}}\nfiles: {only: [/srv/**]}\n"
        "---\npolicy: b\nfindings: {level: low}\n"
    )
    assert lines(old, new) == [
        'a: exec.x changed: path -/b +/c, user nothing → ["root"]',
        "a: files.only added: effect deny all else",
        'a: files.only[0] added: effect only, path ["/srv/**"]',
        "a: findings.level removed: high",
        'a: scope changed: namespace nothing → ["shop"]',
        "a: settings.privileged changed: effect deny → allow",
        "b: findings.level added: low",
        "b: scope added: everything",
    ]


def test_who_may_decide_and_how_is_learned_are_differences() -> None:
    key = "ed25519:O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik="
    old = parsed("policy: a\nlearn: {hours: 24}\n")
    new = parsed(f"policy: a\nlearn: {{hours: 1}}\npeople: {{name: ada, key: '{key}'}}\n")
    assert lines(old, new) == ["a: learn changed: hours 24.0 → 1.0", f"a: people.ada added: {key}"]


def test_differences_go_through_json() -> None:
    old, new = parsed("policy: a\nexec: {deny: /x}\n"), parsed("policy: a\nexec: {deny: /y}\n")
    assert loads(dumps([difference.as_json() for difference in diff(old, new)])) == [
        {
            "policy": "a",
            "clause": "exec.deny[0]",
            "change": "changed",
            "old": {"effect": "deny", "value": {"path": ["/x"]}},
            "new": {"effect": "deny", "value": {"path": ["/y"]}},
        }
    ]


def test_an_exception_that_expires_is_a_difference() -> None:
    text = "policy: a\nexceptions: {rule: x, principal: '*', reason: r, owner: o, expires: 2026-06-30}\n"
    assert lines(parsed(text), parsed(text, date(2026, 7, 1))) == ["a: exceptions[0] changed: expired nothing → true"]


def test_notes_data_and_responses_are_differences() -> None:
    old = parsed("policy: a\nsettings: {privileged: deny, capabilities: {deny: [A, B]}}\n")
    new = parsed(
        "policy: a\nsettings: {privileged: {effect: deny, level: critical}, capabilities: {level: low, deny: [A, {capability: B, level: high}]}}\n"
        "data: {personal: {paths: /x}}\nrespond: {action: kill}\n"
    )
    assert lines(old, new) == [
        'a: data.personal added: paths ["/x"]',
        'a: respond[0] added: action ["kill"]',
        "a: settings.capabilities.A changed: level nothing → low",
        "a: settings.capabilities.B changed: level nothing → high",
        "a: settings.privileged changed: level nothing → critical",
    ]


SHOP: dict[str, dict[str, Any]] = {
    "container:lab/shop/web/web": {"workload.namespace": "shop", "workload.labels": ["tier=front"]},
    "container:lab/shop/db/db": {"workload.namespace": "shop"},
    "container:lab/ci/run/run": {"workload.namespace": "ci"},
    "user:lab/alice": {"user.name": "alice"},
}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "policy: a\nscope: {namespace: ci}\nexec: {deny: /x}\n",
            "policy: a\nscope: {namespace: ci}\nexec: {deny: /y}\n",
            {"exec.deny[0]": ((), (), ("container:lab/ci/run/run",))},
        ),
        (
            "policy: a\nscope: {labels: tier=front}\nexec: {deny: /x}\n",
            "policy: a\nscope: {namespace: ci}\nexec: {deny: /x}\n",
            {"scope": (("container:lab/ci/run/run",), ("container:lab/shop/web/web",), ())},
        ),
        (
            "policy: a\nscope: {users: alice}\nexec: {deny: /x}\nfiles: {deny: /y}\n",
            "policy: a\nscope: {users: alice}\nfiles: {deny: /y}\n",
            {"exec.deny[0]": ((), ("user:lab/alice",), ())},
        ),
        (
            "policy: b\nexec: {deny: /x}\n",
            "policy: b\nscope: {users: eve}\nexec: {deny: /x}\n",
            {"scope": ((), tuple(sorted(SHOP)), ())},
        ),
    ],
)
def test_each_difference_names_the_principals_that_it_speaks_of(
    old: str, new: str, expected: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]
) -> None:
    before, after = parsed(old), parsed(new)
    found = concerned(diff(before, after), before, after, SHOP)
    assert {one.clause: (one.gains, one.loses, one.keeps) for one in found} == expected


def test_principals_stand_behind_a_difference() -> None:
    before, after = parsed("policy: a\nexec: {deny: /x}\n"), parsed("policy: a\nexec: {deny: /y}\n")
    (told,) = concerned(diff(before, after), before, after, {f"host:{number}": {} for number in range(7)})
    assert str(told).endswith("; for host:0, host:1, host:2, host:3, host:4 and 2 more")
    (nobody,) = concerned(diff(before, after), before, after, {})
    assert str(nobody).endswith("; for nobody that is known")
    assert nobody.as_json()["keeps"] == ()
