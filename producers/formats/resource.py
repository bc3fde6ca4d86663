"""What a request to the Kubernetes API is about, read from its path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["Resource", "resource_of_path"]

_OF_NAMESPACES: Final = ("status", "finalize")


@dataclass(frozen=True, slots=True)
class Resource:
    """Group and version (``apps/v1``; ``v1`` for the core), namespace, resource, name, subresource; empty where absent."""

    api_version: str = ""
    namespace: str = ""
    resource: str = ""
    name: str = ""
    subresource: str = ""


def resource_of_path(path: str) -> Resource | None:
    """Return what ``/api/v1/…``, ``/apis/GROUP/VERSION/…`` or Google's ``GROUP/VERSION/…`` names; None for other paths.

    Shapes: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
    """
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"]:
        parts = ["core", *parts[1:]]
    elif parts[:1] == ["apis"]:
        parts = parts[1:]
    elif path.startswith("/"):
        return None
    group, version, *rest = [*parts, "", ""] if len(parts) < 2 else parts  # noqa: PLR2004 - group and version
    rest = rest[1:] if rest[:1] == ["watch"] else rest
    rest = [part for part in rest if part]
    return _resource(version if group == "core" else f"{group}/{version}", rest) if rest else None


def _resource(api_version: str, parts: list[str]) -> Resource:
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 1:
        namespace = parts[1]
        if len(parts) > 2 and parts[2] not in _OF_NAMESPACES:  # noqa: PLR2004 - something within the namespace
            parts = parts[2:]
    resource, name, subresource, *_ = [*parts, "", ""]
    return Resource(api_version, namespace, resource, name, subresource)
