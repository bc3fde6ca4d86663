"""The activity of an engine event: what was done to which container, image, network or volume."""

from __future__ import annotations

from typing import Final

from producers.formats.docker.action import EngineEvent, categories_of, settings_matter
from producers.formats.docker.settings import stable, volume_name
from producers.formats.values import integer_of, object_of, text_of, texts_of
from schemas.codec import Event

__all__ = ["activity_of", "command_of"]

_ENDS: Final = frozenset({"die", "exec_die"})


def activity_of(event: EngineEvent, command: str | None) -> Event:
    """Return what was done; names that are made up for each instance are left out or written as ``*``."""
    known = {"event.action": event.name, "event.outcome": "success"} | categories_of(event)
    details = {"container": _container, "image": _image, "network": _network, "volume": _volume}.get(event.type, _other)
    return known | details(event) | {"container.exec.command": command}


def command_of(event: EngineEvent, item: Event) -> str | None:
    """Return the command of an exec event: behind the action's colon, or what our origin has asked the engine for."""
    if not event.action.startswith("exec_"):
        return None
    process = object_of(object_of(item.get("inspect_exec")).get("ProcessConfig"))
    asked = [*texts_of(process.get("entrypoint")), *texts_of(process.get("arguments"))]
    return event.detail or " ".join(asked) or None


def _container(event: EngineEvent) -> Event:
    attributes = event.attributes
    if event.action in _ENDS:
        code = attributes.get("exitCode", attributes.get("containerExitCode"))
        return {"process.exit_code": integer_of(code)}
    if event.action == "kill":
        signal = text_of(attributes.get("signal"))
        return {"event.reason": f"signal {signal}" if signal else None}
    if event.action == "rename":
        return {"message": f"was {text_of(attributes.get('oldName'))}"}
    if settings_matter(event):
        return {"container.settings.images": [event.image] if event.image else []}
    return {} if event.action.startswith("exec_") else {"event.reason": event.detail or None}


def _image(event: EngineEvent) -> Event:
    name = text_of(event.attributes.get("name"))
    by_reference = event.id if event.id and not event.id.startswith("sha256:") else None
    # A pull's id is the whole reference and its name lacks the tag; a tag's id is the image's and its name the reference.
    named = by_reference if event.action in ("pull", "push") else None
    reference = named or name or event.id
    return {"container.settings.images": [reference] if reference else []}


def _network(event: EngineEvent) -> Event:
    name = text_of(event.attributes.get("name"))
    return {"network.name": stable(name) if name else None}


def _volume(event: EngineEvent) -> Event:
    name = event.id or text_of(event.attributes.get("name"))
    return {"container.settings.volumes": [volume_name(name)] if name else []}


def _other(event: EngineEvent) -> Event:
    return {"orchestrator.resource.name": text_of(event.attributes.get("name")), "event.reason": event.detail or None}
