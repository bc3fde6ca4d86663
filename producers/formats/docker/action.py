"""What an engine event says was done: one shape for those of Docker, of old Dockers and of Podman."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from producers.formats.values import object_of, text_of
from schemas.codec import Event
from schemas.errors import Invalid

__all__ = ["EngineEvent", "categories_of", "engine_event", "settings_matter"]

_PODMAN: Final = MappingProxyType({"exec": "exec_create", "exec_died": "exec_die", "remove": "destroy", "died": "die"})
"""Podman's words for what Docker calls otherwise."""

_NAMES: Final = MappingProxyType({"exec_create": "exec"})
_OF_IMAGES: Final = frozenset({"delete", "import", "load", "prune", "pull", "push", "save", "tag", "untag"})
_STARTS: Final = frozenset({"create", "restart", "start", "update"})

_TYPES: Final = MappingProxyType(
    {
        "create": "creation",
        "start": "start",
        "restart": "start",
        "unpause": "start",
        "die": "end",
        "stop": "end",
        "kill": "end",
        "oom": "end",
        "destroy": "deletion",
        "delete": "deletion",
        "untag": "deletion",
        "prune": "deletion",
        "pull": "installation",
        "import": "installation",
        "load": "installation",
        "connect": "connection",
        "exec_create": "start",
        "exec_start": "start",
        "exec_die": "end",
        "mount": "access",
    }
)
_CHANGES: Final = frozenset({"update", "rename", "pause", "tag", "commit", "copy", "archive-path", "extract-to-dir"})
_CATEGORIES: Final = MappingProxyType(
    {"container": "host", "image": "package", "network": "network", "volume": "configuration"}
)
_SLUG: Final = re.compile(r"[^a-z0-9]+")
_MAX_SLUG: Final = 64


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """An event in Docker's words: ``action`` without what follows its colon, which is ``detail`` (a command, a state)."""

    type: str
    action: str
    detail: str
    id: str
    image: str
    attributes: Event

    @property
    def name(self) -> str:
        """The action in our words: ``container-start``, ``container-exec``, ``image-pull``."""
        words = f"{self.type}-{_NAMES.get(self.action, self.action) if self.type == 'container' else self.action}"
        return _SLUG.sub("-", words.lower())[:_MAX_SLUG].strip("-")


def engine_event(item: Event) -> EngineEvent:
    """Return an event of any engine; raise ``Invalid`` if it does not say what was done."""
    actor = object_of(item.get("Actor"))
    whole = text_of(item.get("Action")) or text_of(item.get("status")) or text_of(item.get("Status"))
    if whole is None:
        raise Invalid("an engine event has neither Action nor status")
    action, _, detail = whole.partition(": ")
    identity = _first(actor.get("ID"), item.get("id"), item.get("ID"))
    type_ = text_of(item.get("Type")) or ("image" if action in _OF_IMAGES else "container")
    if type_ == "container":
        action = _PODMAN.get(action, action)
    attributes = {"name": item.get("Name")} | object_of(item.get("Attributes")) | object_of(actor.get("Attributes"))
    image = _first(item.get("from"), attributes.get("image"), item.get("Image"))
    detail = detail or text_of(item.get("HealthStatus")) or ""
    return EngineEvent(type_, action, detail, identity, image, attributes)


def categories_of(event: EngineEvent) -> Event:
    """Return the ECS category and type."""
    category = "process" if event.action.startswith("exec_") else _CATEGORIES.get(event.type, "configuration")
    type_ = _TYPES.get(event.action) or ("change" if event.action in _CHANGES else "info")
    return {"event.category": [category], "event.type": [type_]}


def settings_matter(event: EngineEvent) -> bool:
    """Return whether the settings of the container are part of what was done."""
    return event.type == "container" and event.action in _STARTS


def _first(*candidates: Any) -> str:
    return next((text for text in map(text_of, candidates) if text), "")
