"""Which offsets of one partition are concluded, and what may be committed of them."""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

from sinks.mark import Mark, Start, Totals
from sinks.types import Outcome

__all__ = ["PROMISE_AHEAD", "PartitionOffsets"]

PROMISE_AHEAD: Final = 20_000
"""How far a promise runs ahead of what was read: one that is kept short costs a commit, a long one look-ups after a crash."""


class PartitionOffsets:
    """The offsets of one partition from the committed one to the last one read.

    Records are taken in the order of their offsets (with holes: a transaction's markers and aborted records have offsets
    too) and concluded in any order; what is committed is always contiguous.
    """

    def __init__(self, start: Start) -> None:
        self._next = start.offset
        self._taken_below = start.offset
        self._maybe_sent_below = start.maybe_sent_below
        self._promised_below = start.promised_below
        self._base = start.totals
        self._counts: Counter[Outcome] = Counter()
        self._open: deque[int] = deque()
        self._concluded: dict[int, Outcome] = {}
        self._committed: Mark | None = None

    @property
    def outstanding(self) -> int:
        """Return how many records were read and cannot be committed yet."""
        return len(self._open)

    @property
    def next_offset(self) -> int:
        """Return the lowest offset whose record is not concluded: what can be committed."""
        return self._next

    @property
    def totals(self) -> Totals:
        """Return what became of the records below the offset that can be committed."""
        return self._base + Totals.of(self._counts)

    @property
    def kept_promise(self) -> bool:
        """Return whether everything that was read may be sent; if not, a commit must come first."""
        return self._taken_below <= self._promised_below

    def take(self, offset: int) -> bool:
        """Note a record as read; return whether an earlier process may have sent it."""
        if offset < self._taken_below:
            raise AssertionError(f"offset {offset} was read after {self._taken_below - 1}")
        self._open.append(offset)
        self._taken_below = offset + 1
        return offset < self._maybe_sent_below

    def conclude(self, offset: int, outcome: Outcome) -> None:
        """Note what became of a record."""
        self._concluded[offset] = outcome
        while self._open and self._open[0] in self._concluded:
            first = self._open.popleft()
            self._counts[self._concluded.pop(first)] += 1
            self._next = self._open[0] if self._open else self._taken_below

    def reach_end(self, end: int) -> None:
        """Note that every record below ``end`` was read: what is there besides are markers of transactions.

        Only Kafka's own notice of the end says so. A consumer's ``position()`` does not: after partitions were assigned
        anew it may still be that of records which are about to be read again (seen; committing it loses them).
        """
        self._taken_below = max(self._taken_below, end)
        if not self._open:
            self._next = self._taken_below

    def mark(self, *, last: bool = False) -> Mark | None:
        """Return what to commit, None where that is committed already.

        The ``last`` mark of a process promises no more than what was really sent, so that its successor looks up nothing.
        """
        ahead = 0 if last else PROMISE_AHEAD
        promise = max(self._taken_below + ahead, self._unresolved_below())
        if not last and self._is_comfortable() and self._committed and self._committed.offset == self._next:
            return None
        mark = Mark(self._next, promise, self.totals)
        return None if mark == self._committed else mark

    def acknowledge(self, mark: Mark) -> None:
        """Note a mark as committed."""
        self._committed = mark
        self._promised_below = mark.maybe_sent_below or mark.offset

    def _unresolved_below(self) -> int:
        return self._maybe_sent_below if self._next < self._maybe_sent_below else 0

    def _is_comfortable(self) -> bool:
        return self._taken_below + PROMISE_AHEAD // 2 <= self._promised_below
