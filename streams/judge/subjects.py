"""What a record speaks of: which sections of a policy it concerns, and with what.

A record is flat: the deciding facts of the entity and the activity. Facts hold the settings of a container during its whole
life, so only its start, and what changes it, concerns ``settings`` and ``images``; an exec in it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.facts import FACTS_ACTION

__all__ = ["SETTINGS_MARK", "SPECIAL_RIGHTS", "Mount", "Record", "Subject", "reach_of", "subjects_of"]

Record = Mapping[str, Any]
"""Deciding facts and activity of one event, by field name."""

Subject = tuple[str, Any]
"""A section of the vocabulary, and what its clauses are asked about."""

SETTINGS_MARK: Final = "container.settings.read_only_root"
"""Whoever says this has seen all settings of a container: what is absent is unset."""

SPECIAL_RIGHTS: Final = frozenset(
    {
        "images.registries",
        "settings.privileged",
        "settings.root",
        "settings.host_namespaces",
        "settings.capabilities",
        "settings.mounts",
        "settings.devices",
    }
)
"""What must each be allowed for the start of a container to be authorized by ``settings`` and ``images``."""

_STARTS: Final = frozenset(
    {"container-create", "container-start", "container-restart", "container-update", FACTS_ACTION}
)
_CHANGES: Final = frozenset({"create", "update", "patch"})
_REACHES: Final = {"exec": "exec", "attach": "attach", "portforward": "portforward", "ephemeralcontainers": "debug"}
_ENGINE_REACHES: Final = {"container-exec": "exec", "container-attach": "attach"}
_REQUIRED: Final = ("limits", "dropped_capabilities", "no_new_privileges", "read_only_root")
_WORDS: Final = (("host_namespaces", "host_namespaces"), ("capabilities", "capabilities.add"), ("devices", "devices"))
_ENGINE: Final = ("container-", "network-", "volume-", "image-")
_MOUNT: Final = re.compile(r"(?P<source>.+):[^:]*:(?P<mode>ro|rw)(?::(?P<propagation>[^:]+))?", re.DOTALL)
_SETTING: Final = "container.settings."


@dataclass(frozen=True, slots=True)
class Mount:
    """A path of the host in a container."""

    source: str
    writable: bool
    propagation: str


def subjects_of(record: Record) -> Iterator[Subject]:
    """Return what a record speaks of, the parts of a container's start first."""
    action = record.get("event.action", "")
    if _is_start(record, action):
        yield from _start(record)
    if action == "image-pull":
        yield from (("images.registries", image) for image in _images(record))
    if action.startswith(_ENGINE):
        yield "containers", record
    if reach_of(record) is not None:
        yield "access.exec_into_container", record
    yield from _request(record) if "kubernetes.audit.verb" in record else _behaviour(record, action)


def _behaviour(record: Record, action: str) -> Iterator[Subject]:
    if action == "exec":
        yield "exec", record
    elif "file.path" in record:
        yield "files", record
    if "network.direction" in record:
        yield f"network.{record['network.direction']}", record
    if "dns.question.name" in record:
        yield "network.dns", record


def _request(record: Record) -> Iterator[Subject]:
    if record.get("orchestrator.resource.type") == "secrets":
        yield "access.secrets", record
    yield "access.api", record


def reach_of(record: Record) -> str | None:
    """Return how someone reaches into a container: ``exec``, ``attach``, ``portforward``, ``debug``; else None.

    Exec, attach and port-forward may be asked for by any verb; looking at ephemeral containers is not adding one.
    """
    verb = record.get("kubernetes.audit.verb")
    if verb is None:
        return _ENGINE_REACHES.get(record.get("event.action", ""))
    subresource = record.get("kubernetes.audit.subresource", "")
    return _REACHES.get(subresource) if subresource != "ephemeralcontainers" or verb in _CHANGES else None


def _is_start(record: Record, action: str) -> bool:
    verb = record.get("kubernetes.audit.verb")
    if verb is not None:
        return verb in _CHANGES and any(name.startswith(_SETTING) for name in record)
    return action in _STARTS


def _images(record: Record) -> list[str]:
    """Return the references that were asked for, or the name in the facts, which says nothing of tag and digest."""
    asked: list[str] | None = record.get(f"{_SETTING}images")
    name = record.get("container.image.name")
    return asked or ([name] if name else [])


def _start(record: Record) -> Iterator[Subject]:
    yield from (("images.registries", image) for image in _images(record))
    for image in record.get(f"{_SETTING}images") or ():
        yield from (("images.tags", image), ("images.digest", image))
    for flag in ("privileged", "root"):
        if record.get(_SETTING + flag):
            yield f"settings.{flag}", True
    for words, field in (
        ("host_namespaces", "host_namespaces"),
        ("capabilities", "capabilities.add"),
        ("devices", "devices"),
    ):
        yield from ((f"settings.{words}", word) for word in record.get(_SETTING + field) or ())
    for mount in record.get(f"{_SETTING}mounts", ()):
        yield "settings.mounts", _mount(mount)
    for profile in ("seccomp", "apparmor"):
        if _SETTING + profile in record:
            yield f"settings.{profile}", record[_SETTING + profile]
    if SETTINGS_MARK in record:
        yield from ((f"settings.{name}", record) for name in _REQUIRED)


def _mount(text: str) -> Mount:
    """Read ``source:target:ro|rw[:propagation]``; a source may hold colons, and what is written otherwise may be written to."""
    found = _MOUNT.fullmatch(text)
    if found is None:
        return Mount(text.partition(":")[0], writable=True, propagation="")
    return Mount(found["source"], writable=found["mode"] == "rw", propagation=found["propagation"] or "")
