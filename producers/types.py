"""The architecture of a collector: an origin gives records, a format turns each into events.

A collector loop is: ``origin.read`` → ``format.parse`` each record → number, encode, produce → commit events, position and numbers in
one Kafka transaction → ``origin.acknowledge``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from schemas.codec import Event

__all__ = ["Format", "Gap", "Origin", "Position", "Record"]

Position = dict[str, Any]
"""Where to resume, as JSON; its keys are the origin's own affair."""


@dataclass(frozen=True, slots=True)
class Record:
    """One raw record as the source gave it, where it lies for a person, and where to resume behind it."""

    data: bytes
    place: str
    position: Position
    line: int = 0


@dataclass(frozen=True, slots=True)
class Gap:
    """Telemetry that is known to be missing; becomes a `telemetry gap` event. Times are RFC 3339."""

    cause: str
    first: str = ""
    last: str = ""
    count: int | None = None
    position: Position | None = None


class Origin(Protocol):
    """Where records come from. One thread uses it, in the order open, (read, acknowledge)…, close."""

    def open(self, position: Position | None) -> None:
        """Start behind ``position``, or at the source's beginning; raise ``ConfigurationError`` if it cannot work."""

    def read(self, limit: int, timeout_seconds: float) -> Sequence[Record | Gap]:
        """Return up to ``limit`` records in order; block at most ``timeout_seconds`` for the first one.

        An empty answer means: nothing now. Raises ``EOFError`` when nothing can ever come again (end of standard input,
        end of a file that is not followed) and all was returned.
        """

    def acknowledge(self, position: Position) -> None:
        """Let go of everything up to ``position``: it is committed to Kafka, so what held it for us may be deleted."""

    def close(self) -> None:
        """Release everything; called once, also after an error."""


class Format(Protocol):
    """Turns raw records of one sensor into events; pure but for records that it joins (auditd) and facts it looks up.

    Events have every envelope field but ``event.id`` and ``event.created``, which the collector adds; ``entity.id`` and
    ``@timestamp`` are required. A facts event has ``event.kind: state`` and ``event.action: facts``.
    """

    def parse(self, record: Record) -> Iterable[Event]:
        """Return the events of a record, or none if it is held to be joined with later ones.

        Raises ``Drop`` (left out on purpose) or ``Invalid`` (a dead letter with its bytes).
        """

    def flush(self, *, final: bool = False) -> Iterable[Event]:
        """Return events of held records that are complete or too old; all of them if ``final``."""

    @property
    def held(self) -> Position | None:
        """Return the position to resume from so that no held record is lost, or None when nothing is held."""
