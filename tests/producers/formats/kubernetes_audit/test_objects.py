from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.formats.kubernetes_audit import KubernetesAuditFormat
from producers.types import FormatOptions
from schemas.codec import Event
from tests.producers.formats.kubernetes_audit.samples import creation
from tests.producers.formats.kubernetes_audit.test_event import values
from tests.producers.formats.reading import events_of, results_of


def written(resource: str, manifest: Event, *, group: str = "", subresource: str = "", **changes: Any) -> Event:
    """Return the ``kubernetes.audit.*`` fields of a write, without those that every request has."""
    reference = {"resource": resource, "namespace": "shop", "name": "web", "apiVersion": "v1", "apiGroup": group}
    reference |= {"subresource": subresource} if subresource else {}
    whole = creation(resource, manifest, objectRef=reference, **changes)
    *_, event = events_of(KubernetesAuditFormat(FormatOptions(cluster="prod")), whole)
    told = {
        name.removeprefix("kubernetes.audit."): value for name, value in event.items() if "kubernetes.audit" in name
    }
    return {name: value for name, value in told.items() if name not in ("verb", "stage", "subresource")}


@pytest.mark.parametrize("kind", ["ClusterIP", "NodePort", "LoadBalancer"])
def test_a_service_has_a_type(kind: str) -> None:
    assert written("services", {"spec": {"type": kind}}) == {"service.type": kind}


def test_a_service_may_take_addresses() -> None:
    asked = {"spec": {"externalIPs": ["192.0.2.9", "192.0.2.1", "nonsense", 7]}}
    assert written("services", asked) == {"service.external_ips": ["192.0.2.1", "192.0.2.9"]}


def test_the_answer_tells_the_address_that_a_new_service_was_given() -> None:
    asked = {"spec": {"selector": {"tier": "front", "app": "web"}}}
    given = {"kind": "Service", "spec": {"clusterIP": "10.0.0.7", "clusterIPs": ["10.0.0.7", "fd00::7"]}}
    told = {"service.addresses": ["10.0.0.7", "fd00::7"], "service.selector": ["app=web", "tier=front"]}
    assert written("services", asked, responseObject=given) == told


def test_a_service_without_an_address_of_its_own_has_none() -> None:
    given = {"kind": "Service", "spec": {"clusterIP": "None", "clusterIPs": ["None"]}}
    assert written("services", {"spec": {"type": "ClusterIP", "clusterIP": "None"}}, responseObject=given) == {
        "service.type": "ClusterIP"
    }


def test_others_have_services_too() -> None:
    assert written("services", {"spec": {"type": "NodePort"}}, group="serving.knative.dev") == {}


@pytest.mark.parametrize("group", ["networking.k8s.io", "extensions", ""])
@pytest.mark.parametrize(("spec", "tls"), [({}, False), ({"tls": []}, False), ({"tls": [{"hosts": ["a"]}]}, True)])
def test_an_ingress_has_certificates_or_not(group: str, spec: Event, *, tls: bool) -> None:
    assert written("ingresses", {"spec": spec}, group=group) == {"ingress.tls": tls}


def test_a_patch_that_says_nothing_of_certificates_tells_nothing_of_them() -> None:
    assert written("ingresses", {"metadata": {"labels": {"a": "b"}}}, group="networking.k8s.io", verb="patch") == {}
    assert written("ingresses", {"spec": {"tls": [{}]}}, group="networking.k8s.io", verb="patch") == {
        "ingress.tls": True
    }


def test_a_certificate_is_requested_of_a_signer() -> None:
    asked = {
        "spec": {
            "request": "LS0t",
            "signerName": "kubernetes.io/kube-apiserver-client",
            "usages": ["client auth", "any"],
            "expirationSeconds": 31536000,
        }
    }
    assert written("certificatesigningrequests", asked, group="certificates.k8s.io") == {
        "certificate.signer": "kubernetes.io/kube-apiserver-client",
        "certificate.usages": ["any", "client auth"],
        "expiration": 31536000,
    }


@pytest.mark.parametrize("group", ["certificates.k8s.io", ""])
def test_a_copy_of_a_log_may_lack_the_group(group: str) -> None:
    asked = {"spec": {"signerName": "kubernetes.io/kube-apiserver-client"}}
    found = written("certificatesigningrequests", asked, group=group)
    assert found["certificate.signer"] == "kubernetes.io/kube-apiserver-client"


def test_a_token_is_requested_for_a_time_and_for_someone() -> None:
    asked = {"spec": {"audiences": ["https://vault"], "expirationSeconds": 3607, "boundObjectRef": {"kind": "Pod"}}}
    assert written("serviceaccounts", asked, subresource="token") == {
        "token.audiences": ["https://vault"],
        "token.bound": "Pod",
        "expiration": 3607,
    }
    assert written("serviceaccounts", asked) == {}


@pytest.mark.parametrize("resource", ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"])
def test_webhooks_have_targets(resource: str) -> None:
    asked = {
        "webhooks": [
            {"name": "a.example", "failurePolicy": "Ignore", "clientConfig": {"url": "https://evil.example/x?token=1"}},
            {"name": "b.example", "clientConfig": {"service": {"namespace": "shop", "name": "hook"}}},
            7,
        ]
    }
    assert written(resource, asked, group="admissionregistration.k8s.io") == {
        "webhooks": ["a.example Ignore https://evil.example/x", "b.example - shop/hook", "- - -"]
    }


def test_a_secret_has_a_type() -> None:
    asked = {"type": "kubernetes.io/service-account-token", "data": {"token": "aHVudGVyMg=="}}
    assert written("secrets", asked) == {"secret.type": "kubernetes.io/service-account-token"}


def test_a_config_map_may_hold_credentials() -> None:
    asked = {"data": {"access.properties": "aws_access_key_id = MY-ID\n", "ui": "color=red", "password": "x", "n": 1}}
    assert written("configmaps", asked) == {
        "configmap.secrets": ["access.properties aws-access-key-id", "password password"]
    }
    assert written("configmaps", {"data": {"ui": "color=red"}}) == {}


def test_a_patch_of_a_config_map_is_read_as_well() -> None:
    patch = [{"op": "add", "path": "/data/app.yaml", "value": "password: hunter2"}]
    assert written("configmaps", patch, verb="patch") == {"configmap.secrets": ["app.yaml password"]}  # type: ignore[arg-type]  # a JSON patch is a list


def test_labels_are_those_of_the_workload() -> None:
    asked = {
        "metadata": {"labels": {"app": "web", "pod-template-hash": "abc"}},
        "spec": {"template": {"metadata": {"labels": {"data": "personal", "job-name": "x"}}}},
    }
    assert written("deployments", asked, group="apps")["labels"] == ["app=web", "data=personal"]
    assert "labels" not in written("deployments", asked, group="apps", verb="patch")


def test_labels_of_one_run_are_not_told() -> None:
    labels = {"workflow": "etl-x7k2p", "of": "web-7998647bdf", "app": "web-2", "tier": "gold"}
    assert written("pods", {"metadata": {"labels": labels}})["labels"] == ["app=web-2", "tier=gold"]


def test_a_label_decides_what_the_pods_of_a_namespace_may_be() -> None:
    asked = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}
    assert written("namespaces", asked, verb="patch") == {"labels": ["pod-security.kubernetes.io/enforce=privileged"]}


@given(
    st.sampled_from(["services", "ingresses", "configmaps", "secrets", "certificatesigningrequests", "namespaces"]),
    st.sampled_from(["spec", "data", "metadata", "webhooks", "type"]),
    values,
)
def test_any_object_gives_a_valid_event(resource: str, key: str, value: Any) -> None:
    results_of(KubernetesAuditFormat(FormatOptions()), creation(resource, {key: value}))
