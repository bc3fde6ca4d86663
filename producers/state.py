"""What a collector must know to go on: committed with its events, on the compacted topic ``collectors``.

The value is one JSON object, as in ::

    {"position": {"inode": 7, …}, "held": [], "numbers": {"0": 43, "3": 12}, "time": "2026-01-02T10:00:00.000000000Z"}

``held`` are records that the format has taken but not yet made an event of (auditd joins several). They lie *before*
``position``, mixed with records whose events are committed, so that no position alone could bring them back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from producers.types import Position, Record
from schemas.codec import dumps, loads
from schemas.errors import ConfigurationError, Invalid
from schemas.event import now

__all__ = ["State", "decode_state", "encode_state"]


@dataclass(frozen=True, slots=True)
class State:
    """Where a collector stands: position in the source, held records, next number per partition."""

    position: Position | None = None
    held: tuple[Record, ...] = ()
    numbers: Mapping[int, int] = field(default_factory=dict)


def encode_state(state: State) -> bytes:
    """Return the value on the topic."""
    return dumps(
        {
            "position": state.position,
            "held": [[record.data.decode("latin-1"), record.place, record.line] for record in state.held],
            "numbers": {str(partition): number for partition, number in state.numbers.items()},
            "time": now(),
        }
    )


def decode_state(value: bytes) -> State:
    """Return the state of a value of the topic.

    Raises ``ConfigurationError``: going on without it would number events a second time.
    """
    try:
        row = loads(value)
        held = tuple(Record(data.encode("latin-1"), place, {}, line) for data, place, line in row["held"])
        return State(row["position"], held, {int(partition): number for partition, number in row["numbers"].items()})
    except (Invalid, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"the collector's last state in Kafka cannot be read ({error!r}); it was written by another version: "
            f"use that version, or a new collector id"
        ) from error
