"""Where a collector writes: whole batches, all or nothing, and what was committed last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas.topics import Name

__all__ = ["Ledger", "Message"]


@dataclass(frozen=True, slots=True)
class Message:
    """One record to write; ``topic`` without the prefix."""

    topic: Name
    key: bytes
    value: bytes
    partition: int = 0
    headers: list[tuple[str, str | bytes | None]] | None = None


class Ledger(Protocol):
    """One collector's log. One thread uses it, in the order open, commit…, close."""

    partitions: int
    """How many partitions ``events`` has; known once it is open."""

    def open(self) -> bytes | None:
        """Shut out every earlier copy of this collector and return the last committed value of its state, if any.

        Blocks until earlier transactions have ended. Raises ``ConfigurationError`` if writing cannot work.
        """

    def commit(self, messages: Sequence[Message]) -> None:
        """Write all messages in one transaction; once this returns, all of them are read by committed readers.

        Raises ``DeliveryError`` if another copy has taken over, ``TidewaiterError`` if the batch was not taken. After any
        error the collector must end, and start from the last committed state.
        """

    def close(self) -> None:
        """Release everything; called once, also after an error."""
