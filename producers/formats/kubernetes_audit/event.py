"""One audit event of the API server (audit.k8s.io, any version) to an event of ours.

Nothing of a request's or an answer's object gets into the event but the settings of pods, the grants of roles and a few
words on other objects (``objects.py``), so the contents of secrets and config maps never do.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qs

from producers.formats.kubernetes_audit.manifest import manifest_of
from producers.formats.kubernetes_audit.objects import object_of_write
from producers.formats.kubernetes_audit.pod import POD_RESOURCES, settings_of
from producers.formats.kubernetes_audit.rbac import RBAC_RESOURCES, access_of
from producers.formats.kubernetes_audit.secrets import secret_path
from producers.formats.resource import Resource, resource_of_path
from producers.formats.values import address_of, flag_of, integer_of, items_of, object_of, text_of, texts_of, time_of
from producers.formats.workload import stable_name
from schemas.codec import Event
from schemas.errors import Invalid
from schemas.facts import user_entity

__all__ = ["event_of"]

_TYPES: Final = MappingProxyType(
    dict.fromkeys(("get", "list", "watch"), "access")
    | {"create": "creation", "update": "change", "patch": "change"}
    | dict.fromkeys(("delete", "deletecollection"), "deletion")
)
_WRITES: Final = ("create", "update", "patch")
_STREAMS: Final = ("exec", "attach", "portforward")
_PATHS: Final = ("", "ephemeralcontainers")
"""Subresources of a pod whose requests carry the pod."""

_DECISIONS: Final = MappingProxyType({"allow": "success", "forbid": "failure"})
_DECISION: Final = "authorization.k8s.io/decision"
_REASON: Final = "authorization.k8s.io/reason"
_FIRST_ERROR: Final = 400


def event_of(audit: Event, cluster: str) -> Event:
    """Return the event of an audit event; raise ``Invalid`` naming what it lacks."""
    verb, user = text_of(audit.get("verb")), object_of(audit.get("user"))
    name = text_of(user.get("username"))
    if verb is None or name is None:
        raise Invalid(f"audit event without {'verb' if verb is None else 'user.username'}")
    path, _, query = (text_of(audit.get("requestURI")) or "").partition("?")
    target = _target(audit, path)
    return (
        {"entity.id": user_entity(cluster, name), "orchestrator.cluster.name": cluster or None}
        | _head(audit, verb, target)
        | _actor(audit, user)
        | _about(target, path)
        | ({"secret.path": secret_path(cluster, target.namespace, target.name)} if _is_secret(target) else {})
        | (_stream(audit, query) if target.subresource in _STREAMS else {})
        | (_content(audit, verb, target) if verb in _WRITES else {})
    )


def _head(audit: Event, verb: str, target: Resource) -> Event:
    what = "/".join(part for part in (target.resource, target.subresource) if part) or "nonresource"
    outcome = _outcome(audit)
    return {
        "@timestamp": time_of(*map(audit.get, ("requestReceivedTimestamp", "stageTimestamp", "timestamp"))),
        "http.request.id": text_of(audit.get("auditID")),
        "url.original": text_of(audit.get("requestURI")),
        "event.kind": "event",
        "event.module": "kubernetes",
        "event.dataset": "kubernetes.audit",
        "event.action": f"{what}-{verb}",
        "event.category": _categories(target),
        "event.type": [_TYPES.get(verb, "info"), *({"success": ["allowed"], "failure": ["denied"]}.get(outcome, []))],
        "event.outcome": outcome,
        "event.reason": _reason(audit),
        "kubernetes.audit.verb": verb,
        "kubernetes.audit.stage": text_of(audit.get("stage")),
        "http.response.status_code": integer_of(object_of(audit.get("responseStatus")).get("code")),
    }


def _categories(target: Resource) -> list[str]:
    if target.resource in RBAC_RESOURCES:
        return ["api", "iam"]
    return ["api", "process"] if target.subresource in _STREAMS[:2] else ["api"]


def _outcome(audit: Event) -> str:
    """Return what the platform decided: by the status of the answer, else by the authorizer's decision."""
    code = integer_of(object_of(audit.get("responseStatus")).get("code"))
    if text_of(audit.get("stage")) == "Panic":
        return "failure"
    if code is not None:
        return "failure" if code >= _FIRST_ERROR else "success"
    return _DECISIONS.get(text_of(object_of(audit.get("annotations")).get(_DECISION)) or "", "unknown")


def _reason(audit: Event) -> str | None:
    authorized = text_of(object_of(audit.get("annotations")).get(_REASON))
    return authorized or text_of(object_of(audit.get("responseStatus")).get("reason"))


def _actor(audit: Event, user: Event) -> Event:
    effective = object_of(audit.get("impersonatedUser"))
    return {
        "user.id": text_of(user.get("uid")),
        "user.name": text_of(user.get("username")),
        "user.roles": sorted(texts_of(user.get("groups"))),
        "user.effective.id": text_of(effective.get("uid")),
        "user.effective.name": text_of(effective.get("username")),
        "user.effective.roles": sorted(texts_of(effective.get("groups"))),
        "user_agent.original": text_of(audit.get("userAgent")),
        "source.ip": next(filter(None, map(address_of, items_of(audit.get("sourceIPs")))), None),
    }


def _target(audit: Event, path: str) -> Resource:
    """Return what the request is about; a created object may be named by the server alone."""
    reference = object_of(audit.get("objectRef"))
    if not reference:
        return resource_of_path(path) or Resource()
    group, version = text_of(reference.get("apiGroup")), text_of(reference.get("apiVersion"))
    return Resource(
        api_version="/".join(part for part in (group, version) if part),
        namespace=text_of(reference.get("namespace")) or "",
        resource=text_of(reference.get("resource")) or "",
        name=text_of(reference.get("name")) or _name_of_created(audit),
        subresource=text_of(reference.get("subresource")) or "",
    )


def _name_of_created(audit: Event) -> str:
    if audit.get("verb") != "create":
        return ""
    metadata = [object_of(object_of(audit.get(key)).get("metadata")) for key in ("responseObject", "requestObject")]
    names = [text_of(found.get(key)) for key in ("name", "generateName") for found in metadata]
    return next(filter(None, names), "")


def _about(target: Resource, path: str) -> Event:
    return {
        "url.path": None if target.resource else path or None,
        "orchestrator.type": "kubernetes",
        "orchestrator.namespace": target.namespace or None,
        "orchestrator.api_version": target.api_version or None,
        "orchestrator.resource.type": target.resource or None,
        "orchestrator.resource.name": stable_name(target.resource, target.name) if target.name else None,
        "orchestrator.resource.id": target.name or None,
        "kubernetes.audit.subresource": target.subresource or None,
    }


def _is_secret(target: Resource) -> bool:
    return target.resource == "secrets" and "/" not in target.api_version


def _stream(audit: Event, query: str) -> Event:
    """Return command, container and terminal of exec and attach: from the URI's repeated keys, or the options object."""
    asked: dict[str, Any] = dict(parse_qs(query))
    options = asked or object_of(audit.get("requestObject"))
    terminal = options.get("tty")
    return {
        "container.exec.command": " ".join(texts_of(options.get("command"))) or None,
        "kubernetes.audit.container": next(iter(texts_of(options.get("container"))), None),
        "process.interactive": flag_of(terminal[0] if isinstance(terminal, list) and terminal else terminal),
    }


def _content(audit: Event, verb: str, target: Resource) -> Event:
    """Return what the object of a write says: of pods, of roles, and of other objects that a check asks for."""
    manifest, whole = manifest_of(verb, audit.get("requestObject"), audit.get("responseObject"))
    found = object_of_write(target, manifest, object_of(audit.get("responseObject")), whole=whole)
    if target.resource in POD_RESOURCES and target.subresource in _PATHS:
        return found | settings_of(target.resource, manifest, whole=whole)
    if target.resource in RBAC_RESOURCES and not target.subresource:
        return found | access_of(target.resource, manifest)
    return found
