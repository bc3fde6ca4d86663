"""Facts: what is known of an entity, how sources of different authority merge, and the context they make.

Facts arrive as events (``event.kind: state``, ``event.action: facts``) that carry fields of the part ``facts`` and settings
(``container.settings.*``), with ``facts.authority`` naming who says so. They merge per field: the higher authority wins,
then the later offset, never the later clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from schemas.codec import Event, dumps_sorted
from schemas.fields import FIELDS, names_of

__all__ = [
    "AUTHORITIES",
    "FACTS_ACTION",
    "HEARTBEAT",
    "RUNNING",
    "Facts",
    "container_entity",
    "context_of",
    "host_entity",
    "is_container",
    "is_facts",
    "principal_of",
    "user_entity",
]

AUTHORITIES: Final = ("sensor", "engine", "kubernetes", "scanner", "registry", "vault")
"""From the least to the most trusted: a sensor's enrichment, the engine's inspect, the orchestrator.

Scanners, registries and Vault tell of images and secrets alone, so they never contradict the others. New ones are added at
the end: what the judge remembers of entities names them by their number.
"""

FACTS_ACTION: Final = "facts"
HEARTBEAT: Final = "tidewaiter.heartbeat"
"""Dataset of a collector's heartbeats, which are nobody's activity."""

RUNNING: Final = frozenset({"running", "paused", "restarting"})
"""The ``container.state`` of a container that has not stopped, in the engines' own words."""

_FACT_NAMES: Final = tuple(name for name in names_of("facts") if not FIELDS[name].shared)
"""Shared facts are kept by themselves (``schemas.shared``): a context is the same before and behind a scan of its image."""

_SETTINGS: Final = tuple(name for name in FIELDS if name.startswith("container.settings."))
_CARRIED: Final = frozenset((*_FACT_NAMES, *_SETTINGS))
_DECIDING: Final = frozenset(name for name in _CARRIED if FIELDS[name].decides)


def container_entity(container_id: str) -> str:
    """Return the entity id of a container: the first 12 hex digits of its id, lower case, without a runtime prefix."""
    return container_id.rpartition("://")[2].removeprefix("sha256:").lower()[:12]


def host_entity(name: str) -> str:
    """Return the entity id of a host."""
    return f"host:{name}"


def user_entity(cluster: str, name: str) -> str:
    """Return the entity id of a user or service account of a cluster (empty where unknown)."""
    return f"user:{cluster}/{name}"


def is_facts(event: Mapping[str, Any]) -> bool:
    """Return whether an event says what is known of its entity, instead of what it did."""
    return event.get("event.kind") == "state" and event.get("event.action") == FACTS_ACTION


def is_container(entity: str) -> bool:
    """Return whether an entity is a container: only these wait for facts, everything else is its own principal."""
    return ":" not in entity


@dataclass(slots=True)
class Facts:
    """What is known of one entity: per field the authority (index into AUTHORITIES) and the value."""

    fields: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def merge(self, event: Event) -> bool:
        """Take in a facts event, in order of offsets; return whether anything changed.

        What the same authority said before and does not repeat is forgotten: a restart with fewer settings has fewer.
        """
        authority = event.get("facts.authority", "sensor")
        rank = AUTHORITIES.index(authority) if authority in AUTHORITIES else 0
        merged = {name: known for name, known in self.fields.items() if known[0] != rank}
        for name in _CARRIED & event.keys():
            if event[name] is not None and (name not in merged or merged[name][0] < rank):
                merged[name] = (rank, event[name])
        changed = merged != self.fields
        self.fields = merged
        return changed

    def known(self) -> Event:
        """Return what the documents of the entity carry: the fields of the part ``facts``, in the table's order."""
        return {name: self.fields[name][1] for name in _FACT_NAMES if name in self.fields}

    def deciding(self) -> Event:
        """Return what policy, rules and baselines may read of it, settings included."""
        return {name: value for name, (_, value) in self.fields.items() if name in _DECIDING}


def principal_of(entity: str, facts: Mapping[str, Any]) -> str:
    """Return what has the profile: a workload's container, or the entity itself (host, user, container without facts)."""
    if not is_container(entity) or "workload.name" not in facts:
        return entity if not is_container(entity) else f"unknown:{entity}"
    parts = (facts.get(f"workload.{part}", "") for part in ("cluster", "namespace", "name", "container"))
    return "container:" + "/".join(parts)


def context_of(principal: str, deciding: Mapping[str, Any]) -> str:
    """Return the content hash (16 hex digits) of all that decides beside the activity."""
    return blake2b(dumps_sorted([principal, dict(deciding)]), digest_size=8).hexdigest()
