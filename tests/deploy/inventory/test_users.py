from __future__ import annotations

from typing import Any

from deploy.inventory.estate import NOT_OBSERVABLE
from deploy.inventory.users import User, users_of
from schemas.codec import dumps, loads
from tests.deploy.inventory.lab import LATER, NOON, estate_of, request
from tests.deploy.view.lab import Said, activity

ACCOUNT = "system:serviceaccount:shop:web"
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch", "bind", "escalate", "impersonate"]


def users(*records: Said) -> dict[str, User]:
    return {one.user: one for one in users_of(estate_of(*records))}


def role(name: str, *rules: str, verb: str = "create", first: str = NOON, cluster: bool = False) -> Said:
    place: dict[str, Any] = {} if cluster else {"orchestrator__namespace": "shop"}
    said: dict[str, Any] = {"kubernetes__audit__role__rules": list(rules)} if rules else {}
    resource = "clusterroles" if cluster else "roles"
    return request("admin", verb, resource, orchestrator__resource__name=name, first=first, **place, **said)


def binding(name: str, role_name: str, *subjects: str, verb: str = "create", first: str = NOON, **fields: Any) -> Said:
    said: dict[str, Any] = {"kubernetes__audit__role__name": role_name, "kubernetes__audit__subjects": list(subjects)}
    place = fields | {"orchestrator__namespace": "shop", "orchestrator__resource__name": name}
    return request("admin", verb, "rolebindings", first=first, **place, **(said if subjects else {}))


def got(verb: str, resource: str = "configmaps", **fields: Any) -> Said:
    return request(ACCOUNT, verb, resource, orchestrator__namespace="shop", **fields)


def test_an_account_that_uses_two_of_its_ten_verbs_has_eight_that_it_never_used() -> None:
    rule = f"{','.join(sorted(VERBS))} configmaps core"
    found = users(role("all", rule), binding("web", "all", "ServiceAccount:shop/web"), got("get"), got("list"))
    account = found[f"user:prod/{ACCOUNT}"]
    assert account.kind == "service account"
    assert account.did == {"get configmaps": 1, "list configmaps": 1}
    assert len(account.granted) == 10
    assert account.unused == tuple(f"{verb} configmaps shop" for verb in sorted(set(VERBS) - {"get", "list"}))
    assert account.roles == ("all in shop",)


def test_what_was_granted_before_a_log_was_read_is_not_observable() -> None:
    account = users(got("get"))[f"user:prod/{ACCOUNT}"]
    assert (account.granted, account.unused) == (NOT_OBSERVABLE, NOT_OBSERVABLE)
    unseen = users(binding("web", "view", "ServiceAccount:shop/web"), got("get"))[f"user:prod/{ACCOUNT}"]
    assert (unseen.granted, unseen.unseen, unseen.roles) == (NOT_OBSERVABLE, ("view",), ("view in shop",))


def test_who_was_granted_something_and_never_came_is_listed() -> None:
    found = users(role("all", "get pods core"), binding("web", "all", "User:bob"))
    assert found["user:prod/bob"].unused == ("get pods shop",)
    assert (found["user:prod/bob"].first, found["user:prod/bob"].kind) == ("", "person")


def test_a_group_that_an_identity_has_shown_grants_to_it() -> None:
    did = request("carol", "get", "pods", orchestrator__namespace="shop", user__roles=["developers"])
    found = users(role("all", "get,delete pods core"), binding("web", "all", "Group:developers"), did)
    assert found["user:prod/carol"].unused == ("delete pods shop",)
    assert found["user:prod/carol"].groups == ("developers",)


def test_all_verbs_are_used_by_any_and_a_role_of_the_cluster_counts_in_every_namespace() -> None:
    everywhere = request(
        "admin",
        "create",
        "clusterrolebindings",
        orchestrator__resource__name="web",
        kubernetes__audit__role__name="all",
        kubernetes__audit__subjects=["User:bob"],
    )
    did = request("bob", "delete", "pods", orchestrator__namespace="other")
    found = users(role("all", "* pods,secrets core", cluster=True), everywhere, did)
    assert found["user:prod/bob"].unused == ("* secrets *",)
    assert found["user:prod/bob"].broad == ("* pods *", "* secrets *")


def test_a_binding_that_is_deleted_or_changed_grants_no_longer() -> None:
    granted = [role("all", "get pods core"), binding("web", "all", "User:bob")]
    assert "user:prod/bob" not in users(*granted, binding("web", "", verb="delete", first=LATER))
    moved = users(*granted, binding("web", "all", "User:dan", verb="update", first=LATER))
    assert "user:prod/bob" not in moved
    assert "user:prod/dan" in moved
    emptied = request(
        "admin",
        "update",
        "rolebindings",
        first=LATER,
        orchestrator__namespace="shop",
        orchestrator__resource__name="web",
        kubernetes__audit__role__name="all",
    )
    assert "user:prod/bob" not in users(*granted, emptied)


def test_what_was_refused_was_not_done_and_a_refused_binding_binds_nothing() -> None:
    found = users(got("get", event__outcome="failure"), binding("web", "all", "User:bob", event__outcome="failure"))
    account = found[f"user:prod/{ACCOUNT}"]
    assert (account.did, account.refused) == ({}, {"get configmaps": 1})
    assert "user:prod/bob" not in found


def test_users_of_registries_and_secrets_that_were_read_are_told() -> None:
    push = activity("user:registry.example/ci", {"event.action": "image-push", "event.outcome": "success"}, count=3)
    read = got("get", "secrets", secret__path="prod/shop/key")
    found = users(push, read)
    assert found["user:registry.example/ci"].did == {"image-push": 3}
    assert found[f"user:prod/{ACCOUNT}"].secrets == ("prod/shop/key",)
    assert found[f"user:prod/{ACCOUNT}"].outcomes == {"undetermined": 1}


def test_of_who_did_too_much_to_be_told_apart_nothing_is_said_to_be_unused() -> None:
    topic, key, value = request(ACCOUNT, "get", "pods")
    counted = {name: one for name, one in loads(value or b"").items() if name.startswith(("activity.", "verdict."))}
    counted["activity.digest"] = "other-api-undetermined"
    place = key.rsplit(b"|", 2)[0] + b"|other-api-undetermined|0"
    rule = role("all", "get,list configmaps core")
    found = users(rule, binding("web", "all", f"User:{ACCOUNT}"), got("get"), (topic, place, dumps(counted)))
    account = found[f"user:prod/{ACCOUNT}"]
    assert (account.did, account.unused) == ({"get configmaps": 1}, NOT_OBSERVABLE)
    assert account.outcomes == {"undetermined": 2}
