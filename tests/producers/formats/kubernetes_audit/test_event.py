from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.formats.kubernetes_audit import KubernetesAuditFormat
from producers.types import FormatOptions
from schemas.codec import Event, dumps
from tests.producers.formats.kubernetes_audit.samples import audit, creation, execution
from tests.producers.formats.reading import events_of, results_of


def read(value: Event) -> Event:
    (event,) = events_of(KubernetesAuditFormat(FormatOptions(cluster="prod")), value)
    return event


def test_reads_a_request_for_a_secret() -> None:
    assert read(audit()) == {
        "event.id": "try:0000:000000000001",
        "@timestamp": "2025-03-01T10:00:00.123456000Z",
        "entity.id": "user:prod/alice",
        "http.request.id": "00000000-0000-4000-8000-000000000001",
        "url.original": "/api/v1/namespaces/shop/secrets/payment",
        "orchestrator.resource.id": "payment",
        "ecs.version": "9.1.0",
        "event.action": "secrets-get",
        "event.category": ["api"],
        "event.dataset": "kubernetes.audit",
        "event.kind": "event",
        "event.module": "kubernetes",
        "event.outcome": "success",
        "event.reason": "RBAC: because",
        "event.type": ["access", "allowed"],
        "http.response.status_code": 200,
        "kubernetes.audit.stage": "ResponseComplete",
        "kubernetes.audit.verb": "get",
        "orchestrator.api_version": "v1",
        "orchestrator.cluster.name": "prod",
        "orchestrator.namespace": "shop",
        "orchestrator.resource.name": "payment",
        "orchestrator.resource.type": "secrets",
        "orchestrator.type": "kubernetes",
        "secret.path": "prod/shop/payment",
        "source.ip": "192.0.2.7",
        "user.id": "17",
        "user.name": "alice",
        "user.roles": ["system:authenticated", "team"],
        "user_agent.original": "kubectl/v1.31.4",
    }


@pytest.mark.parametrize("verb", ["create", "get"])
def test_reads_an_exec_with_its_command(verb: str) -> None:
    event = read(execution(verb=verb))
    assert event["event.action"] == f"pods/exec-{verb}"
    assert event["container.exec.command"] == "sh -c id"
    assert event["kubernetes.audit.container"] == "app"
    assert event["process.interactive"] is True
    assert (event["orchestrator.resource.name"], event["orchestrator.resource.id"]) == ("web", "web-7998647bdf-phvq7")
    assert event["event.category"] == ["api", "process"]


def test_a_command_may_need_decoding() -> None:
    path = "/api/v1/namespaces/shop/pods/web-0/exec?command=sh&command=-c&command=cat+%2Fetc%2Fshadow%3B+id"
    assert read(execution(requestURI=path))["container.exec.command"] == "sh -c cat /etc/shadow; id"


def test_the_impersonated_user_stands_beside_who_acts() -> None:
    event = read(audit(impersonatedUser={"username": "root", "groups": ["system:masters"]}))
    assert (event["entity.id"], event["user.name"]) == ("user:prod/alice", "alice")
    assert (event["user.effective.name"], event["user.effective.roles"]) == ("root", ["system:masters"])


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"responseStatus": {"code": 403}}, "failure"),
        ({"responseStatus": {"code": "404"}}, "failure"),
        ({"responseStatus": {"code": 101}}, "success"),
        ({"responseStatus": None}, "success"),
        ({"responseStatus": None, "annotations": {"authorization.k8s.io/decision": "forbid"}}, "failure"),
        ({"responseStatus": None, "annotations": None}, "unknown"),
    ],
)
def test_the_outcome_is_the_platforms(changes: dict[str, Any], outcome: str) -> None:
    assert read(audit(**changes))["event.outcome"] == outcome


def test_a_request_may_be_about_no_resource() -> None:
    event = read(audit(objectRef=None, requestURI="/readyz?verbose", user={"username": "system:anonymous"}))
    assert (event["event.action"], event["url.path"]) == ("nonresource-get", "/readyz")


def test_a_missing_reference_is_read_from_the_path() -> None:
    event = read(audit(objectRef=None, requestURI="/apis/apps/v1/namespaces/shop/deployments/web"))
    assert (event["event.action"], event["orchestrator.api_version"]) == ("deployments-get", "apps/v1")


def test_a_created_pod_has_the_name_that_the_server_gave() -> None:
    reference = {"resource": "pods", "namespace": "shop", "apiVersion": "v1"}
    asked = {"metadata": {"generateName": "web-7998647bdf-"}, "spec": {}}
    event = read(creation("pods", asked, objectRef=reference))
    assert (event["orchestrator.resource.id"], event["orchestrator.resource.name"]) == ("web-7998647bdf-", "web")
    answered = {"kind": "Pod", "metadata": {"name": "web-7998647bdf-phvq7"}}
    assert read(creation("pods", asked, objectRef=reference, responseObject=answered))[
        "orchestrator.resource.id"
    ].endswith("q7")


def test_old_events_have_another_time() -> None:
    event = read(audit(requestReceivedTimestamp=None, stageTimestamp=None, timestamp="2018-10-26T13:38:34Z"))
    assert event["@timestamp"] == "2018-10-26T13:38:34.000000000Z"


@pytest.mark.parametrize("resource", ["secrets", "configmaps", "serviceaccounts", "pods", "deployments"])
def test_contents_of_secrets_never_get_into_an_event(resource: str) -> None:
    hidden = "aHVudGVyMg=="
    manifest = {
        "kind": "Secret",
        "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": hidden}},
        "data": {"password": hidden},
        "stringData": {"password": hidden},
        "spec": {"containers": [{"name": "a", "env": [{"name": "PASSWORD", "value": hidden}]}]},
    }
    told = events_of(KubernetesAuditFormat(FormatOptions()), creation(resource, manifest, responseObject=manifest))
    assert hidden.encode() not in dumps(told)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(audit())), values)
def test_any_value_of_any_key_gives_a_valid_event_or_a_dead_letter(key: str, value: Any) -> None:
    results_of(KubernetesAuditFormat(FormatOptions()), {**audit(), key: value})


@given(st.sampled_from(["user", "objectRef", "responseStatus", "impersonatedUser", "annotations"]), st.data())
def test_any_value_of_any_inner_key_gives_a_valid_event_or_a_dead_letter(key: str, data: st.DataObject) -> None:
    whole = audit(impersonatedUser={"username": "root", "groups": ["x"], "uid": "1"})
    inner = data.draw(st.sampled_from(sorted(whole[key])))
    results_of(KubernetesAuditFormat(FormatOptions()), {**whole, key: {**whole[key], inner: data.draw(values)}})
