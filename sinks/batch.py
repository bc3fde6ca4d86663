"""Records that wait to go out, and when enough of them wait."""

from __future__ import annotations

from collections import deque
from time import monotonic

from sinks.types import Batch, BatchLimits, Record

__all__ = ["Waiting"]


class Waiting:
    """Records in the order in which they were read; the reader asks ``is_full`` before it reads more."""

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self._records: deque[tuple[Record, bool]] = deque()
        self._value_bytes = 0
        self._since = 0.0

    def __len__(self) -> int:
        return len(self._records)

    @property
    def is_full(self) -> bool:
        """Return whether a batch of the largest size waits."""
        return len(self._records) >= self._limits.records or self._value_bytes >= self._limits.value_bytes

    @property
    def since(self) -> float:
        """Return the monotonic time at which the oldest record began to wait."""
        return self._since

    @property
    def is_due(self) -> bool:
        """Return whether the oldest record has waited long enough, or a whole batch waits."""
        return bool(self._records) and (self.is_full or monotonic() - self._since >= self._limits.seconds)

    def add(self, record: Record, *, maybe_sent: bool) -> None:
        """Let a record wait."""
        if not self._records:
            self._since = monotonic()
        self._records.append((record, maybe_sent))
        self._value_bytes += len(record.value)

    def cut(self) -> Batch:
        """Return the next batch; one record that is larger than a batch goes alone. Something must wait."""
        record, maybe_sent = self._pop()
        records = [record]
        size = len(record.value)
        while self._records and len(records) < self._limits.records:
            size += len(self._records[0][0].value)
            if size > self._limits.value_bytes:
                break
            record, doubt = self._pop()
            records.append(record)
            maybe_sent |= doubt
        self._since = monotonic()
        return Batch(tuple(records), maybe_sent)

    def _pop(self) -> tuple[Record, bool]:
        record, maybe_sent = self._records.popleft()
        self._value_bytes -= len(record.value)
        return record, maybe_sent
