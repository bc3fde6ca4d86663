"""Records that are JSON documents: one a line, one over many lines as tools print them, or one as it was pushed.

Lines of a document that begins and does not end are held until it is whole. A document that never is becomes one dead
letter, with its bytes: at its 16th megabyte, when another one begins, at a line that is no JSON, when nothing more comes for
ten seconds, or at the end. A collector holds no more than ``collector.held_bytes``; longer documents are to be on one line
(``jq -c . report.json``), which may have ``collector.max_body_bytes``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import Any, Final

from producers.formats.outline import Outline
from producers.types import Outcome, Position, Record, Result
from schemas.codec import loads
from schemas.errors import Drop, Invalid

__all__ = ["DocumentFormat"]

_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_NO_JSON: Final = re.compile(rb"[^\s{}\[\]:,0-9+\-.eEtrufalsn]")
_OPENING: Final = (b"{", b"[")
_GOES_ON: Final = (b",", b"[", b":")
"""What a line ends with if a value may follow on the next one."""

_MAX_BYTES: Final = 16 * 1024 * 1024
_MAX_IDLE_SECONDS: Final = 10.0
_EMPTY: Final = "document with nothing in it"
_GIVEN_UP: Final = "rest of a document that was given up"


class DocumentFormat:
    """Documents to what ``read`` makes of each; a list is a document an item.

    ``read`` may yield ``Invalid`` and ``Drop``, and may raise them. ``outline`` says what dead letters may keep; all, by default.
    """

    def __init__(self, read: Callable[[Any], Iterable[Result]], outline: Outline | None = None) -> None:
        self._read = read
        self._outline = outline
        self._lines: list[Record] = []
        self._bytes = 0
        self._depth = 0
        self._before: Position | None = None
        self._resume: Position = {}
        self._arrived = 0.0
        self._skipping = False

    def outline(self, data: bytes) -> bytes:
        """Return what a dead letter may tell of a record."""
        return self._outline.of(data) if self._outline else data

    @property
    def held(self) -> Position | None:
        """Return the position before the first held line; ``{}`` if that is where this run began to read."""
        return self._resume if self._lines else None

    def parse(self, record: Record) -> list[Result | Outcome]:
        """Return what the document that this line completes becomes; nothing if the line is held."""
        try:
            return list(self._parse(record))
        finally:
            self._before = record.position

    def flush(self, *, final: bool = False) -> list[Outcome]:
        """Return a dead letter of a document that has waited too long for its end, or of any if ``final``."""
        if not self._lines or not (final or monotonic() - self._arrived >= _MAX_IDLE_SECONDS):
            return []
        return list(self._give_up("a document without an end"))

    def _parse(self, record: Record) -> Iterator[Result | Outcome]:
        if self._lines and self._begins_another(record.data):
            yield from self._give_up("a document without an end, and another one begins")
            self._skipping = False
        if self._lines:
            yield from self._go_on(record)
        elif self._skipping and not record.data.startswith(_OPENING):
            yield Drop(_GIVEN_UP)
        else:
            self._skipping = False
            yield from self._begin(record)

    def _begin(self, record: Record) -> Iterator[Result]:
        try:
            document = loads(record.data)
        except Invalid as reason:
            if not record.data.lstrip().startswith(_OPENING) or not self._is_open(record.data):
                yield reason
                return
            self._resume = self._before or {}
            self._hold(record)
        else:
            yield from self._results(document)

    def _go_on(self, record: Record) -> Iterator[Result | Outcome]:
        strange = self._is_strange(record.data)
        self._hold(record)
        if strange or self._bytes > _MAX_BYTES:
            self._skipping = True
            yield from self._give_up("a line that is no JSON" if strange else f"longer than {_MAX_BYTES} bytes")
        elif self._depth <= 0:
            yield from self._end()

    def _end(self) -> Iterator[Outcome]:
        lines = self._take()
        try:
            document = loads(b"\n".join(line.data for line in lines))
        except Invalid as reason:
            yield Outcome(reason, lines)
        else:
            for result in self._results(document):
                yield Outcome(result, lines)

    def _results(self, value: Any) -> list[Result]:
        """Return at least one result."""
        documents = value if isinstance(value, list) else [value]
        return [result for document in documents for result in self._results_of_one(document)] or [Drop(_EMPTY)]

    def _results_of_one(self, document: Any) -> Iterator[Result]:
        try:
            yield from self._read(document)
        except (Drop, Invalid) as reason:
            yield reason

    def _give_up(self, reason: str) -> Iterator[Outcome]:
        lines = self._take()
        self._skipping = True
        yield Outcome(Invalid(f"{reason}; it began at {lines[0].place}"), lines)

    def _take(self) -> tuple[Record, ...]:
        lines, self._lines, self._bytes, self._depth = tuple(self._lines), [], 0, 0
        return lines

    def _hold(self, record: Record) -> None:
        bare = _STRING.sub(b"", record.data)
        self._depth += sum(map(bare.count, _OPENING)) - bare.count(b"}") - bare.count(b"]")
        self._bytes += len(record.data)
        self._lines.append(record)
        self._arrived = monotonic()

    def _begins_another(self, line: bytes) -> bool:
        """Return whether a line can be no part of the held document: it begins a value where none may follow."""
        if not line.startswith(_OPENING):
            return False
        indented = len(self._lines) > 1 and self._lines[1].data[:1].isspace()
        return indented or not self._lines[-1].data.rstrip().endswith(_GOES_ON)

    @staticmethod
    def _is_strange(line: bytes) -> bool:
        return _NO_JSON.search(_STRING.sub(b"", line)) is not None

    @classmethod
    def _is_open(cls, line: bytes) -> bool:
        """Return whether a line may be the beginning of a document that goes on, as far as it can be seen."""
        bare = _STRING.sub(b"", line)
        return not cls._is_strange(line) and sum(map(bare.count, _OPENING)) > bare.count(b"}") + bare.count(b"]")
