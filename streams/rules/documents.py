"""The YAML of rule files: plain values as YAML 1.2 reads them, with the line of every key, and nothing that can explode.

The specification asks for YAML 1.2, where ``yes``, ``no``, ``on`` and ``2024-08-08`` are text. Keys are taken as they are
written. Aliases may be used, up to a size that no person writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from streams.rules.fault import RuleFault

__all__ = ["MAX_DEPTH", "Place", "RuleDocument", "path_text", "read_documents"]

Place = tuple[str | int, ...]
"""Keys and positions from the top of a document."""

MAX_DEPTH: Final = 50
"""Deeper nesting is no rule."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML has it: ten times as fast."""

_Event = Any
"""An event of PyYAML's parser, each class of which has other attributes."""

_MAX_VALUES: Final = 100_000
"""More values in one document are an alias that repeats itself."""

_HALF: Final = re.compile("[\ud800-\udfff]")
_NULL: Final = re.compile(r"|~|null|Null|NULL")
_TRUE: Final = re.compile(r"true|True|TRUE")
_FALSE: Final = re.compile(r"false|False|FALSE")
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,100}")
_OCTAL: Final = re.compile(r"0o([0-7]{1,100})")
_HEXADECIMAL: Final = re.compile(r"0x([0-9a-fA-F]{1,100})")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class RuleDocument:
    """One document of a file: its value and the line of each key and item."""

    file: str
    value: Any
    lines: dict[Place, int]

    def line(self, place: Place) -> int:
        """Return the line of a place, or of the nearest place above it."""
        while place not in self.lines:
            place = place[:-1]
        return self.lines[place]

    @property
    def title(self) -> str:
        """How people know it: its title, also where the rest is wrong."""
        for key in ("title", "id", "name"):
            named = self.value.get(key) if isinstance(self.value, dict) else None
            if isinstance(named, str) and named.strip():
                return " ".join(named.split())[:100]
        return "document"

    def fault(self, place: Place, message: str) -> RuleFault:
        path = f"{path_text(place)} " if place else ""
        return RuleFault(self.file, self.line(place), self.title, f"{path}{message}")


def path_text(place: Place) -> str:
    """Return a place as ``detection.selection[2].Image``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".") or "document"


def read_documents(file: str, text: str) -> tuple[list[RuleDocument], list[RuleFault]]:
    """Return the documents of a file that are not empty, and the faults of those that cannot be read.

    What stands behind a place that is no YAML cannot be told apart, so it is left out together with it.
    """
    documents: list[RuleDocument] = []
    faults: list[RuleFault] = []
    try:
        events = yaml.parse(text, Loader=_LOADER)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                document = _document(file, events, faults)
                documents.extend([document] if document is not None and document.value is not None else [])
    except yaml.YAMLError as error:
        faults.append(_unreadable(file, error))
    except ValueError as error:  # PyYAML lets out what chr() and encode() say of odd characters
        faults.append(RuleFault(file, 1, "document", f"cannot be read as YAML: {error}"))
    return documents, faults


def _document(file: str, events: Iterator[_Event], faults: list[RuleFault]) -> RuleDocument | None:
    try:
        return _Reader(file, events).read()
    except _UnreadableError as error:
        faults.append(RuleFault(file, error.line, "document", str(error)))
        for event in events:
            if isinstance(event, yaml.DocumentEndEvent):
                break
        return None


def _unreadable(file: str, error: yaml.YAMLError) -> RuleFault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    place = f" (column {mark.column + 1})" if mark else ""
    return RuleFault(file, mark.line + 1 if mark else 1, "document", f"is not readable as YAML: {problem}{place}")


class _UnreadableError(Exception):
    """A document is YAML, but nothing that a rule can be read from."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class _Reader:
    """Turns the events of one document into values, without ever being deeper than a rule can be."""

    def __init__(self, file: str, events: Iterator[_Event]) -> None:
        self._file = file
        self._events = events
        self._lines: dict[Place, int] = {}
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0

    def read(self) -> RuleDocument:
        first = next(self._events)
        value = self._value(first, (), _line(first))
        return RuleDocument(self._file, value, self._lines)

    def _value(self, event: _Event, place: Place, line: int) -> Any:
        before = self._values
        self._count(1, place, line)
        self._lines[place] = line
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), place, line)
        if isinstance(event, yaml.MappingStartEvent):
            value: Any = dict(self._entries(place))
        elif isinstance(event, yaml.SequenceStartEvent):
            value = list(self._items(place))
        else:
            value = _scalar(event, place)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._values - before)
        return value

    def _count(self, number: int, place: Place, line: int) -> None:
        self._values += number
        if self._values > _MAX_VALUES or len(place) > MAX_DEPTH:
            raise _UnreadableError(line, f"{path_text(place[:5])} is too large or nested too deeply")

    def _alias(self, anchor: str, place: Place, line: int) -> Any:
        if anchor not in self._anchors:
            raise _UnreadableError(line, f"{path_text(place)} names *{anchor}, which is not said before")
        value, size = self._anchors[anchor]
        self._count(size, place, line)
        return value

    def _items(self, place: Place) -> Iterator[Any]:
        for number, event in enumerate(self._events):
            if isinstance(event, yaml.SequenceEndEvent):
                return
            yield self._value(event, (*place, number), _line(event))

    def _entries(self, place: Place) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                return
            line = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise _UnreadableError(line, f"{path_text(place)} has a key that is no word")
            key = _text(event, place)
            if key in seen:
                where = path_text((*place, key))
                raise _UnreadableError(line, f"{where} stands here twice, first in line {seen[key]}; join them")
            seen[key] = line
            yield key, self._value(next(self._events), (*place, key), line)


def _line(event: _Event) -> int:
    return int(event.start_mark.line) + 1


def _text(event: _Event, place: Place) -> str:
    text = str(event.value)
    if _HALF.search(text):
        raise _UnreadableError(_line(event), f"{path_text(place)} has half a character (a lone surrogate) in it")
    return text


def _scalar(event: _Event, place: Place) -> Any:
    text = _text(event, place)
    return text if event.style else _plain(text)


def _plain(text: str) -> Any:
    """Return what YAML 1.2 reads in a scalar without quotes."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return bool(_TRUE.fullmatch(text))
    if _INTEGER.fullmatch(text):
        return int(text)
    for form, base in ((_OCTAL, 8), (_HEXADECIMAL, 16)):
        if digits := form.fullmatch(text):
            return int(digits[1], base)
    return float(text) if _FLOAT.fullmatch(text) else text
