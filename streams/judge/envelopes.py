"""Which envelopes are known to be sound, so that the judge need not read them.

An envelope's outline is its bytes without hexadecimal digits: names, quotes and commas stay, ids, times and numbers go. Events of
one sensor share a few outlines. One whose outline was validated once is in wire order and holds neither fields that only the judge may
write nor control bytes. With a backslash in it nothing is concluded: an escape could hide where a string ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from schemas.codec import ACTIVITY_MARK

__all__ = ["VARYING", "Envelopes"]

VARYING: Final = b"0123456789abcdef"
"""Bytes that an outline leaves out. A test proves that no name of an envelope field becomes that of another field by this."""

_MAX_OUTLINES: Final = 10_000


@dataclass(slots=True)
class Envelopes:
    """The known outlines; forgets all when there are too many (free text in envelopes), which costs time only."""

    outlines: dict[bytes, None] = field(default_factory=dict)

    def learn(self, event: bytes) -> None:
        """Remember the outline of an event that was found to be exactly in wire order."""
        outline = event[: event.index(ACTIVITY_MARK)].translate(None, VARYING)
        if b"\\" in outline:
            return
        if len(self.outlines) >= _MAX_OUTLINES:
            self.outlines.clear()
        self.outlines[outline] = None

    def knows(self, event: bytes) -> bool:
        """Return whether an event's envelope is known to be sound."""
        start = event.find(ACTIVITY_MARK)
        return start > 0 and event[:start].translate(None, VARYING) in self.outlines
