"""JSON and the wire order of an event; the only module that imports orjson.

An event on the wire is one flat JSON object: the envelope fields in the order of the table (``event.id`` first), then
``"ecs.version"``, then the other fields sorted by name. So the bytes from the last ``,"ecs.version":`` on are the
activity: inside a JSON string those bytes cannot occur, because a quote there is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from schemas.errors import Invalid
from schemas.fields import ECS_VERSION, names_of

__all__ = ["ACTIVITY_MARK", "Event", "decode", "dumps", "dumps_sorted", "encode_event", "loads", "suffix"]

Event = dict[str, Any]
"""A flat record: dotted ECS names to scalars, or lists of scalars."""

ACTIVITY_MARK: Final = b',"ecs.version":'

_ENVELOPE: Final = names_of("envelope")
_ENVELOPE_SET: Final = frozenset(_ENVELOPE)


def dumps(value: Any) -> bytes:
    """Return compact JSON; raise ``Invalid`` for what JSON cannot say (a lone surrogate, an integer above 64 bits)."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise Invalid(f"cannot be written as JSON: {error}") from error


def dumps_sorted(value: Any) -> bytes:
    """Return compact JSON with sorted keys, the form that is hashed."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def loads(data: bytes | str) -> Any:
    """Return the value of JSON text; raise ``Invalid`` with the place otherwise."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"not JSON: {error}") from error


def encode_event(event: Mapping[str, Any]) -> bytes:
    """Return the wire form of an event; fields that are ``None`` or an empty list are left out."""
    present = {name: value for name, value in event.items() if value is not None and value != []}
    ordered = {name: present[name] for name in _ENVELOPE if name in present}
    ordered["ecs.version"] = ECS_VERSION
    for name in sorted(present.keys() - _ENVELOPE_SET - {"ecs.version"}):
        ordered[name] = present[name]
    return dumps(ordered)


def decode(data: bytes) -> Event:
    """Return the event of its wire form, or of any JSON object; raise ``Invalid`` otherwise."""
    value = loads(data)
    if not isinstance(value, dict):
        raise Invalid(f"not a JSON object but {type(value).__name__}")
    return value


def suffix(fields: Mapping[str, Any]) -> bytes:
    """Return ``,"name":value`` for each field: what can be appended to a JSON object before its closing brace."""
    return b"," + dumps(fields)[1:-1] if fields else b""
