from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from deploy.case_records import PRINCIPAL, case_of, records_of_case
from schemas.errors import Invalid

EXECVE = [
    'type=SYSCALL msg=audit(1.000:7): arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid=2 uid=0 comm="id" exe="/usr/bin/id"',
    'type=EXECVE msg=audit(1.000:7): argc=1 a0="id"',
]
SECRET = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "auditID": "a",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/namespaces/shop/secrets/db",
    "verb": "get",
    "user": {"username": "alice"},
    "objectRef": {"resource": "secrets", "namespace": "shop", "name": "db", "apiVersion": "v1"},
    "stageTimestamp": "2026-01-01T00:00:00Z",
}


def records(written: dict[str, Any]) -> list[tuple[str, float, dict[str, Any]]]:
    return [(one.principal, one.seconds, dict(one.record)) for one in records_of_case(case_of(written), PRINCIPAL)]


def test_a_flat_record_is_as_it_stands() -> None:
    assert records({"event.action": "exec"}) == [(PRINCIPAL, 0, {"event.action": "exec"})]
    assert records({"event.action": "exec", "principal": "host:a"}) == [("host:a", 0, {"event.action": "exec"})]


def test_a_field_of_the_envelope_is_refused_by_name() -> None:
    with pytest.raises(Invalid, match=r"`process\.pid` is no field"):
        records({"process.pid": 1})


def test_lines_go_through_their_format() -> None:
    ((principal, _, record),) = records({"format": "auditd", "lines": EXECVE})
    assert principal == "host:node-1"
    assert (record["event.action"], record["process.args"]) == ("exec", ["id"])
    assert "process.pid" not in record


def test_an_event_goes_through_its_format_with_what_is_known_beside_it() -> None:
    ((principal, _, record),) = records(
        {"format": "kubernetes-audit", "event": SECRET, "facts": {"target.privileged": True}}
    )
    assert principal == "user:lab/alice"
    assert record["orchestrator.resource.type"] == "secrets"
    assert record["target.privileged"] is True


def test_steps_of_a_sequence_come_in_the_order_of_time_and_may_repeat() -> None:
    step = {"at": 10, "times": 2, "every": 5, "record": {"dns.question.name": "{n}.x.example"}}
    found = records({"sequence": [step, {"at": 0, "format": "auditd", "lines": EXECVE}], "principal": "host:b"})
    assert [(seconds, record.get("dns.question.name")) for _, seconds, record in found] == [
        (0, None),
        (10, "0.x.example"),
        (15, "1.x.example"),
    ]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"format": "x", "lines": ["y"]}, "is no format"),
        ({"format": "auditd"}, "needs `event`, `events` or `lines`"),
        ({"sequence": []}, "at least 1 item"),
        ({"sequence": [{"at": 0}]}, "either `record` or `format`"),
    ],
)
def test_what_is_no_case_says_why(written: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        records(written)
