"""Which envelopes are known to be sound, so that the judge need not read them.

An envelope's outline is its bytes without hexadecimal digits: names, quotes and commas stay, ids, times and numbers go. Events of
one sensor share a few outlines. One whose outline was validated once is in wire order and holds neither fields that only the judge may
write nor control bytes. With a backslash in it nothing is concluded: an escape could hide where a string ends.

What the digits say is not read again, but for the entity, which must be the key's. So who knows an envelope of ours may write a date
or a number that is none, or a name of no field that has the letters of a field's but for a to f. He gains nothing: the verdict
is the same, and a sink refuses the document.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from schemas.codec import ACTIVITY_MARK, dumps

__all__ = ["MAX_BYTES", "VARYING", "Envelopes", "entity_mark"]

VARYING: Final = b"0123456789abcdef"
"""Bytes that an outline leaves out. A test proves that no name of an envelope field becomes that of another field by this."""

MAX_BYTES: Final = 32 * 1024
"""Envelopes that are larger are not known: what an outline leaves out may be of any length."""

_MAX_OUTLINES: Final = 10_000

_UTC: Final = tuple(time.translate(None, VARYING) for time in (b',"@timestamp":"--T::Z"', b',"@timestamp":"--T::.Z"'))
"""How the time must be written, so that its first digits say in which hour it was: others are read each time."""


def entity_mark(entity: str) -> bytes:
    """Return what the envelope of every event of an entity holds; within a string these bytes cannot occur."""
    return b',"entity.id":' + dumps(entity)


@dataclass(slots=True)
class Envelopes:
    """The known outlines; forgets all when there are too many (free text in envelopes), which costs time only."""

    outlines: dict[bytes, None] = field(default_factory=dict)

    def learn(self, event: bytes) -> None:
        """Remember the outline of an event that was found to be exactly in wire order."""
        outline = event[: event.index(ACTIVITY_MARK)].translate(None, VARYING)
        if b"\\" in outline or not any(time in outline for time in _UTC):
            return
        if len(self.outlines) >= _MAX_OUTLINES:
            self.outlines.clear()
        self.outlines[outline] = None

    def knows(self, envelope: bytes, mark: bytes) -> bool:
        """Return whether an envelope is one of the entity of ``mark`` and known to be sound."""
        if mark not in envelope or len(envelope) > MAX_BYTES:
            return False
        return envelope.translate(None, VARYING) in self.outlines
