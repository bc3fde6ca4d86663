"""What the judge makes of the bytes of an event before it looks at them, and what it reads of bytes that it knows."""

from __future__ import annotations

import re
from typing import Final

from schemas.codec import ACTIVITY_MARK, Event, decode, encode_event, loads
from schemas.errors import Invalid
from schemas.event import parse_time, timestamp, validate_event
from schemas.facts import is_facts
from schemas.fields import FIELDS
from streams.judge.records import JUDGE

__all__ = ["canonical", "id_and_time", "source_of", "utc"]

_ID_START: Final = len(b'{"event.id":"')
_MAX_BYTES: Final = 512 * 1024
"""With facts and verdict it must still be a record that Kafka takes; one that it refuses would be judged for ever."""

_TIME: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"
_UTC: Final = re.compile(_TIME)
_ID_AND_TIME: Final = re.compile(rf'{{"event\.id":"([^"\\]*)","@timestamp":"({_TIME})"'.encode())
_OURS: Final = ("verdict.", "adoption.", "amendment.", "baseline.")
"""Fields that the judge alone writes; whoever else says them is not listened to."""

_JUDGES: Final = frozenset(name for name in FIELDS if name.startswith(_OURS))
_FACTS: Final = frozenset(name for name, row in FIELDS.items() if row.part == "facts")


def canonical(key: bytes | None, value: bytes | None) -> tuple[Event, bytes]:
    """Return an event and its wire form without what only the judge may say; raise ``Invalid`` for what is no event.

    The record's key is the entity, whatever the event says.
    """
    name = _entity(key)
    if value is None:
        raise Invalid("an event without a value")
    if len(value) > _MAX_BYTES:
        raise Invalid(f"an event of {len(value)} bytes; {_MAX_BYTES} is the most")
    event = decode(value)
    refused = _JUDGES if is_facts(event) else _JUDGES | _FACTS
    event = {field: content for field, content in event.items() if field not in refused and content is not None}
    event["entity.id"] = name
    validate_event(event)
    if event["event.id"].startswith(f"{JUDGE}:"):
        raise Invalid(
            f"event.id: {event['event.id'][:64]} is a number of the judge's own records; name the collector otherwise"
        )
    return event, encode_event(event)


def _entity(key: bytes | None) -> str:
    if not key:
        raise Invalid("an event without a key; the key is the entity id")
    try:
        return key.decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"the key is not UTF-8: {key!r}") from error


def source_of(value: bytes) -> bytes:
    """Return the collector and partition of an event whose envelope is known, as in its id."""
    return value[_ID_START : value.index(b'"', _ID_START)].rpartition(b":")[0]


def id_and_time(value: bytes) -> tuple[str, str]:
    """Return event id and UTC time of an event in wire order, without reading all of it; raise ``Invalid`` if they are not there."""
    usual = _ID_AND_TIME.match(value)
    if usual is not None:
        return usual[1].decode(), usual[2].decode()
    head = loads(value[: value.index(ACTIVITY_MARK)] + b"}")
    try:
        return head["event.id"], utc(head["@timestamp"])
    except KeyError as error:
        raise Invalid(f"an envelope without {error}") from error


def utc(moment: str) -> str:
    """Return a time as ``timestamp`` writes it, so that times compare as text; raise ``Invalid`` for what is none.

    Digits in the right places are taken for a time: whoever reckons with it must be ready for a 99th hour.
    """
    return moment if _UTC.fullmatch(moment) else timestamp(parse_time(moment))
