"""Events that a collector says of itself: that it lives, and what it knows to be missing."""

from __future__ import annotations

from typing import Final

from producers.types import Gap
from schemas.codec import Event
from schemas.event import now

__all__ = ["GAP_ACTION", "HEARTBEAT_ACTION", "collector_entity", "gap_event", "heartbeat_event"]

HEARTBEAT_ACTION: Final = "heartbeat"
GAP_ACTION: Final = "telemetry-gap"


def collector_entity(collector_id: str) -> str:
    """Return the entity id of a collector."""
    return f"collector:{collector_id}"


def heartbeat_event(collector_id: str, last_number: int) -> Event:
    """Return the event that carries the collector's clock and the last number it gave in a partition."""
    return {
        "@timestamp": now(),
        "entity.id": collector_entity(collector_id),
        "event.kind": "metric",
        "event.module": "tidewaiter",
        "event.dataset": "tidewaiter.heartbeat",
        "event.action": HEARTBEAT_ACTION,
        "heartbeat.number": last_number,
    }


def gap_event(collector_id: str, gap: Gap) -> Event:
    """Return the event that says what telemetry is missing."""
    return {
        "@timestamp": now(),
        "entity.id": collector_entity(collector_id),
        "event.kind": "alert",
        "event.module": "tidewaiter",
        "event.dataset": "tidewaiter.gap",
        "event.action": GAP_ACTION,
        "gap.cause": gap.cause,
        "gap.first": gap.first or None,
        "gap.last": gap.last or None,
        "gap.count": gap.count,
    }
