from __future__ import annotations

import pytest

from producers.formats.kubernetes_audit import KubernetesAuditFormat
from producers.types import FormatOptions
from schemas.codec import Event
from tests.producers.formats.kubernetes_audit.samples import creation
from tests.producers.formats.reading import events_of


def read(resource: str, manifest: Event) -> Event:
    (event,) = events_of(KubernetesAuditFormat(FormatOptions()), creation(resource, manifest))
    return event


@pytest.mark.parametrize("resource", ["rolebindings", "clusterrolebindings"])
def test_a_binding_says_what_it_grants_to_whom(resource: str) -> None:
    subjects = [{"kind": "User", "name": "bob"}, {"kind": "ServiceAccount", "namespace": "shop", "name": "default"}, 7]
    event = read(resource, {"roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}, "subjects": subjects})
    assert event["kubernetes.audit.role.name"] == "cluster-admin"
    assert event["kubernetes.audit.subjects"] == [":", "ServiceAccount:shop/default", "User:bob"]
    assert event["event.category"] == ["api", "iam"]


@pytest.mark.parametrize("resource", ["roles", "clusterroles"])
def test_a_role_says_what_it_allows(resource: str) -> None:
    rules = [
        {"verbs": ["list", "get"], "resources": ["secrets"], "apiGroups": [""]},
        {"verbs": ["*"], "resources": ["*"], "apiGroups": ["*"]},
        {"verbs": ["get"], "nonResourceURLs": ["/metrics"]},
    ]
    rules_said = read(resource, {"rules": rules})["kubernetes.audit.role.rules"]
    assert rules_said == ["* * *", "get /metrics -", "get,list secrets core"]
