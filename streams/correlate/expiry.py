"""The day on which an exception has expired, written into the log when it has come."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from schemas.day import DAY_KEY, encode_day
from schemas.policyset import PolicySet
from streams.correlate.types import Record

__all__ = ["ExpiryShard"]

_WRITER: Final = 0
"""The partition whose worker writes: one is enough, and of one only one at a time can write."""

_MILLISECONDS: Final = 1_000


class ExpiryShard:
    """Says which day it is, by the broker's clock, once it is one on which the policies in force say less than before.

    Judges then take the same policies as of that day, and write down from which event on, as for any other change. Until they are in force
    as of that day it is said again by each new worker, which changes nothing.
    """

    def __init__(self, partition: int, policies: PolicySet) -> None:
        self._is_writer = partition == _WRITER
        self._change = policies.next_change()
        self._said = date.min

    def adopt(self, policies: PolicySet) -> None:
        """Take a changed policy set."""
        self._change = policies.next_change()

    def tick(self, now_ms: int) -> list[Record]:
        """Return the record of the day, if it is due."""
        if not self._is_writer or self._change is None:
            return []
        today = datetime.fromtimestamp(now_ms / _MILLISECONDS, UTC).date()
        if today < self._change or today <= self._said:
            return []
        self._said = today
        return [("policies", DAY_KEY.encode(), encode_day(today))]
