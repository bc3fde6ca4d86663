from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.formats.kubernetes_audit import KubernetesAuditFormat
from producers.formats.kubernetes_audit.secrets import Secrets
from producers.types import FormatOptions
from schemas.codec import Event, dumps
from tests.producers.formats.kubernetes_audit.samples import audit
from tests.producers.formats.reading import events_of

FIRST, SECOND, THIRD = (f"2025-03-0{day}T10:00:00.000000000Z" for day in (1, 2, 3))


def secret(data: dict[str, str] | None, **labels: str) -> Event:
    """Return a secret; its values are plain here and encoded there."""
    content = {name: b64encode(value.encode()).decode() for name, value in (data or {}).items()}
    whole = {"kind": "Secret", "type": "Opaque", "metadata": {"name": "payment", "labels": labels}, "data": content}
    return {key: value for key, value in whole.items() if data is not None or key != "data"}


def write(verb: str, request: Any, *, at: str = FIRST, response: Any = None, **changes: Any) -> Event:
    wanted = {"verb": verb, "requestObject": request, "responseObject": response, "requestReceivedTimestamp": at}
    return audit(**wanted | changes)


def facts(*audits: Event) -> list[Event]:
    """Return the facts that audit events, one after the other, tell of secrets, without what all of them say."""
    events = events_of(KubernetesAuditFormat(FormatOptions(cluster="prod")), *audits)
    told = [event for event in events if event["event.action"] == "facts"]
    assert all(event["entity.id"] == "secret:prod/shop/payment" for event in told)
    assert all(event["facts.authority"] == "kubernetes" for event in told)
    return [{name: value for name, value in event.items() if name.startswith("secret.")} for event in told]


def changes(*audits: Event) -> list[str]:
    return [told["secret.changed"] for told in facts(*audits)]


CREATED = write("create", secret({"user": "shop", "password": "hunter2"}))


def test_a_created_secret_has_a_type_and_names_of_entries() -> None:
    assert facts(CREATED) == [
        {
            "secret.type": "Opaque",
            "secret.keys": ["password", "user"],
            "secret.created": FIRST,
            "secret.changed": FIRST,
        }
    ]


def test_a_request_says_which_secret_it_is_for() -> None:
    *_, request = events_of(KubernetesAuditFormat(FormatOptions(cluster="prod")), CREATED)
    assert request["secret.path"] == "prod/shop/payment"
    everywhere = audit(objectRef={"resource": "secrets", "apiVersion": "v1"}, verb="list")
    (request,) = events_of(KubernetesAuditFormat(FormatOptions(cluster="prod")), everywhere)
    assert request["secret.path"] == "prod/*/*"


def test_facts_go_before_the_request() -> None:
    actions = [event["event.action"] for event in events_of(KubernetesAuditFormat(FormatOptions()), CREATED)]
    assert actions == ["facts", "secrets-create"]


def test_a_replacement_with_another_value_is_a_change() -> None:
    other = write("update", secret({"user": "shop", "password": "hunter3"}), at=SECOND)
    assert facts(CREATED, other)[1] == {
        "secret.type": "Opaque",
        "secret.keys": ["password", "user"],
        "secret.created": FIRST,
        "secret.changed": SECOND,
    }


@pytest.mark.parametrize(
    "relabelled",
    [
        write("update", secret({"user": "shop", "password": "hunter2"}, tier="gold"), at=SECOND),
        write("update", secret({"user": "shop"}) | {"stringData": {"password": "hunter2"}}, at=SECOND),
        write("patch", {"metadata": {"labels": {"tier": "gold"}}}, at=SECOND),
        write("patch", [{"op": "add", "path": "/metadata/labels/tier", "value": "gold"}], at=SECOND),
        write("patch", [{"op": "test", "path": "/data/user", "value": "eA=="}], at=SECOND),
        write("patch", {"stringData": {"password": "hunter2"}}, at=SECOND),
        write("patch", secret({"password": "hunter2"}, tier="gold"), at=SECOND),
        write("patch", None, response=secret({"user": "shop", "password": "hunter2"}, tier="gold"), at=SECOND),
        write("patch", {"stringData": {"password": "other"}}, responseStatus={"code": 403}, at=SECOND),
        write("patch", {"stringData": {"password": "other"}}, requestURI="/api/v1/x?dryRun=All", at=SECOND),
        write("update", None, at=SECOND),
        write("patch", None, at=SECOND),
        audit(),
    ],
)
def test_a_new_label_is_no_change(relabelled: Event) -> None:
    assert changes(CREATED, relabelled) == [FIRST]


@pytest.mark.parametrize(
    "changed",
    [
        write("update", secret({"user": "shop"}), at=SECOND),
        write("patch", {"data": {"password": "b3RoZXI="}}, at=SECOND),
        write("patch", {"data": {"password": None}}, at=SECOND),
        write("patch", {"stringData": {"token": "new"}}, at=SECOND),
        write("patch", [{"op": "replace", "path": "/data/password", "value": "b3RoZXI="}], at=SECOND),
        write("patch", [{"op": "remove", "path": "/data/user"}], at=SECOND),
        write("patch", [{"op": "remove", "path": "/data"}], at=SECOND),
        write("patch", [{"op": "replace", "path": "/data", "value": {"user": "c2hvcA=="}}], at=SECOND),
        write("patch", [{"op": "copy", "from": "/data/user", "path": "/data/password"}], at=SECOND),
        write("patch", secret({"password": "other"}), at=SECOND),
        write("patch", None, response=secret({"password": "other"}), at=SECOND),
    ],
)
def test_another_value_is_one_change(changed: Event) -> None:
    assert changes(CREATED, changed, write("patch", {"metadata": {"labels": {"a": "b"}}}, at=THIRD)) == [FIRST, SECOND]


def test_a_patch_of_the_content_is_a_change_also_of_a_secret_that_was_never_seen() -> None:
    assert facts(write("patch", {"data": {"password": "b3RoZXI="}})) == [{"secret.changed": FIRST}]


@pytest.mark.parametrize("verb", ["update", "patch"])
def test_nothing_is_said_where_it_cannot_be_known(verb: str) -> None:
    """A whole secret that is seen for the first time may or may not be what was there."""
    first, second = (write(verb, secret({"password": word}), at=at) for word, at in (("a", FIRST), ("b", SECOND)))
    assert changes(first) == []
    assert changes(first, second) == ([SECOND] if verb == "update" else [])


def test_a_secret_that_was_read_is_known() -> None:
    read = audit(responseObject=secret({"password": "hunter2"}))
    assert changes(read, write("update", secret({"password": "hunter2"}, a="b"), at=SECOND)) == []
    assert changes(read, write("update", secret({"password": "other"}), at=SECOND)) == [SECOND]


def test_after_a_write_that_was_not_seen_nothing_is_known() -> None:
    hidden = write("update", None, at=SECOND)
    assert changes(CREATED, hidden, write("update", secret({"user": "shop"}), at=THIRD)) == [FIRST]


def test_a_log_without_contents_tells_when_secrets_are_made() -> None:
    assert facts(write("create", None)) == [{"secret.created": FIRST, "secret.changed": FIRST}]


def test_a_deleted_secret_has_no_facts_any_more() -> None:
    assert facts(CREATED, write("delete", None, at=SECOND))[1] == {}


def test_a_secret_whose_name_is_not_known_has_no_facts() -> None:
    reference = {"resource": "secrets", "namespace": "shop", "apiVersion": "v1"}
    asked = {"metadata": {"generateName": "payment-"}, "data": {}}
    assert facts(write("create", asked, objectRef=reference)) == []


def test_other_resources_of_that_name_are_none() -> None:
    reference = {
        "resource": "secrets",
        "namespace": "shop",
        "name": "payment",
        "apiGroup": "example.org",
        "apiVersion": "v1",
    }
    assert facts(write("create", secret({"a": "b"}), objectRef=reference)) == []


def test_what_is_remembered_is_bounded() -> None:
    secrets = Secrets()
    content = secret({f"{number}": "x" for number in range(1_000)})
    for number in range(300):
        path = f"prod/shop/s{number}"
        request = {"secret.path": path, "kubernetes.audit.verb": "create", "@timestamp": FIRST}
        request |= {
            "orchestrator.resource.type": "secrets",
            "orchestrator.resource.id": "s",
            "event.outcome": "success",
        }
        secrets.facts_of(write("create", content), request)
    assert len(secrets._known) < 200


words = st.text(st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZ23456789"), min_size=12, max_size=24)
writes = st.sampled_from(["create", "update", "patch", "get"])


@settings(max_examples=200)
@given(st.lists(st.tuples(writes, words, st.integers(0, 5)), min_size=1, max_size=6))
def test_no_value_of_a_secret_is_in_any_event_dead_letter_or_outline(steps: list[tuple[str, str, int]]) -> None:
    format_ = KubernetesAuditFormat(FormatOptions(cluster="prod"))
    for verb, value, shape in steps:
        plain = {"kind": "Secret", "type": "Opaque", "data": {"password": value}, "stringData": {"token": value}}
        applied = {"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(plain)}}}
        body: Any = [
            plain,
            plain | applied,
            {"data": {"a": value}},
            [{"op": "add", "path": "/data/a", "value": value}],
            value,
            [value],
        ][shape]
        whole = write(verb, body, response=body)
        told = dumps(events_of(format_, whole))
        assert value.encode() not in told
        assert b64encode(value.encode()) not in told
        assert value.encode() not in format_.outline(json.dumps(whole).encode()[: 700 + shape])
