"""The day that policies are in force as of: a record beside them on the topic ``policies``.

Whoever applies policies loads them as of a day. When later an exception expires, the day is written, not the policies: two writers of
the policies themselves could undo each other. It only ever grows.
"""

from __future__ import annotations

from datetime import date

from schemas.codec import decode, dumps
from schemas.errors import Invalid

__all__ = ["DAY_KEY", "decode_day", "encode_day"]

DAY_KEY = "day"
"""The key of the record."""


def encode_day(day: date) -> bytes:
    """Return the record of a day."""
    return dumps({"as_of": day.isoformat()})


def decode_day(value: bytes) -> date:
    """Return the day of its record; raise ``Invalid`` otherwise."""
    try:
        return date.fromisoformat(decode(value)["as_of"])
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid(f"not the record of a day: {error!r}") from error
