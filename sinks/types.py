"""What a sink is: batches of raw records go in, one outcome a record comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Literal, Protocol, Self

from schemas.settings import Settings

__all__ = ["Batch", "BatchLimits", "Cancelled", "Delivered", "Outcome", "Record", "Refused", "Sink"]

Outcome = Literal["indexed", "repeat", "quarantined", "refused"]
"""``indexed``: taken now. ``repeat``: there already. ``quarantined``: taken, but put aside by the receiver. ``refused``: never."""


class Cancelled(Exception):
    """A delivery was given up because the runner asked for it; some of its records may have been taken."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of Kafka as it came, nothing decoded."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes

    @property
    def place(self) -> str:
        """Return ``topic/partition/offset``."""
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that go out together, in the order of their partitions; never empty.

    ``maybe_sent`` says that an earlier process may have sent some of them, and that nobody wrote down the answer.
    """

    records: tuple[Record, ...]
    maybe_sent: bool


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """When a batch is full: by records, by bytes of values, by the age of its first record."""

    records: int
    value_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that the receiver will never take, and why."""

    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """One outcome a record, in the batch's order; the reasons of those refused; whether the receiver was overloaded."""

    outcomes: Sequence[Outcome]
    refused: Sequence[Refused] = ()
    throttled: bool = False


class Sink(Protocol):
    """A receiver of verdicts.

    The runner calls ``open`` once, then ``deliver`` from several threads at a time, then ``close`` once, whatever
    happened. An implementation states its guarantee in its class docstring.
    """

    name: str
    limits: BatchLimits

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the sink of the settings; connects to nothing. May raise ``ConfigurationError``."""
        ...

    def open(self, cancelled: Event) -> None:
        """Prepare the receiver; may block until it can be reached.

        Raises ``Cancelled`` soon after ``cancelled`` is set, ``DeliveryError`` where only a person can help.
        """
        ...

    def deliver(self, batch: Batch, cancelled: Event) -> Delivered:
        """Return when every record of the batch has its outcome; what can be tried again is tried again for ever.

        May block as long as the receiver is away. Raises ``Cancelled`` soon after ``cancelled`` is set,
        ``DeliveryError`` where only a person can help; after either, nothing is known of the batch. A batch that is
        ``maybe_sent`` must not make a second copy of what the receiver has. Order between batches is not guaranteed.
        """
        ...

    def close(self) -> None:
        """Free what ``open`` took; never blocks for long."""
        ...
