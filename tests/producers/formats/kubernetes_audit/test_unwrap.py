from __future__ import annotations

import json
from typing import Any

import pytest

from producers.formats.kubernetes_audit import KubernetesAuditFormat
from producers.types import FormatOptions
from schemas.codec import Event
from tests.producers.formats.kubernetes_audit.samples import audit, execution
from tests.producers.formats.reading import events_of, results_of

PLAIN = events_of(KubernetesAuditFormat(FormatOptions(cluster="c")), audit())[0]


def read(value: Any, cluster: str = "c") -> list[Event]:
    return events_of(KubernetesAuditFormat(FormatOptions(cluster=cluster)), value)


@pytest.mark.parametrize(
    "wrapped",
    [
        [audit()],
        {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [audit()]},
        {"timestamp": 1, "message": json.dumps(audit())},
        {"logEvents": [{"id": "1", "timestamp": 1, "message": json.dumps(audit())}]},
        {"category": "kube-audit", "properties": {"log": json.dumps(audit()) + "\n", "stream": "stdout"}},
        {"records": [{"category": "kube-audit-admin", "properties": {"log": json.dumps(audit())}}]},
        {"@timestamp": "2025-03-01T10:00:01Z", "message": "", "kubernetes": {"audit": audit()}},
        {"time": 1740823200.5, "sourcetype": "kube:audit", "event": audit()},
        {"_index": "audit", "_source": {"log": json.dumps(audit())}},
        {"preview": False, "result": {"_raw": json.dumps(audit())}},
    ],
)
def test_every_wrapping_gives_the_same_event(wrapped: Any) -> None:
    assert read(wrapped) == [PLAIN]


def google(**changes: Any) -> Event:
    payload = {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "serviceName": "k8s.io",
        "methodName": "io.k8s.core.v1.pods.exec.create",
        "resourceName": "core/v1/namespaces/shop/pods/web-7998647bdf-phvq7/exec",
        "authenticationInfo": {"principalEmail": "alice@example.org"},
        "authorizationInfo": [{"granted": True, "permission": "io.k8s.core.v1.pods.exec.create"}],
        "requestMetadata": {"callerIp": "192.0.2.7", "callerSuppliedUserAgent": "kubectl/v1.31.4"},
        "request": {
            "@type": "core.k8s.io/v1.PodExecOptions",
            "command": ["sh", "-c", "id"],
            "container": "app",
            "tty": True,
        },
    }
    return {
        "insertId": "a1",
        "timestamp": "2025-03-01T10:00:00.123456Z",
        "resource": {"type": "k8s_cluster", "labels": {"cluster_name": "prod", "location": "x"}},
        "labels": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "RBAC: because"},
        "operation": {"id": "op-1", "first": True, "producer": "k8s.io"},
        "protoPayload": payload | changes,
    }


def test_googles_words_are_translated() -> None:
    (event,) = read(google(), cluster="")
    expected = read(execution(), cluster="prod")[0]
    differing = {name for name in event.keys() | expected.keys() if event.get(name) != expected.get(name)}
    assert differing == {
        "entity.id",
        "user.name",
        "user.id",
        "user.roles",
        "http.request.id",
        "url.original",
        "http.response.status_code",
    }
    assert event["entity.id"] == "user:prod/alice@example.org"


def test_googles_refusals_are_failures() -> None:
    assert read(google(status={"code": 7, "message": "Forbidden"}))[0]["http.response.status_code"] == 403
    assert read(google(authorizationInfo=[{"granted": False}]))[0]["event.outcome"] == "failure"
    assert read(google(status={"code": 10}))[0]["event.outcome"] == "failure"
    assert read(google(response={"status": "Failure"}))[0]["event.outcome"] == "failure"
    assert read(google(response={"status": "Failure", "code": 409}))[0]["http.response.status_code"] == 409


def test_googles_pods_have_settings() -> None:
    pod = {"@type": "core.k8s.io/v1.Pod", "spec": {"containers": [{"securityContext": {"privileged": True}}]}}
    method, name = "io.k8s.core.v1.pods.create", "core/v1/namespaces/shop/pods/web"
    (event,) = read(google(methodName=method, resourceName=name, request=pod))
    assert (event["event.action"], event["container.settings.privileged"]) == ("pods-create", True)


def test_googles_end_of_an_operation_is_left_out() -> None:
    assert (
        results_of(KubernetesAuditFormat(FormatOptions()), google() | {"operation": {"id": "op-1", "last": True}}) == []
    )


@pytest.mark.parametrize(
    ("wrapped", "cluster"),
    [
        ({"logGroup": "/aws/eks/prod-1/cluster", "logEvents": [{"message": json.dumps(audit())}]}, "prod-1"),
        ({"resourceId": "/X/MANAGEDCLUSTERS/PROD-2", "properties": {"log": json.dumps(audit())}}, "prod-2"),
        (audit(), ""),
    ],
)
def test_the_wrapping_names_the_cluster_where_no_option_does(wrapped: Any, cluster: str) -> None:
    assert read(wrapped, cluster="")[0]["entity.id"] == f"user:{cluster}/alice"
    assert read(wrapped, cluster="mine")[0]["entity.id"] == "user:mine/alice"


@pytest.mark.parametrize(
    "other",
    [
        {"messageType": "CONTROL_MESSAGE", "message": "CWL CONTROL MESSAGE: Checking health"},
        {"logStream": "kube-apiserver-123", "message": "I0101 10:00:00 trace.go"},
        {"category": "kube-scheduler", "properties": {"log": "I0101 10:00:00"}},
        google(serviceName="container.googleapis.com"),
    ],
)
def test_other_logs_of_the_cluster_are_ignored(other: Any) -> None:
    assert results_of(KubernetesAuditFormat(FormatOptions()), other) == []


def test_endless_wrapping_is_a_dead_letter() -> None:
    value: Any = audit()
    for _ in range(200):
        value = [value]
    (result,) = results_of(KubernetesAuditFormat(FormatOptions()), value)
    assert "wrapped more than" in str(result)


@pytest.mark.parametrize(
    ("wrapped", "time"),
    [
        ({"timestamp": 1740823200123, "message": "EVENT"}, "2025-03-01T10:00:00.123000000Z"),
        ({"time": "2025-03-01T10:00:00Z", "properties": {"log": "EVENT"}}, "2025-03-01T10:00:00.000000000Z"),
        ({"time": "soon", "properties": {"log": "EVENT"}}, "1970-01-01T00:00:00.000000000Z"),
    ],
)
def test_an_event_without_a_time_has_that_of_its_wrapping(wrapped: Event, time: str) -> None:
    undated = json.dumps(json.dumps(audit(requestReceivedTimestamp=None, stageTimestamp=None)))
    (event,) = read(json.loads(json.dumps(wrapped).replace('"EVENT"', undated)))
    assert event["@timestamp"] == time


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"methodName": "io.k8s.readyz", "resourceName": None}, "/readyz"),
        ({"methodName": "io.k8s.get", "resourceName": "livez"}, "/livez"),
        ({"methodName": "io.k8s.core.v1.healthz.get", "resourceName": "core/v1/healthz"}, "/healthz"),
    ],
)
def test_a_probe_at_google_is_no_resource(changes: Event, path: str) -> None:
    (event,) = read(google(request=None, **changes))
    assert (event["kubernetes.audit.verb"], event["url.path"]) == ("get", path)
    assert "orchestrator.resource.type" not in event


def test_google_names_who_asks_in_several_places() -> None:
    nobody = {
        "authenticationInfo": {"authoritySelector": "system:anonymous"},
        "requestMetadata": {"callerIP": "192.0.2.9"},
    }
    (event,) = read(google(**nobody))
    assert (event["user.name"], event["source.ip"]) == ("system:anonymous", "192.0.2.9")


def test_elastic_writes_annotations_without_dots() -> None:
    said = {"authorization_k8s_io/decision": "forbid", "authorization_k8s_io/reason": "no"}
    (event,) = read({"kubernetes": {"audit": audit(responseStatus=None, annotations=said)}})
    assert (event["event.outcome"], event["event.reason"]) == ("failure", "no")
