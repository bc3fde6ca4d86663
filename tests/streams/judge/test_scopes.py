from __future__ import annotations

from typing import Any

import pytest

from schemas.policy import Scope
from streams.judge.scopes import entity_kind, scope_test, specificity
from tests.streams.judge.policies import WEB

FACTS = {
    "workload.cluster": "lab",
    "workload.namespace": "shop",
    "workload.name": "web",
    "workload.container": "nginx",
    "workload.labels": ["app=web", "tier=front"],
    "user.name": "root",
}


def holds(scope: dict[str, Any], record: dict[str, Any] = FACTS, principal: str = WEB, *, every: bool = False) -> bool:
    return scope_test(Scope.model_validate(scope), every=every)(record, principal)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({}, True),
        ({"cluster": "lab", "namespace": ["a", "shop"], "workload": "w*", "container": "nginx"}, True),
        ({"cluster": "lab", "namespace": "other"}, False),
        ({"namespace": "sho"}, False),
        ({"namespace": "Shop"}, False),
        ({"labels": "tier=*"}, True),
        ({"labels": "tier=back"}, False),
        ({"principal": "container:lab/*"}, True),
        ({"entities": "container"}, True),
        ({"entities": ["host", "user"]}, False),
        ({"except": {"namespace": "shop"}}, False),
        ({"except": [{"namespace": "x"}, {"namespace": "shop", "workload": "db"}]}, True),
        ({"namespace": "shop", "except": {"labels": "app=web"}}, False),
    ],
)
def test_all_keys_must_hold_and_no_exception(scope: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column
    assert holds(scope) is expected


def test_what_is_not_known_lies_in_no_named_place_and_in_no_exception() -> None:
    assert not holds({"namespace": "*"}, {})
    assert holds({"except": {"namespace": "*"}}, {})


def test_a_request_lies_where_its_target_is() -> None:
    record = {"orchestrator.cluster.name": "lab", "orchestrator.namespace": "shop", "orchestrator.resource.name": "web"}
    assert holds({"cluster": "lab", "namespace": "shop", "workload": "web"}, record, "user:lab/alice")


def test_who_impersonates_is_both_where_denied_and_neither_where_allowed() -> None:
    record = {
        "user.name": "alice",
        "user.roles": ["dev"],
        "user.effective.name": "admin",
        "user.effective.roles": ["ops"],
    }
    assert holds({"users": "alice"}, record)
    assert holds({"users": "admin"}, record)
    assert not holds({"users": "alice"}, record, every=True)
    assert not holds({"users": "admin"}, record, every=True)
    assert holds({"users": ["alice", "admin"]}, record, every=True)
    assert holds({"groups": "ops"}, record)
    assert not holds({"groups": "ops"}, record, every=True)
    assert not holds({"users": "alice", "except": {"users": "alice"}}, {"user.name": "alice"})
    assert holds({"users": "alice", "except": {"users": "admin"}}, record)


@pytest.mark.parametrize(
    ("principal", "kind"),
    [(WEB, "container"), ("unknown:abcdef012345", "container"), ("host:a", "host"), ("user:lab/a:b", "user")],
)
def test_a_principal_is_of_a_kind(principal: str, kind: str) -> None:
    assert entity_kind(principal) == kind


def test_more_keys_are_more_specific() -> None:
    scopes = [Scope.model_validate(scope) for scope in ({}, {"namespace": "a"}, {"namespace": "a", "labels": "b=c"})]
    assert [specificity(scope) for scope in scopes] == [0, 1, 2]


def test_service_accounts_images_and_secrets_are_scopes_of_their_own() -> None:
    record = {"user.name": "system:serviceaccount:shop:web"}
    held = [
        scope_test(Scope.model_validate(written), every=False)(record, principal)
        for written, principal in (
            ({"service_accounts": "shop/*"}, "user:lab/x"),
            ({"service_accounts": "other/*"}, "user:lab/x"),
            ({"entities": "image"}, "image:sha256:1"),
            ({"entities": ["image", "secret"]}, "secret:lab/shop/key"),
            ({"entities": "container"}, "image:sha256:1"),
        )
    ]
    assert held == [True, False, True, True, False]
