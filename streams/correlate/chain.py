"""Which record of a partition is due: the chain from the end of the restore on that no loss in between can break unseen.

Between the broker and an agent lie a fetcher, two buffers, a queue and a stream, and in every rebalance records are dropped from them. An
offset tells nothing of that: compaction and transaction markers leave holes. So what the broker gave is noted where it arrives, and an
agent takes a record only when it is the next of that chain. Whatever else comes is left over from before a seek, or comes too early
because something was lost: it is passed over, the chain stands still, and the watchdog ends the process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

__all__ = ["Chain"]


class Chain:
    """The records of one partition from ``position`` on, which is where to read on: behind the last one that was taken.

    Seeks and fetches call it in the consumer's thread, agents in theirs; each step is one that the interpreter does not divide.
    """

    def __init__(self, position: int) -> None:
        self.position = position
        self._fetched: deque[int] = deque()

    def restart(self) -> None:
        """Begin anew at ``position``; call it together with the seek, before anything is fetched from there."""
        self._fetched = deque()

    def fetched(self, offsets: Iterable[int]) -> None:
        """Note what the broker gave next."""
        self._fetched.extend(offsets)

    def is_due(self, offset: int) -> bool:
        """Return whether a record is the next one."""
        fetched = self._fetched
        return bool(fetched) and fetched[0] == offset

    def taken(self, offset: int) -> None:
        """Go on behind a record that was due and has been dealt with; after a restart meanwhile it comes, and is taken, again."""
        fetched = self._fetched
        if fetched and fetched[0] == offset:
            fetched.popleft()
            self.position = offset + 1
