"""Audit events in the API server's shape, made up for the tests."""

from __future__ import annotations

from typing import Any

from schemas.codec import Event


def audit(**changes: Any) -> Event:
    """Return an audit event of reading a secret; a change to None leaves a field out."""
    whole = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": "00000000-0000-4000-8000-000000000001",
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/shop/secrets/payment",
        "verb": "get",
        "user": {"username": "alice", "uid": "17", "groups": ["team", "system:authenticated"]},
        "sourceIPs": ["192.0.2.7", "10.0.0.1"],
        "userAgent": "kubectl/v1.31.4",
        "objectRef": {"resource": "secrets", "namespace": "shop", "name": "payment", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "responseObject": {"kind": "Secret", "data": {"password": "aHVudGVyMg=="}},
        "requestReceivedTimestamp": "2025-03-01T10:00:00.123456Z",
        "stageTimestamp": "2025-03-01T10:00:00.223456Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "RBAC: because"},
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def execution(**changes: Any) -> Event:
    """Return the audit event of ``kubectl exec -it web-… -c app -- sh -c id``."""
    name = "web-7998647bdf-phvq7"
    path = f"/api/v1/namespaces/shop/pods/{name}/exec"
    return audit(
        **{
            "stage": "ResponseStarted",
            "verb": "create",
            "requestURI": f"{path}?command=sh&command=-c&command=id&container=app&stdin=true&tty=true",
            "objectRef": {
                "resource": "pods",
                "namespace": "shop",
                "name": name,
                "apiVersion": "v1",
                "subresource": "exec",
            },
            "responseStatus": {"code": 101},
            "responseObject": None,
        }
        | changes
    )


def creation(resource: str, manifest: Any, **changes: Any) -> Event:
    """Return the audit event of creating an object."""
    reference = {"resource": resource, "namespace": "shop", "name": "web", "apiVersion": "v1"}
    asked = {"verb": "create", "objectRef": reference, "requestObject": manifest, "responseObject": None}
    return audit(**asked | {"responseStatus": {"code": 201}} | changes)
