"""How long to wait before the next attempt."""

from __future__ import annotations

from random import uniform
from threading import Event
from typing import Final

from sinks.types import Cancelled

__all__ = ["Backoff"]

_FIRST_SECONDS: Final = 0.1
_MOST_SECONDS: Final = 10.0


class Backoff:
    """Full jitter: each wait is drawn evenly from zero to a bound that doubles, so that many clients do not come back as one."""

    def __init__(
        self, cancelled: Event, first_seconds: float = _FIRST_SECONDS, most_seconds: float = _MOST_SECONDS
    ) -> None:
        self._cancelled = cancelled
        self._bound = first_seconds
        self._most = most_seconds

    def wait(self) -> None:
        """Wait for the next attempt; raise ``Cancelled`` as soon as the delivery is called back."""
        if self._cancelled.wait(uniform(0, self._bound)):  # noqa: S311 - spreads load, guards nothing
            raise Cancelled
        self._bound = min(self._most, self._bound * 2)
