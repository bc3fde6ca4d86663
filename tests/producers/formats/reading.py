"""Reading values through a format, as the tests of formats need it."""

from __future__ import annotations

import json
from typing import Any

from producers.normalise import Normaliser, records_of
from producers.types import Format
from schemas.codec import Event, decode, encode_event
from schemas.errors import Invalid
from schemas.event import validate_event


def lines_of(*values: Any) -> list[bytes]:
    return [value if isinstance(value, bytes) else json.dumps(value).encode() for value in values]


def results_of(format_: Format, *values: Any) -> list[Event | Invalid]:
    """Return events, each valid and as it comes off the wire, and dead letters; every line is accounted for."""
    normaliser = Normaliser(format_)
    results = [result for _, result in normaliser.run(records_of(lines_of(*values), "test"))]
    assert normaliser.tally.unaccounted == 0
    return [_wire(result) if isinstance(result, dict) else result for result in results]


def events_of(format_: Format, *values: Any) -> list[Event]:
    results = results_of(format_, *values)
    assert not [result for result in results if isinstance(result, Invalid)]
    return [result for result in results if isinstance(result, dict)]


def _wire(event: Event) -> Event:
    read = decode(encode_event(event))
    validate_event(read)
    return read
