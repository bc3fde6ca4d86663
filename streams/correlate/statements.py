"""What a row of ``activities`` states of an image, a workload or a secret.

Three kinds of rows state something: facts of images and secrets, facts of containers, and requests to an orchestrator that make or
change a workload. Of a workload each fact is a statement of its own, since a request may speak of one setting and leave another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from schemas.codec import Event
from schemas.facts import is_facts
from schemas.shared import (
    AGES,
    IDENTITY,
    IMAGE,
    SHARED,
    TOLD_DATASET,
    digests_of,
    is_shared,
    source_of,
    workload_subject,
)

__all__ = ["Statement", "may_state", "statements_of"]

_CONTAINER: Final = "container:"
_SETTING: Final = "container.settings."
_WHOLE: Final = "container.settings.read_only_root"
"""Whoever says this has seen all settings: what is absent is unset."""

_AGES: Final = frozenset(AGES.values())
_SAID: Final = tuple(name for name in (*IDENTITY, *SHARED) if name not in _AGES and not name.startswith("target."))
_TARGETS: Final[Mapping[str, tuple[str, Any]]] = MappingProxyType(
    {
        "target.privileged": (f"{_SETTING}privileged", False),
        "target.host_namespaces": (f"{_SETTING}host_namespaces", []),
    }
)
"""Settings of which a request to reach into a workload is told, and what they are when unset."""

_WRITES: Final = frozenset({"create", "update", "patch"})
_MARKS: Final = (b'"event.action":"facts"', b'"kubernetes.audit.verb":"')
"""One of them stands in every row that may state something; within a text of JSON they cannot stand, since quotes are escaped there."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What one row says; of one subject and source the last one holds, by the events' clock, then by the id of the event."""

    subject: str
    source: str
    time: str
    event: str
    facts: Event


def may_state(value: bytes) -> bool:
    """Return whether a row is worth reading."""
    return _MARKS[0] in value or (_MARKS[1] in value and b'"container.settings.' in value)


def statements_of(row: Event) -> Iterator[Statement]:
    """Return what a row states; nothing if it is of another kind, or none."""
    principal, time, event = (row.get(f"activity.{name}") for name in ("principal", "last", "last_id"))
    if isinstance(principal, str) and isinstance(time, str) and isinstance(event, str):
        for subject, source, facts in _said(principal, row):
            yield Statement(subject, source, time, event, facts)


def _said(principal: str, row: Event) -> Iterator[tuple[str, str, Event]]:
    if not is_facts(row):
        yield from _requested(principal, row)
    elif principal.startswith(_CONTAINER):
        yield from _of_container(principal, row)
    elif is_shared(principal) and row.get("event.dataset") != TOLD_DATASET:
        kind = "container.image." if principal.startswith(IMAGE) else "secret."
        yield principal, source_of(row), {name: row[name] for name in _SAID if name in row and name.startswith(kind)}


def _of_container(principal: str, row: Event) -> Iterator[tuple[str, str, Event]]:
    configuration, manifests = digests_of(row)
    facts = {name: row[name] for name in _SAID if name in row and name.startswith("container.image.")}
    if facts.keys() - {*IDENTITY} and (configuration or manifests):
        yield IMAGE + (configuration or manifests[0]), principal, facts
    if row.get("workload.name"):
        cluster, namespace = (row.get(f"workload.{part}", "") for part in ("cluster", "namespace"))
        subject = workload_subject(cluster, namespace, row["workload.name"])
        yield from _targets(subject, principal, row, row.get("workload.labels"))


def _requested(principal: str, row: Event) -> Iterator[tuple[str, str, Event]]:
    """Return what a request makes of a workload, unless it was refused; who asks does so by a name that is no container's."""
    if row.get("kubernetes.audit.verb") not in _WRITES or row.get("event.outcome") == "failure":
        return
    if not any(field.startswith(_SETTING) for field in row):
        return
    name = row.get("orchestrator.resource.name")
    if name and not principal.startswith(_CONTAINER):
        cluster, namespace = (row.get(f"orchestrator.{part}", "") for part in ("cluster.name", "namespace"))
        subject = workload_subject(cluster, namespace, name)
        yield from _targets(subject, principal, row, row.get("kubernetes.audit.labels"))


def _targets(subject: str, principal: str, row: Event, labels: Any) -> Iterator[tuple[str, str, Event]]:
    for name, (setting, unset) in _TARGETS.items():
        if setting in row or _WHOLE in row:
            yield subject, f"{principal}|{name}", {name: row.get(setting, unset)}
    if labels is not None or _WHOLE in row:
        yield subject, f"{principal}|target.labels", {"target.labels": labels or []}
