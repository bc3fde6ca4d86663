"""What time it is at the broker, and in the events, as far as the records that come tell."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["BrokerClock", "EventsClock"]


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def _local_ms() -> int:
    return time.time_ns() // 1_000_000


class BrokerClock:
    """The broker's time: never ahead of it, and behind by what the quickest record took to come here.

    Until a first record has come it is this machine's clock, so it may step back then, once.
    """

    def __init__(
        self, monotonic_ms: Callable[[], int] = _monotonic_ms, local_ms: Callable[[], int] = _local_ms
    ) -> None:
        self._monotonic_ms = monotonic_ms
        self._local_ms = local_ms
        self._ahead_ms: int | None = None

    def saw(self, appended_ms: int) -> None:
        """Learn from a record that came just now; one that was waiting before tells nothing of now."""
        ahead = appended_ms - self._monotonic_ms()
        self._ahead_ms = ahead if self._ahead_ms is None else max(self._ahead_ms, ahead)

    def now_ms(self) -> int:
        """Return milliseconds since 1970."""
        return self._local_ms() if self._ahead_ms is None else self._monotonic_ms() + self._ahead_ms


class EventsClock:
    """The time in the events: as far behind the broker's as the row that was quickest to come, never ahead of it.

    So it is the time of today where events come as they happen, and where a recording is played it is the recording's, which goes on.
    """

    def __init__(self) -> None:
        self._behind_ms: int | None = None

    def saw(self, happened_ms: int, appended_ms: int) -> None:
        """Learn from a row whose last event happened and which the broker appended then."""
        behind_ms = max(appended_ms - happened_ms, 0)
        self._behind_ms = behind_ms if self._behind_ms is None else min(self._behind_ms, behind_ms)

    def time_ms(self, now_ms: int) -> int | None:
        """Return milliseconds since 1970 at a time of the broker; None before the first row."""
        return None if self._behind_ms is None else now_ms - self._behind_ms
