"""Recorded events and verdicts, from files and from the topic ``verdicts``."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import zstandard

from deploy.kafka import read_since
from schemas.codec import Event, decode
from schemas.errors import ConfigurationError, Invalid
from schemas.event import parse_time, validate_event
from schemas.settings import KafkaSettings

__all__ = ["lines_of", "records_of_file", "records_of_period"]

_LINE: Final = "input.line"
"""What ``try --json`` puts before each event."""

_NANOSECONDS_A_MILLISECOND: Final = 1_000_000


def records_of_file(path: Path) -> Callable[[], Iterable[Event | Invalid]]:
    """Return what reads a file from its beginning: events or verdicts as JSON lines, which may be compressed (``.gz``, ``.zst``).

    ``normalise``, ``try --json`` and whoever reads the topic ``verdicts`` write such files.
    """
    return lambda: _records(path)


def _records(path: Path) -> Iterator[Event | Invalid]:
    for number, line in enumerate(lines_of(path), start=1):
        if line.strip():
            yield _record(line, f"{path}:{number}")


def lines_of(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, plain or compressed; raise ``ConfigurationError`` where it cannot be read."""
    try:
        with path.open("rb") as file:
            yield from _unpacked(path, file)
    except (OSError, EOFError, zstandard.ZstdError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}; name a file of lines, plain, .gz or .zst") from error


def _unpacked(path: Path, file: io.BufferedReader) -> io.BufferedReader | gzip.GzipFile:
    if path.suffix == ".gz":
        return gzip.GzipFile(fileobj=file)
    if path.suffix == ".zst":
        return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True))
    return file


def _record(line: bytes, place: str) -> Event | Invalid:
    try:
        event = {name: value for name, value in decode(line).items() if value is not None and name != _LINE}
        validate_event(event)
    except Invalid as error:
        return Invalid(f"{place}: {error}")
    return event


def records_of_period(settings: KafkaSettings, first: str, last: str) -> Callable[[], Iterable[Event | Invalid]]:
    """Return what reads from ``verdicts`` what happened from ``first`` on and before ``last``, both in ISO 8601; empty is open.

    A record is in the topic after it has happened, so what stands there before ``first`` is not read.
    """
    begin, end = (_nanoseconds(text) for text in (first, last))
    since = 0 if begin is None else begin // _NANOSECONDS_A_MILLISECOND
    return lambda: (
        record
        for place, value in read_since(settings, "verdicts", since)
        if isinstance(record := _record(value or b"", str(place)), Invalid) or _is_within(record, begin, end)
    )


def _nanoseconds(text: str) -> int | None:
    try:
        return parse_time(text) if text else None
    except Invalid as error:
        raise ConfigurationError(f"`{text}` is no time: {error}; write 2026-05-31T10:00:00Z") from error


def _is_within(record: Event, begin: int | None, end: int | None) -> bool:
    moment = parse_time(record["@timestamp"])
    return (begin is None or moment >= begin) and (end is None or moment < end)
