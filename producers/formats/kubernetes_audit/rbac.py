"""Roles and bindings as an audit event shows them."""

from __future__ import annotations

from typing import Any, Final

from producers.formats.values import items_of, object_of, text_of, texts_of
from schemas.codec import Event

__all__ = ["RBAC_RESOURCES", "access_of"]

_BINDINGS: Final = ("rolebindings", "clusterrolebindings")
_ROLES: Final = ("roles", "clusterroles")
RBAC_RESOURCES: Final = frozenset(_BINDINGS + _ROLES)


def access_of(resource: str, manifest: Event) -> Event:
    """Return what a binding grants to whom, or what a role allows."""
    if resource in _BINDINGS:
        return {
            "kubernetes.audit.role.name": text_of(object_of(manifest.get("roleRef")).get("name")),
            "kubernetes.audit.subjects": sorted(_subject(item) for item in items_of(manifest.get("subjects"))),
        }
    if resource in _ROLES:
        return {"kubernetes.audit.role.rules": sorted(_rule(item) for item in items_of(manifest.get("rules")))}
    return {}


def _subject(item: Any) -> str:
    """Return ``ServiceAccount:shop/default`` or ``User:alice``."""
    subject = object_of(item)
    kind, namespace, name = (text_of(subject.get(key)) or "" for key in ("kind", "namespace", "name"))
    return f"{kind}:{namespace}/{name}" if namespace else f"{kind}:{name}"


def _rule(item: Any) -> str:
    """Return ``get,list pods,secrets core``: verbs, resources or paths, groups; ``-`` where there are none."""
    rule = object_of(item)
    what = texts_of(rule.get("resources")) + texts_of(rule.get("nonResourceURLs"))
    groups = [group or "core" for group in items_of(rule.get("apiGroups")) if isinstance(group, str)]
    return " ".join(",".join(sorted(part)) or "-" for part in (texts_of(rule.get("verbs")), what, groups))
