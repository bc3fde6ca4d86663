"""Notifications of a container registry (CNCF Distribution, "Docker Registry", and those that are built on it).

The registry posts them; a collector takes them as a push (``tidewaiter collect registry --listen 0.0.0.0:8443``). In the
registry's configuration::

    notifications:
      events: {includereferences: true}
      endpoints:
        - {name: tidewaiter, url: "https://collector:8443/", headers: {Authorization: ["Bearer TOKEN"]}, timeout: 5s, threshold: 5, backoff: 10s}

Input, ``application/vnd.docker.distribution.events.v2+json``, in any layout::

    {"events": [{"action": "push", "timestamp": "2026-11-27T03:52:20.3Z", "target": {"mediaType": "application/vnd.oci.image.manifest.v1+json",
      "digest": "sha256:2430…", "repository": "shop/web", "tag": "1.0", "references": [{"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:37c4…"}]},
      "request": {"addr": "192.0.2.7:54336", "host": "registry.example", "method": "PUT", "useragent": "skopeo/1.9.3"}, "actor": {"name": "ci"}}]}

Output: what is known of the image, then what was done::

    {"entity.id": "image:sha256:2430…", "event.action": "facts", "container.image.registries": ["registry.example/shop/web"],
     "container.image.id": "sha256:37c4…", "container.image.hash.all": ["sha256:2430…"], …}
    {"entity.id": "user:registry.example/ci", "event.action": "image-push", "container.settings.images": ["registry.example/shop/web:1.0"], …}

A notification names an image by the digest of its manifest; which configuration (image id) that has is known only with
``includereferences: true``. Each repository says for itself that it has an image: ``facts.source`` is the repository. Layers
are left out but where one is mounted from another repository. A registry keeps notifications in memory: what it could not
deliver before it ended is lost, and nothing tells of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, Final

from producers.formats.documents import DocumentFormat
from producers.formats.scan import digest_of
from producers.formats.values import endpoint_address_of, items_of, object_of, text_of, time_of
from producers.types import FormatOptions, Result
from schemas.codec import Event
from schemas.errors import Drop, Invalid
from schemas.facts import FACTS_ACTION, host_entity, user_entity

__all__ = ["registry_format"]

_TYPES: Final = MappingProxyType({"push": "creation", "pull": "access", "mount": "creation", "delete": "deletion"})
_CONFIGURATIONS: Final = frozenset(
    {"application/vnd.docker.container.image.v1+json", "application/vnd.oci.image.config.v1+json"}
)
_MANIFESTS: Final = (".manifest.", ".index.", ".manifest+", ".artifact.")
"""Parts of the media types of manifests, and of the lists of them for several platforms."""

_SENSOR: Final = MappingProxyType({"event.module": "registry"})


def registry_format(options: FormatOptions) -> DocumentFormat:
    """Return the format. At least once: a registry sends a notification again that was not answered."""

    def read(document: Any) -> Iterator[Result]:
        notification = object_of(document)
        events = notification.get("events", [notification] if "action" in notification else None)
        if not isinstance(events, list):
            raise Invalid("not a notification of a registry: no events")
        for event in events:
            try:
                yield from _events(object_of(event), options.host)
            except (Drop, Invalid) as reason:
                yield reason

    return DocumentFormat(read)


def _events(notification: Event, otherwise: str) -> list[Event]:
    action, target = text_of(notification.get("action")), object_of(notification.get("target"))
    repository = text_of(target.get("repository"))
    if action is None or action not in _TYPES:
        raise Invalid(f"unknown action {str(action)[:32]!r}")
    if repository is None:
        raise Invalid("no target.repository")
    media_type = text_of(target.get("mediaType")) or ""
    is_image = action == "delete" or any(part in media_type for part in _MANIFESTS)
    if not is_image and action != "mount":
        raise Drop("layer or configuration of an image")
    registry = _registry(notification) or otherwise or "unknown"
    place = f"{registry}/{repository}"
    activity = _head(notification) | _activity(notification, registry, action, _reference(place, target))
    facts = _facts(notification, place, action) if is_image else None
    return [activity] if facts is None else [facts, activity]


def _registry(notification: Event) -> str | None:
    """Return the name by which the registry was asked, as in references of images."""
    asked = text_of(object_of(notification.get("request")).get("host"))
    return asked or text_of(object_of(notification.get("source")).get("addr"))


def _reference(place: str, target: Event) -> str:
    tag, digest = text_of(target.get("tag")), text_of(target.get("digest"))
    return f"{place}:{tag}" if tag else f"{place}@{digest}" if digest else place


def _head(notification: Event) -> Event:
    return {"@timestamp": time_of(notification.get("timestamp"))} | dict(_SENSOR)


def _activity(notification: Event, registry: str, action: str, reference: str) -> Event:
    request, actor = object_of(notification.get("request")), text_of(object_of(notification.get("actor")).get("name"))
    return {
        "entity.id": user_entity(registry, actor) if actor else host_entity(registry),
        "http.request.id": text_of(request.get("id")),
        "event.kind": "event",
        "event.action": f"image-{action}",
        "event.category": ["package"],
        "event.type": [_TYPES[action]],
        "event.outcome": "success",
        "event.dataset": "registry.notifications",
        "user.name": actor,
        "source.ip": endpoint_address_of(request.get("addr")),
        "user_agent.original": text_of(request.get("useragent")),
        "http.request.method": text_of(request.get("method")),
        "container.settings.images": [reference],
    }


def _facts(notification: Event, place: str, action: str) -> Event | None:
    """Return that a repository has an image, or has it no longer; None where only a tag was taken away."""
    target = object_of(notification.get("target"))
    digest = digest_of(target.get("digest"))
    if digest is None:
        return None
    configurations = [
        digest_of(reference.get("digest"))
        for reference in map(object_of, items_of(target.get("references")))
        if text_of(reference.get("mediaType")) in _CONFIGURATIONS
    ]
    return _head(notification) | {
        "entity.id": f"image:{digest}",
        "event.kind": "state",
        "event.action": FACTS_ACTION,
        "event.dataset": "registry.facts",
        "facts.authority": "registry",
        "facts.source": place,
        "container.image.id": next(filter(None, configurations), None),
        "container.image.hash.all": [digest],
        "container.image.registries": [] if action == "delete" else [place],
    }
