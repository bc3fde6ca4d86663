from __future__ import annotations

import json
from pathlib import Path

import pytest

from producers.formats.kubernetes_audit import KubernetesAuditFormat
from producers.normalise import Normaliser, records_of
from producers.types import FormatOptions
from schemas.codec import Event
from schemas.errors import Invalid
from tests.conftest import RECORDINGS
from tests.producers.formats.kubernetes_audit.samples import audit, execution
from tests.producers.formats.reading import events_of, lines_of, results_of

OPTIONS = FormatOptions(cluster="prod")


def read(*values: object) -> list[Event]:
    return events_of(KubernetesAuditFormat(OPTIONS), *values)


def test_a_request_is_one_event_at_its_end() -> None:
    (event,) = read(audit(stage="RequestReceived", responseStatus=None), audit())
    assert event["kubernetes.audit.stage"] == "ResponseComplete"


def test_a_long_request_is_one_event_at_its_start() -> None:
    (event,) = read(execution(stage="RequestReceived"), execution(), execution(stage="ResponseComplete"))
    assert event["kubernetes.audit.stage"] == "ResponseStarted"


def test_a_long_request_that_never_started_is_an_event_at_its_end() -> None:
    (event,) = read(execution(stage="ResponseComplete", responseStatus={"code": 403}))
    assert (event["event.action"], event["event.outcome"]) == ("pods/exec-create", "failure")


def test_a_panic_is_kept() -> None:
    (event,) = read(audit(stage="Panic", responseStatus=None))
    assert event["event.outcome"] == "failure"


def test_what_has_no_stage_is_a_whole_request() -> None:
    bare = audit(auditID=None, stage=None, kind=None)
    (whole,), (event,) = read(audit()), read(bare)
    assert {name: whole[name] for name in whole.keys() - event.keys()} == {
        "http.request.id": audit()["auditID"],
        "kubernetes.audit.stage": "ResponseComplete",
    }


def test_what_has_no_time_has_that_of_the_event_before_it() -> None:
    undated = audit(requestReceivedTimestamp=None, stageTimestamp=None)
    events = read(undated, audit(), undated)
    assert [event["@timestamp"] for event in events] == [
        "1970-01-01T00:00:00.000000000Z",
        "2025-03-01T10:00:00.123456000Z",
        "2025-03-01T10:00:00.123456000Z",
    ]


def test_what_is_left_out_has_a_reason() -> None:
    normaliser = Normaliser(KubernetesAuditFormat(OPTIONS))
    lines = lines_of(audit(stage="RequestReceived"), execution(), execution(stage="ResponseComplete"), {"items": []})
    assert len(list(normaliser.run(records_of(lines, "file")))) == 1
    assert normaliser.tally.ignored == {
        "stage RequestReceived": 1,
        "end of a request that was reported at its start": 1,
        "empty list": 1,
    }


def test_one_bad_item_does_not_lose_the_others() -> None:
    first, bad, last = results_of(KubernetesAuditFormat(OPTIONS), {"kind": "EventList", "items": [audit(), 7, audit()]})
    assert isinstance(first, dict)
    assert isinstance(last, dict)
    assert str(bad) == "items[1]: not an audit event but int"


@pytest.mark.parametrize(
    "line",
    [
        b"I0101 not JSON",
        b'"text"',
        {"kind": "Pod"},
        audit(user={}),
        audit(verb=None),
        audit(stage="Later"),
        audit(requestReceivedTimestamp="soon"),
        {"message": "not JSON"},
    ],
)
def test_what_is_no_audit_event_is_a_dead_letter(line: bytes | Event) -> None:
    (result,) = results_of(KubernetesAuditFormat(OPTIONS), line)
    assert isinstance(result, Invalid)


def recorded() -> list[Event]:
    path = Path(RECORDINGS) / "kubernetes-audit" / "falco-tests.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is not there: recordings are not part of the repository")
    cases = [json.loads(line) for line in path.read_text().splitlines()]
    return [{"test": case["test"], "audit": event} for case in cases for event in case["events"]]


def of_test(name: str) -> Event:
    (event,) = read(*(item["audit"] for item in recorded() if item["test"] == name))
    return event


def test_every_recorded_event_is_read() -> None:
    results = results_of(KubernetesAuditFormat(OPTIONS), *(item["audit"] for item in recorded()))
    assert sum(isinstance(result, Invalid) for result in results) == 1, "one of them is no audit event"
    facts = [result["entity.id"] for result in results if isinstance(result, dict) and result["event.kind"] == "state"]
    assert facts == ["secret:prod/default/example-secret", "secret:prod/kube-system/bootstrap-token-ne7bxu"]
    assert len(results) == len(recorded()) + len(facts)


def test_recorded_settings_are_seen_in_any_container() -> None:
    second = of_test("create_privileged_no_secctx_1st_container_2nd_container_pod")
    assert second["container.settings.privileged"] is True
    assert second["container.settings.images"] == ["nginx", "mysql:latest"]
    assert of_test("create_sensitive_mount_2nd_container_pod")["container.settings.mounts"] == ["/etc:/host/etc:rw"]
    assert of_test("create_hostnetwork_pod")["container.settings.host_namespaces"] == ["network"]
    assert of_test("create_unprivileged_trusted_pod")["container.settings.privileged"] is False


def test_recorded_roles_and_targets_are_read() -> None:
    binding = of_test("create_clusterrolebinding")
    assert (binding["kubernetes.audit.role.name"], binding["kubernetes.audit.subjects"]) == (
        "system:basic-user",
        ["User:minikube"],
    )
    assert "get,list * core" in of_test("create_cluster_role_wildcard_resources")["kubernetes.audit.role.rules"]
    attach = of_test("pod_attach")
    assert (attach["event.action"], attach["orchestrator.resource.name"]) == ("pods/attach-create", "nginx-deployment")
