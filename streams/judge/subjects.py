"""What a record speaks of: which sections of a policy it concerns, and with what.

A record is flat: the deciding facts of the entity and the activity. Facts hold the settings of a container during its whole
life, so only its start, and what changes it, concerns ``settings`` and ``images``; an exec in it does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from schemas.facts import FACTS_ACTION
from streams.judge.images import images_of, subjects_of_image
from streams.judge.record import SETTINGS_MARK, Record, Subject, is_request, is_start, reach_of
from streams.judge.settings import Mount, subjects_of_settings

__all__ = [
    "SETTINGS_MARK",
    "SPECIAL_RIGHTS",
    "Mount",
    "Record",
    "Subject",
    "is_right",
    "reach_of",
    "subjects_of",
]

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

_ENGINE: Final = ("container-", "network-", "volume-", "image-")


def is_right(section: str) -> bool:
    """Return whether an allowance in a section is of a part of a start, which no part authorizes by itself."""
    return section.startswith(("images.", "settings."))


def subjects_of(record: Record) -> Iterator[Subject]:
    """Return what a record speaks of, the parts of a container's start first."""
    action = record.get("event.action", "")
    if is_start(record):
        yield from subjects_of_image(record)
        yield from subjects_of_settings(record)
    if action == "image-pull":
        yield from (("images.registries", image) for image in images_of(record))
    if action == FACTS_ACTION and "secret.type" in record:
        yield "secrets.types", record
    if action == FACTS_ACTION and "secret.older_than" in record:
        yield "secrets.max_age_days", record
    if action.startswith(_ENGINE):
        yield "containers", record
    if reach_of(record) is not None:
        yield "access.exec_into_container", record
    yield from _request(record) if is_request(record) else _behaviour(record, action)


def _behaviour(record: Record, action: str) -> Iterator[Subject]:
    if action == "exec":
        yield "exec", record
    elif "file.path" in record:
        yield "files", record
    if "network.direction" in record:
        yield f"network.{record['network.direction']}", record
    if "dns.question.name" in record:
        yield "network.dns", record
    if "resource.metric" in record:
        yield "resources", record


def _request(record: Record) -> Iterator[Subject]:
    if record.get("orchestrator.resource.type") == "secrets":
        yield "access.secrets", record
    yield "access.api", record
