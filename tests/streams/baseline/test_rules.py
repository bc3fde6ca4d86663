from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from schemas.policy import Learn
from schemas.policyset import Document, PolicySet, parse_policies
from streams.baseline.rules import LearnRules
from tests.schemas.baselines import ADA, BOB, enrolled

WEB = "container:prod/shop/web/app"
FACTS = {
    "workload.cluster": "prod",
    "workload.namespace": "shop",
    "workload.name": "web",
    "workload.container": "app",
    "workload.labels": ["tier=front"],
}


def rules_of(*texts: str) -> LearnRules:
    documents = [Document(f"{number}.yaml", text) for number, text in enumerate(texts)]
    return LearnRules.of(parse_policies(documents, date(2026, 1, 1)))


def learning(name: str, scope: str, hours: int = 1) -> str:
    return f"policy: {name}\nscope: {scope}\nlearn: {{hours: {hours}}}\n"


# How a principal learns


def test_without_any_policy_a_person_approves_after_a_day() -> None:
    assert LearnRules.of(PolicySet.empty()).rule_of(WEB, FACTS) == ("default", Learn())
    assert (Learn().approve, Learn().hours, Learn().release) == ("review", 24.0, "inherit")


def test_the_most_specific_scope_decides_whichever_is_written_first() -> None:
    texts = [
        learning("all", "{}", 1),
        learning("shop", "{namespace: shop}", 2),
        learning("web", "{namespace: shop, workload: web}", 3),
        learning("db", "{namespace: shop, workload: db}", 4),
    ]
    for ordered in (texts, texts[::-1]):
        rules = rules_of(*ordered)
        assert rules.rule_of(WEB, FACTS) == ("web", Learn(hours=3))
        assert rules.rule_of("container:prod/shop/x/", FACTS | {"workload.name": "x"}) == ("shop", Learn(hours=2))
        assert rules.rule_of("host:node-1", {}) == ("all", Learn(hours=1))


def test_of_equally_specific_scopes_the_first_by_name_decides() -> None:
    texts = [learning("b", "{namespace: shop}", 1), learning("a", "{workload: web}", 2)]
    assert rules_of(*texts).rule_of(WEB, FACTS)[0] == rules_of(*texts[::-1]).rule_of(WEB, FACTS)[0] == "a"


def test_a_policy_that_says_nothing_of_learning_changes_nothing_of_it() -> None:
    rules = rules_of(learning("all", "{}", 5), f"policy: web\nscope: {{principal: '{WEB}'}}\nexec: {{deny: /bin/sh}}\n")
    assert rules.rule_of(WEB, FACTS) == ("all", Learn(hours=5))


@pytest.mark.parametrize(
    ("scope", "principal", "facts", "expected"),
    [
        ("{entities: host}", "host:node-1", {}, True),
        ("{entities: host}", WEB, FACTS, False),
        ("{principal: 'container:*/shop/*'}", WEB, {}, True),
        ("{labels: tier=front}", WEB, FACTS, True),
        ("{labels: tier=back}", WEB, FACTS, False),
        ("{cluster: prod, container: app}", WEB, FACTS, True),
        ("{namespace: shop, except: {workload: web}}", WEB, FACTS, False),
        ("{users: ada}", "user:prod/ada", {"user.name": "ada"}, True),
        ("{groups: ops}", "user:prod/ada", {"user.name": "ada", "user.roles": ["ops"]}, True),
        ("{groups: ops}", "user:prod/ada", {"user.name": "ada", "user.roles": ["dev"]}, False),
    ],
)
def test_every_key_of_a_scope_says_who_learns_so(
    scope: str, principal: str, facts: dict[str, Any], *, expected: bool
) -> None:
    assert (rules_of(learning("one", scope)).rule_of(principal, facts)[0] == "one") == expected


# Who may decide


def test_people_are_enrolled_by_any_policy_with_their_keys() -> None:
    people = rules_of(enrolled(ada=ADA), enrolled(bob=BOB).replace("policy: people", "policy: more")).people
    assert people.keys() == {"ada", "bob"}
    assert people["ada"] != people["bob"]
    assert rules_of(learning("all", "{}")).people == {}


# What stays literal


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("files: {deny: /etc/shadow}", {"/etc/shadow"}),
        ("files: {deny: [/etc/shadow, /root/**]}", {"/etc/shadow", "/root"}),
        ("files: {deny: {path: [/var/run/docker.sock], access: write}}", {"/var/run/docker.sock"}),
        ("files: {deny: '**/authorized_keys'}", set()),
        ("files: {deny: '/home/*/.ssh/**'}", set()),
        ("files: {deny: '/etc/pass*'}", set()),
        ("files: {deny: '/etc/[ab]'}", set()),
        ("files: {deny: {access: delete}}", set()),
        ("files: {deny: '/**'}", set()),
        ("files: {allow: /srv/**}", set()),
        ("exec: {deny: /bin/sh}", set()),
    ],
)
def test_the_paths_that_policies_forbid_are_protected(clause: str, expected: set[str]) -> None:
    assert rules_of(f"policy: p\n{clause}\n").protected == expected
