"""What is judged: a flat record, and what of it every section of a policy asks first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schemas.facts import FACTS_ACTION

__all__ = ["SETTING", "SETTINGS_MARK", "Record", "Subject", "is_request", "is_start", "is_whole", "reach_of"]

Record = Mapping[str, Any]
"""Deciding facts and activity of one event, by field name."""

Subject = tuple[str, Any]
"""A section of the vocabulary, and what its clauses are asked about."""

SETTING: Final = "container.settings."
SETTINGS_MARK: Final = "container.settings.read_only_root"
"""Whoever says this has seen all settings of a container: what is absent is unset."""

_STARTS: Final = frozenset(
    {"container-create", "container-start", "container-restart", "container-update", FACTS_ACTION}
)
_CHANGES: Final = frozenset({"create", "update", "patch"})
_REACHES: Final = {"exec": "exec", "attach": "attach", "portforward": "portforward", "ephemeralcontainers": "debug"}
_ENGINE_REACHES: Final = {"container-exec": "exec", "container-attach": "attach"}


def is_request(record: Record) -> bool:
    """Return whether someone asks the API of an orchestrator for something."""
    return "kubernetes.audit.verb" in record


def is_start(record: Record) -> bool:
    """Return whether a container is started or first met, or a workload is written to the API, which did not refuse it."""
    if is_request(record):
        is_written = record["kubernetes.audit.verb"] in _CHANGES and record.get("event.outcome") != "failure"
        return is_written and any(name.startswith(SETTING) for name in record)
    return record.get("event.action", "") in _STARTS


def is_whole(record: Record) -> bool:
    """Return whether all settings of the container are known, so that what is absent is unset."""
    return SETTINGS_MARK in record


def reach_of(record: Record) -> str | None:
    """Return how someone reaches into a container: ``exec``, ``attach``, ``portforward``, ``debug``; else None.

    Exec, attach and port-forward may be asked for by any verb; looking at ephemeral containers is not adding one.
    """
    verb = record.get("kubernetes.audit.verb")
    if verb is None:
        return _ENGINE_REACHES.get(record.get("event.action", ""))
    subresource = record.get("kubernetes.audit.subresource", "")
    return _REACHES.get(subresource) if subresource != "ephemeralcontainers" or verb in _CHANGES else None
