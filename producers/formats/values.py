"""Reading JSON that others wrote: each function returns the value if it is of the kind asked for, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, Final

from schemas.codec import Event, loads
from schemas.errors import Invalid
from schemas.event import parse_time, timestamp

__all__ = [
    "address_of",
    "endpoint_address_of",
    "flag_of",
    "integer_of",
    "items_of",
    "load_items",
    "object_of",
    "text_of",
    "texts_of",
    "time_of",
]

_LONG: Final = 2**63
_MAX_DIGITS: Final = 20


def load_items(data: bytes) -> list[Any]:
    """Return the values of a line that is one JSON value or an array of them; raise ``Invalid`` if it is not JSON."""
    value = loads(data)
    return value if isinstance(value, list) else [value]


def object_of(value: Any) -> Event:
    return value if isinstance(value, dict) else {}


def items_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def text_of(value: Any) -> str | None:
    """Return a string that is not empty; numbers are written out."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value or None if isinstance(value, str) else None


def texts_of(value: Any) -> list[str]:
    """Return the strings of a list, or of a single one."""
    return list(_texts(value if isinstance(value, list) else [value]))


def _texts(values: list[Any]) -> Iterator[str]:
    for value in values:
        text = text_of(value)
        if text is not None:
            yield text


def integer_of(value: Any) -> int | None:
    """Return a number of 64 bits; decimal text and whole floats are read too."""
    if isinstance(value, str):
        digits = value.strip().removeprefix("-")
        readable = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS
        value = int(value) if readable else None
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if -_LONG <= value < _LONG else None


def flag_of(value: Any) -> bool | None:
    """Return a truth value; ``"true"`` and ``"false"`` are read too."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def address_of(value: Any) -> str | None:
    """Return an IP address in its canonical form, without a zone, which Elasticsearch cannot hold."""
    if not isinstance(value, str):
        return None
    try:
        return str(ip_address(value.strip("[]").partition("%")[0]))
    except ValueError:
        return None


def endpoint_address_of(value: Any) -> str | None:
    """Return the address of ``192.0.2.7:54336`` or ``[2001:db8::7]:54336``, or of an address alone."""
    text = text_of(value) or ""
    return address_of(text) or address_of(text.rpartition(":")[0])


def time_of(*candidates: Any) -> str:
    """Return the first time among RFC 3339 texts and nanoseconds since 1970; raise ``Invalid`` if none is one.

    Times before 1970 and after 2262 are none: Elasticsearch's ``date_nanos`` cannot hold them.
    """
    for candidate in candidates:
        if candidate is None or candidate == "":
            continue
        number = integer_of(candidate)
        nanoseconds = number if number is not None else parse_time(candidate if isinstance(candidate, str) else "")
        if not 0 <= nanoseconds < _LONG:
            raise Invalid(f"time out of range: {str(candidate)[:64]!r}")
        return timestamp(nanoseconds)
    raise Invalid("no time")
