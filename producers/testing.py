"""In-memory counterparts of Kafka and of a source, under the same contracts, for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from producers.ledger import Message
from producers.types import Gap, Position, Record
from schemas.topics import Name

__all__ = ["MemoryLedger", "ScriptedOrigin"]


class MemoryLedger:
    """A ledger that keeps what was committed in ``messages``; several collectors may use it one after another.

    ``before_commit`` is called with each batch before it counts; what it raises is what a broken broker would.
    """

    def __init__(self, partitions: int = 4, before_commit: Callable[[Sequence[Message]], None] | None = None) -> None:
        self.partitions = partitions
        self.messages: list[Message] = []
        self.commits = 0
        self._before_commit = before_commit

    def open(self) -> bytes | None:
        """Return the last value of ``collectors``."""
        states = self.values("collectors")
        return states[-1] if states else None

    def commit(self, messages: Sequence[Message]) -> None:
        """Keep a batch."""
        if self._before_commit is not None:
            self._before_commit(messages)
        self.messages.extend(messages)
        self.commits += 1

    def close(self) -> None:
        """Do nothing."""

    def values(self, topic: Name) -> list[bytes]:
        """Return what was committed to a topic, in order."""
        return [message.value for message in self.messages if message.topic == topic]


class ScriptedOrigin:
    """Gives the items of a script one read after another, then ends; its position is how many it has given.

    A function in the script is called when its turn comes; whatever it does, it gives no record.
    """

    def __init__(self, script: Iterable[bytes | Gap | Callable[[], None]]) -> None:
        self._script = list(script)
        self._next = 0
        self.acknowledged: list[Position] = []
        self.closed = 0

    def open(self, position: Position | None) -> None:
        """Go to a position."""
        self._next = 0 if position is None else position["next"]

    def read(self, limit: int, timeout_seconds: float) -> Sequence[Record | Gap]:  # noqa: ARG002 - it never waits
        """Return one item."""
        if limit < 1:
            raise ValueError("a read for nothing")
        if self._next >= len(self._script):
            raise EOFError
        item = self._script[self._next]
        self._next += 1
        if isinstance(item, bytes):
            return [Record(item, f"script:{self._next}", {"next": self._next}, self._next)]
        if isinstance(item, Gap):
            return [item]
        item()
        return []

    def acknowledge(self, position: Position) -> None:
        """Remember what is let go of."""
        self.acknowledged.append(position)

    def close(self) -> None:
        """Count the calls."""
        self.closed += 1
