"""A record as rules read it: by column, each computed once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from streams.rules.derived import DERIVED, Derived
from streams.rules.folding import fold, text_of

__all__ = ["MISSING", "View", "texts_within"]

MISSING: Final = object()
"""What a column is that the record does not have."""

_NO_DERIVED: Final[Mapping[str, Derived]] = {}
_MAX_DEPTH: Final = 64


class View:
    """One record while it is matched.

    A column is a key of the record as it is written, else a derived one (for mapped rules), else a path through nested
    objects; a path that crosses a list means every element.
    """

    __slots__ = ("_derived", "_encoded", "_folded", "_raw", "_texts", "found", "record")

    def __init__(self, record: Mapping[str, Any], *, mapped: bool) -> None:
        self.record = record
        self.found: dict[int, bool] = {}
        """What dear tests have found, by their number."""
        self._derived = DERIVED if mapped else _NO_DERIVED
        self._raw: dict[str, Any] = {}
        self._texts: dict[str, tuple[str, ...]] = {}
        self._folded: dict[str, tuple[str, ...]] = {}
        self._encoded: dict[str, tuple[bytes, ...]] = {}

    def raw(self, column: str) -> Any:
        """Return the value of a column as it is, or ``MISSING``."""
        value = self.record.get(column, MISSING)
        if value is not MISSING:
            return value
        if column in self._raw:
            return self._raw[column]
        derived = self._derived.get(column)
        if derived is not None:
            read = derived.read(self.record)
            value = MISSING if read is None else read
        elif "." in column:
            value = _nested(self.record, column)
        self._raw[column] = value
        return value

    def values(self, column: str) -> tuple[Any, ...]:
        """Return the single values of a column: the elements of a list, lists within it included."""
        value = self.raw(column)
        if isinstance(value, list | tuple):
            return tuple(_elements(value))
        return () if value is MISSING else (value,)

    def texts(self, column: str) -> tuple[str, ...]:
        """Return the values of a column as texts."""
        texts = self._texts.get(column)
        if texts is None:
            value = self.record.get(column)
            texts = (value,) if isinstance(value, str) else self._read_texts(column)
            self._texts[column] = texts
        return texts

    def _read_texts(self, column: str) -> tuple[str, ...]:
        return tuple(text for value in self.values(column) if (text := text_of(value)) is not None)

    def folded(self, column: str) -> tuple[str, ...]:
        """Return the values of a column as texts without case."""
        folded = self._folded.get(column)
        if folded is None:
            folded = self._folded[column] = tuple(map(fold, self.texts(column)))
        return folded

    def encoded(self, column: str | None) -> tuple[bytes, ...]:
        """Return the values of a column (or every text of the record) in UTF-8."""
        key = column or ""
        encoded = self._encoded.get(key)
        if encoded is None:
            texts = self.all_texts() if column is None else self.texts(column)
            encoded = self._encoded[key] = tuple(text.encode("utf-8", "surrogatepass") for text in texts)
        return encoded

    def all_texts(self) -> tuple[str, ...]:
        """Return every text of the record, wherever it stands; what is no text is left out."""
        texts = self._texts.get("")
        if texts is None:
            texts = self._texts[""] = tuple(texts_within(self.record))
        return texts

    def all_folded(self) -> tuple[str, ...]:
        """Return every text of the record without case."""
        folded = self._folded.get("")
        if folded is None:
            folded = self._folded[""] = tuple(map(fold, self.all_texts()))
        return folded


def texts_within(value: Any, depth: int = _MAX_DEPTH) -> Iterator[str]:
    """Yield the texts within a value, keys of objects excepted."""
    if isinstance(value, str):
        yield value
    elif depth and isinstance(value, Mapping):
        for entry in value.values():
            yield from texts_within(entry, depth - 1)
    elif depth and isinstance(value, list | tuple):
        for entry in value:
            yield from texts_within(entry, depth - 1)


def _elements(values: list[Any] | tuple[Any, ...]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _elements(value)
        else:
            yield value


def _nested(record: Mapping[str, Any], path: str) -> Any:
    found = list(_followed(record, path, _MAX_DEPTH))
    if not found:
        return MISSING
    return found[0] if len(found) == 1 else found


def _followed(value: Any, path: str, depth: int) -> Iterator[Any]:
    """Yield what lies at the end of a path; at each object the longest key that fits is followed alone."""
    if isinstance(value, list | tuple) and depth:
        for entry in value:
            yield from _followed(entry, path, depth - 1)
    if not isinstance(value, Mapping):
        return
    if path in value:
        yield value[path]
        return
    end = path.rfind(".")
    while end > 0:
        if path[:end] in value:
            yield from _followed(value[path[:end]], path[end + 1 :], depth - 1)
            return
        end = path.rfind(".", 0, end)
