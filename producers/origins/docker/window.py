"""What was seen of an engine's events lately: enough to go on without loss and without repeats.

An engine does not write its events in the exact order of their times (a container's creation may come before the pull that
preceded it), so a reader goes back a little and passes over what it has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final

from producers.types import Position
from schemas.codec import Event, dumps_sorted

__all__ = ["Window", "identity_of", "time_of_event"]

_OVERLAP_NANOSECONDS: Final = 2_000_000_000
_CLOCK_STEP_NANOSECONDS: Final = 5_000_000_000
_MAX_SEEN: Final = 1_024
_DIGEST_BYTES: Final = 8
_SECOND: Final = 1_000_000_000


class Window:
    """The events of the last two seconds before the newest one, at most 1,024 of them, as digests."""

    def __init__(self, since: int, newest: int | None = None, seen: Iterable[str] = ()) -> None:
        self._floor = since
        self._newest = since if newest is None else newest
        self._events: deque[tuple[int, str]] = deque((self._newest, identity) for identity in seen)
        self._identities = {identity for _, identity in self._events}

    @property
    def since(self) -> int:
        """From when on events must be asked for again."""
        return max(self._floor, self._newest - _OVERLAP_NANOSECONDS)

    @property
    def newest(self) -> int:
        """The time of the newest event, or when we began to read."""
        return self._newest

    def __bool__(self) -> bool:
        return bool(self._events)

    def __contains__(self, identity: str) -> bool:
        return identity in self._identities

    def add(self, nanoseconds: int, identity: str) -> None:
        """Remember an event."""
        self._events.append((nanoseconds, identity))
        self._identities.add(identity)
        if nanoseconds < self.since - _CLOCK_STEP_NANOSECONDS:  # the engine's clock was set back: follow it
            self._floor = self._newest = nanoseconds
        self._newest = max(self._newest, nanoseconds)
        while len(self._events) > _MAX_SEEN:
            self._floor = max(self._floor, self._forget() + 1)
        while self._events[0][0] < self.since:
            self._forget()

    def position(self) -> Position:
        """Return where to resume."""
        return {"since": self.since, "newest": self._newest, "seen": [identity for _, identity in self._events]}

    @classmethod
    def of(cls, position: Position) -> Window:
        """Return the window of a position."""
        since = int(position["since"])
        return cls(since, int(position.get("newest", since)), map(str, position.get("seen", ())))

    def _forget(self) -> int:
        nanoseconds, identity = self._events.popleft()
        self._identities.discard(identity)
        return nanoseconds


def time_of_event(event: Event) -> int | None:
    """Return the time of an event in nanoseconds, or None if it has none."""
    for name, unit in (("timeNano", 1), ("time", _SECOND)):
        value: Any = event.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value * unit
    return None


def identity_of(event: Event) -> str:
    """Return what tells an event from every other one, the same each time the engine says it."""
    told = [event.get(name) for name in ("timeNano", "time", "Type", "Action", "status", "Actor")]
    return blake2b(dumps_sorted(told), digest_size=_DIGEST_BYTES).hexdigest()
