from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.formats.vault_audit import VaultAuditFormat
from producers.formats.vault_audit import format as vault_format
from producers.types import FormatOptions, Outcome, Record
from schemas.codec import Event, dumps
from schemas.errors import Invalid
from tests.producers.formats.reading import events_of, results_of
from tests.producers.formats.test_documents import values
from tests.producers.formats.vault_audit.samples import TIME, pair, request, response, write

OPTIONS = FormatOptions()


def read(*rows: Any) -> list[Event]:
    return events_of(VaultAuditFormat(OPTIONS), *rows)


def facts(*rows: Event) -> list[Event]:
    """Return the facts that lines tell of secrets, without what all of them say."""
    told = [event for event in read(*rows) if event["event.action"] == "facts"]
    assert all(event["facts.authority"] == "vault" for event in told)
    return [{name: value for name, value in event.items() if name.startswith(("secret.", "entity"))} for event in told]


def row(data: Event, line: int) -> Record:
    return Record(json.dumps(data).encode(), f"f:{line}", {"line": line}, line)


def test_a_request_and_its_answer_are_one_event() -> None:
    assert read(*pair()) == [
        {
            "event.id": "try:0000:000000000001",
            "@timestamp": TIME,
            "entity.id": "user:vault/oidc-1234",
            "http.request.id": "cd09708b-0000-4000-8000-000000000001",
            "source.port": 54336,
            "ecs.version": "9.1.0",
            "event.kind": "event",
            "event.module": "vault",
            "event.dataset": "vault.audit",
            "event.action": "secret-read",
            "event.category": ["api"],
            "event.type": ["access", "allowed"],
            "event.outcome": "success",
            "secret.path": "secret/app/db",
            "source.ip": "192.0.2.7",
            "user.id": "e4f5c67a-0000-4000-8000-000000000000",
            "user.name": "oidc-1234",
            "user.email": "alice@example.org",
            "user.roles": ["default", "shop"],
        }
    ]


def test_pairs_may_be_interleaved() -> None:
    first, second = pair("secret/data/a", number="1"), pair("secret/data/b", number="2")
    assert [event["secret.path"] for event in read(first[0], second[0], second[1], first[1])] == [
        "secret/b",
        "secret/a",
    ]


def test_the_outcome_is_that_of_the_answer() -> None:
    denied = read(*pair(error="1 error occurred:\n\t* permission denied\n\n"))[0]
    assert (denied["event.outcome"], denied["event.type"]) == ("failure", ["access", "denied"])
    assert denied["event.reason"] == "1 error occurred: * permission denied"


def test_a_request_without_an_answer_is_an_event_too() -> None:
    assert [event["event.outcome"] for event in read(request(), request(number="2", error="permission denied"))] == [
        "unknown",
        "failure",
    ]


def test_a_request_waits_no_longer_than_a_minute_of_the_log() -> None:
    format_ = VaultAuditFormat(OPTIONS)
    assert format_.parse(row(request(number="1"), 1)) == []
    assert format_.held == {}
    assert format_.parse(row(request(number="2", time="2026-01-02T10:00:59Z"), 2)) == []
    (outcome,) = format_.parse(row(request(number="3", time="2026-01-02T10:01:01Z"), 3))
    assert isinstance(outcome, Outcome)
    assert [record.line for record in outcome.records] == [1]
    assert format_.held == {"line": 1}


def test_only_so_many_requests_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_format, "_MAX_HELD_BYTES", 3_000)
    format_ = VaultAuditFormat(OPTIONS)
    given_out = [len(format_.parse(row(request(number=f"{number}"), number))) for number in range(1, 11)]
    assert sum(given_out) >= 5
    assert len(format_.flush(final=True)) == 10 - sum(given_out)
    assert format_.held is None


def test_after_a_while_without_any_line_requests_are_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    format_ = VaultAuditFormat(OPTIONS)
    format_.parse(row(request(), 1))
    assert format_.flush() == []
    late = time.monotonic() + 60
    monkeypatch.setattr(vault_format, "monotonic", lambda: late)
    assert len(format_.flush()) == 1


def test_an_answer_alone_is_an_event() -> None:
    assert [event["event.outcome"] for event in read(response())] == ["success"]


def test_two_requests_of_one_id_are_two_events() -> None:
    assert [event["event.outcome"] for event in read(request(), *pair())] == ["unknown", "success"]


def test_a_request_that_waits_is_not_lost_for_another_of_its_id_without_a_time() -> None:
    results = results_of(VaultAuditFormat(OPTIONS), request(), request(time="nonsense"))
    assert [isinstance(result, Invalid) for result in results] == [False, True]


def test_a_login_is_of_whoever_it_lets_in() -> None:
    auth = {"display_name": None, "entity_id": None, "metadata": None, "policies": None}
    let_in = {"auth": {"display_name": "kubernetes-shop-web", "policies": ["shop"], "client_token": "hmac-sha256:1"}}
    rows = pair("auth/kubernetes/login", "update", request={"mount_type": "kubernetes"}, auth=auth, response=let_in)
    (event,) = read(*rows)
    assert (event["entity.id"], event["event.action"]) == ("user:vault/kubernetes-shop-web", "vault-login")
    assert (event["event.category"], event["url.path"]) == (["authentication"], "auth/kubernetes/login")
    assert "secret.path" not in event
    (event,) = read(
        *pair("auth/kubernetes/login", "update", request={"mount_type": "kubernetes"}, auth=auth, error="no")
    )
    assert event["entity.id"] == "user:vault/anonymous"


def test_a_name_that_every_token_has_is_no_name() -> None:
    (event,) = read(*pair(auth={"display_name": "token"}))
    assert event["entity.id"] == "user:vault/e4f5c67a-0000-4000-8000-000000000000"
    (event,) = read(*pair(auth={"display_name": "token", "entity_id": ""}))
    assert event["entity.id"] == "user:vault/token"


def test_the_id_of_an_instance_is_no_part_of_who_asks() -> None:
    (event,) = read(*pair(auth={"display_name": "token-375f9cb3-4355-42c7-eab5-029f8a310ca7-runner", "entity_id": ""}))
    assert event["entity.id"] == "user:vault/token-runner"


def test_messages_of_other_protocols_are_left_out() -> None:
    assert read({"type": "kmip-request", "time": TIME, "request": {"remote_address": "192.0.2.7:36776"}}) == []
    (event,) = read(*pair(request={"remote_address": "192.0.2.7:36776"}))
    assert event["source.ip"] == "192.0.2.7"


def test_the_estate_may_have_a_name() -> None:
    *_, event = events_of(VaultAuditFormat(FormatOptions(cluster="prod")), *pair())
    assert event["entity.id"] == "user:prod/oidc-1234"


def test_hashed_values_are_no_names() -> None:
    headers = {"User-Agent": ["hmac-sha256:99"], "user-agent": ["curl/8"]}
    rows = pair(
        auth={"metadata": {"email": "hmac-sha256:1"}, "policies": ["hmac-sha256:2"]}, request={"headers": headers}
    )
    (event,) = read(*rows)
    assert "user.email" not in event
    assert event["user.roles"] == ["default", "shop"]
    assert event["user_agent.original"] == "curl/8"
    assert b"hmac-" not in dumps(event)


def test_a_line_may_have_a_prefix() -> None:
    lines = [b"@cee: " + json.dumps(value).encode() for value in pair()]
    assert len(read(*lines)) == 1


def test_a_new_secret_has_names_of_entries_and_a_birthday() -> None:
    assert facts(*write("secret/data/app/db", "user", "password", version=1)) == [
        {
            "entity.id": "secret:secret/app/db",
            "secret.type": "kv",
            "secret.keys": ["password", "user"],
            "secret.created": TIME,
            "secret.changed": TIME,
        }
    ]


def test_each_write_of_a_content_is_a_change_and_of_what_is_known_about_it_none() -> None:
    later = "2026-01-03T10:00:00.000000000Z"
    told = facts(
        *write("secret/data/app/db", "password", version=1),
        *pair("secret/metadata/app/db", "update"),
        *write("secret/data/app/db", "password", "user", version=2, time=later),
        *write("secret/data/app/db", "token", operation="patch", version=3, time=later),
    )
    assert [(one["secret.created"], one["secret.changed"]) for one in told] == [
        (TIME, TIME),
        (TIME, later),
        (TIME, later),
    ]
    assert told[2]["secret.keys"] == ["password", "token", "user"]


def test_the_first_version_of_the_store_is_read_as_well() -> None:
    told = facts(*write("secret/app/db", "password", operation="create", version=None))
    assert told[0]["secret.keys"] == ["password"]
    assert told[0]["secret.created"] == TIME


@pytest.mark.parametrize(
    "rows",
    [
        write("secret/data/a", "x", error="permission denied"),
        write("secret/data/a", "x")[:1],
        pair("secret/data/a", "delete"),
        pair("secret/destroy/a", "update"),
        pair("secret/data/a", "read"),
        pair("auth/token/create", "update", request={"mount_type": "token"}),
    ],
)
def test_other_requests_tell_no_facts(rows: tuple[Event, ...]) -> None:
    assert facts(*rows) == []


def test_a_secret_that_is_gone_with_all_its_versions_has_no_facts() -> None:
    assert facts(*pair("secret/metadata/app/db", "delete")) == [{"entity.id": "secret:secret/app/db"}]


@given(
    st.text(st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZ23456789"), min_size=12, max_size=24), st.sampled_from([1, None])
)
def test_no_value_is_told_not_even_of_a_log_with_raw_values(value: str, version: int | None) -> None:
    content = {"password": value, "nested": {"deep": [value]}}
    data = {"data": content} if version else content
    rows = pair(
        "secret/data/app/db",
        "update",
        request={"data": data, "client_token": value, "headers": {"x-vault-token": [value]}},
        auth={"client_token": value, "accessor": value, "metadata": {"account": value}},
        response={"data": data | {"version": version}, "auth": {"client_token": value}, "wrap_info": {"token": value}},
    )
    format_ = VaultAuditFormat(OPTIONS)
    assert value.encode() not in dumps(events_of(format_, *rows))
    assert value.encode() not in format_.outline(json.dumps(rows).encode())


@pytest.mark.parametrize("value", [{}, 7, {"type": "request"}, {"type": "x", "request": {"id": "1"}}, [1]])
def test_other_lines_are_dead_letters(value: Any) -> None:
    (result,) = results_of(VaultAuditFormat(OPTIONS), value)
    assert isinstance(result, Invalid)


@given(st.sampled_from(["time", "type", "auth", "request", "response", "error"]), values, st.booleans())
def test_any_value_of_any_key_gives_valid_events_or_dead_letters(key: str, value: Any, answered: bool) -> None:  # noqa: FBT001 - hypothesis calls by place
    asked, answer = write("secret/data/app/db", "password", version=1)
    results_of(VaultAuditFormat(OPTIONS), {**asked, key: value}, *([{**answer, key: value}] if answered else []))


@given(st.sampled_from(["request", "auth", "response"]), st.data())
def test_any_value_of_any_inner_key_gives_valid_events(key: str, data: st.DataObject) -> None:
    _, answer = write("secret/data/app/db", "password", version=1)
    inner = data.draw(st.sampled_from([*sorted(answer[key]), "headers", "data"]))
    results_of(VaultAuditFormat(OPTIONS), {**answer, key: {**answer[key], inner: data.draw(values)}})
