"""GKE's audit entries (``protoPayload`` of Cloud Audit Logs), translated into the API server's shape.

Shapes: https://cloud.google.com/kubernetes-engine/docs/how-to/audit-logging; status codes are those of ``google.rpc``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from producers.formats.resource import Resource, resource_of_path
from producers.formats.values import integer_of, items_of, object_of, text_of
from schemas.codec import Event
from schemas.errors import Drop, Invalid

__all__ = ["from_google"]

_PREFIX: Final = "io.k8s."
_STATUS: Final = MappingProxyType({0: 200, 3: 400, 5: 404, 6: 409, 7: 403, 8: 429, 16: 401})
_SERVER_ERROR: Final = 500
_NAMES: Final = ("principalEmail", "principalSubject", "authoritySelector")
_PROBES: Final = ("healthz", "livez", "readyz")


def from_google(entry: Event) -> Event:
    """Return the audit event of a log entry; raise ``Drop`` for entries that are not of the Kubernetes API."""
    payload = object_of(entry.get("protoPayload"))
    method = text_of(payload.get("methodName"))
    if method is None:
        raise Invalid("protoPayload without methodName")
    if text_of(payload.get("serviceName")) not in (None, "k8s.io"):
        raise Drop("another service of Google's")
    operation = object_of(entry.get("operation"))
    if operation.get("last") is True and operation.get("first") is not True:
        raise Drop("end of a request that was reported at its start")
    return (
        _request(payload, method)
        | _answer(payload, object_of(entry.get("labels")))
        | _actor(payload)
        | {
            "auditID": text_of(operation.get("id")) or text_of(entry.get("insertId")),
            "stage": "ResponseStarted"
            if operation.get("first") is True and "last" not in operation
            else "ResponseComplete",
            "requestReceivedTimestamp": entry.get("timestamp") or entry.get("receiveTimestamp"),
        }
    )


def _request(payload: Event, method: str) -> Event:
    *_, verb = method.split(".")
    path = text_of(payload.get("resourceName")) or ""
    probe = next((name for name in _PROBES if name in (verb, path.rpartition("/")[2])), None)
    if probe is not None:
        return {"verb": "get", "requestURI": f"/{probe}"}
    target = resource_of_path(path)
    if target is None:
        return {"verb": verb, "requestURI": f"/{path.lstrip('/')}"}
    return {
        "verb": verb,
        "objectRef": _reference(target, method),
        "requestURI": None,
        "requestObject": payload.get("request"),
        "responseObject": payload.get("response"),
    }


def _reference(target: Resource, method: str) -> Event:
    group, slash, version = target.api_version.rpartition("/")
    return {
        "apiGroup": group if slash else "",
        "apiVersion": version,
        "namespace": target.namespace,
        "resource": target.resource,
        "name": target.name,
        "subresource": target.subresource or _subresource(target, method),
    }


def _subresource(target: Resource, method: str) -> str:
    """Return ``exec`` of ``io.k8s.core.v1.pods.exec.create`` where the name of the resource lacks it."""
    *_, resource, subresource, _verb = ["", "", *method.removeprefix(_PREFIX).split(".")]
    return subresource if resource == target.resource else ""


def _answer(payload: Event, labels: Event) -> Event:
    status, answer = object_of(payload.get("status")), object_of(payload.get("response"))
    code = integer_of(status.get("code")) or 0
    authorizations = [object_of(item) for item in items_of(payload.get("authorizationInfo"))]
    refused = any(item.get("granted") is False for item in authorizations)
    annotations = dict(labels)
    if authorizations:
        annotations.setdefault("authorization.k8s.io/decision", "forbid" if refused else "allow")
    return {
        "responseStatus": {"code": _STATUS[7] if refused and not code else _http(code, answer)},
        "annotations": annotations,
    }


def _http(code: int, answer: Event) -> int:
    """Return the HTTP status of a code of ``google.rpc``; the API server's own answer may say that it failed all the same."""
    if code == 0 and answer.get("status") == "Failure":
        return integer_of(answer.get("code")) or _SERVER_ERROR
    return _STATUS.get(code, _SERVER_ERROR)


def _actor(payload: Event) -> dict[str, Any]:
    authentication = object_of(payload.get("authenticationInfo"))
    request = object_of(payload.get("requestMetadata"))
    return {
        "user": {"username": next(filter(None, (text_of(authentication.get(name)) for name in _NAMES)), None)},
        "sourceIPs": [request.get("callerIp") or request.get("callerIP")],
        "userAgent": request.get("callerSuppliedUserAgent"),
    }
