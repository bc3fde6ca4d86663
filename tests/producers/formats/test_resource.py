from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.formats.resource import Resource, resource_of_path


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/api/v1/namespaces/shop/pods/web/exec", Resource("v1", "shop", "pods", "web", "exec")),
        ("/api/v1/namespaces", Resource("v1", "", "namespaces")),
        ("/api/v1/namespaces/shop", Resource("v1", "shop", "namespaces", "shop")),
        ("/api/v1/namespaces/shop/finalize", Resource("v1", "shop", "namespaces", "shop", "finalize")),
        ("/api/v1/watch/namespaces/shop/pods", Resource("v1", "shop", "pods")),
        ("/apis/apps/v1/namespaces/shop/deployments/web", Resource("apps/v1", "shop", "deployments", "web")),
        ("core/v1/namespaces/shop/pods/web/exec", Resource("v1", "shop", "pods", "web", "exec")),
        (
            "rbac.authorization.k8s.io/v1/clusterroles/x",
            Resource("rbac.authorization.k8s.io/v1", "", "clusterroles", "x"),
        ),
        ("/readyz", None),
        ("/api", None),
        ("/apis/apps/v1", None),
        ("", None),
    ],
)
def test_a_path_names_its_resource(path: str, resource: Resource | None) -> None:
    assert resource_of_path(path) == resource


@given(st.text("/apisvwtch.", max_size=40))
def test_any_path_can_be_read(path: str) -> None:
    resource = resource_of_path(path)
    assert resource is None or resource.resource
