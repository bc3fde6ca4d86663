"""The architecture of a collector: an origin gives records, a format turns each into events.

A collector loop is: ``origin.read`` → ``normalise.outcomes_of`` each record (which calls ``format.parse``) → number, encode,
produce → commit events, position and numbers in one Kafka transaction → ``origin.acknowledge``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from schemas.codec import Event
from schemas.errors import Drop, Invalid

__all__ = ["Format", "FormatOptions", "Gap", "Origin", "Outcome", "Peers", "Position", "Record", "Result"]

Result = Event | Invalid | Drop
"""What a record, or a part of one, becomes: an event, a dead letter, or nothing on purpose (counted with its reason)."""

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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record, or of several that a format joined."""

    result: Result
    records: tuple[Record, ...]


class Peers(Protocol):
    """Says whose an address is; used by one thread."""

    def workload_of(self, address: str) -> tuple[str, str] | None:
        """Return namespace (may be empty) and name of the workload that has an address, or had it a moment ago.

        None means: nobody's that is known. May block for a second now and then; raises nothing.
        """


@dataclass(frozen=True, slots=True)
class FormatOptions:
    """What a format must know from outside: names of the cluster and of the host that the records come from.

    ``live`` says that the records are of this host and of now, so that engines and ``/proc`` may be asked for facts;
    ``peers`` are then asked whom a connection is with.
    """

    cluster: str = ""
    host: str = ""
    live: bool = False
    peers: Peers | None = None


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

    def parse(self, record: Record) -> Iterable[Result | Outcome]:
        """Return what a record becomes, or nothing if it is held to be joined with later ones.

        A record may hold many things: an ``Invalid`` instance among the results is a dead letter of this record and a
        ``Drop`` instance a part left out, and neither loses the other parts. What concerns records given earlier (a
        join) is an ``Outcome`` that names all of them. A record that is not held has at least one result.
        Raises ``Drop`` (left out on purpose) or ``Invalid`` (a dead letter with its bytes) for the record as a whole.
        """

    def flush(self, *, final: bool = False) -> Iterable[Result | Outcome]:
        """Return the outcomes of held records that are complete or too old; all of them if ``final``."""

    @property
    def held(self) -> Position | None:
        """Return the position to resume from so that no held record is lost, or None when nothing is held."""
