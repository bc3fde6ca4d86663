"""How many requests may be under way: a little more while all goes well, half as many when the receiver is overloaded."""

from __future__ import annotations

from typing import Final

__all__ = ["AdaptiveLimit"]

_FIRST: Final = 2.0
_DECREASE: Final = 0.5


class AdaptiveLimit:
    """Additive increase, multiplicative decrease, as TCP does it, between 1 and ``maximum``."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._limit = min(_FIRST, maximum)

    @property
    def current(self) -> int:
        """Return how many requests may be under way now."""
        return int(self._limit)

    def succeeded(self, under_way: int) -> None:
        """Note a good answer while ``under_way`` requests, this one included, were out; unused room is no reason for more."""
        if under_way >= self.current:
            self._limit = min(self._maximum, self._limit + 1 / self._limit)

    def throttled(self) -> None:
        """Note that the receiver was overloaded."""
        self._limit = max(1.0, self._limit * _DECREASE)
