"""From a record to the rules that could match it: all anchors of all rules, looked up together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from streams.rules.anchors import Anchor, HasNumber, HasPattern, HasText, HasValue, IsThere, chosen, scanned
from streams.rules.condition import Condition, fields_of
from streams.rules.derived import DERIVED
from streams.rules.folding import number_of
from streams.rules.scanner import Scanner
from streams.rules.view import MISSING, View

__all__ = ["Index"]

_Numbers = tuple[int, ...]

_SCALARS: Final = frozenset({str, int, float, bool, type(None)})


class Index:
    """Numbers of conditions, by what a record must have for them to hold."""

    def __init__(self, conditions: Sequence[Condition], *, mapped: bool) -> None:
        by_anchor = _by_anchor(conditions)
        self._always: _Numbers = tuple(by_anchor.pop(None, ()))
        anchors: Mapping[Anchor, list[int]] = {anchor: found for anchor, found in by_anchor.items() if anchor}
        self._values: dict[str, dict[str, _Numbers]] = defaultdict(dict)
        self._numbers: dict[str, dict[int | float, _Numbers]] = defaultdict(dict)
        self._there: dict[str, _Numbers] = {}
        for anchor, found in anchors.items():
            self._add(anchor, tuple(found))
        self._scanner = Scanner(anchor for anchor in anchors if isinstance(anchor, HasText | HasPattern))
        self._scanned = [tuple(anchors[anchor]) for anchor in self._scanner.anchors]
        columns = self._values.keys() | self._numbers.keys() | self._there.keys()
        self._read = frozenset(columns)
        self._paths = tuple(sorted(column for column in columns if "." in column))
        self._texts_in = scanned(conditions) if mapped else None
        read = frozenset().union(*map(fields_of, conditions)) if mapped else frozenset()
        self._derived = tuple((column, frozenset(DERIVED[column].reads)) for column in sorted(read & DERIVED.keys()))

    def _add(self, anchor: Anchor, found: _Numbers) -> None:
        if isinstance(anchor, HasValue):
            self._values[anchor.column][anchor.text] = found
        elif isinstance(anchor, HasNumber):
            self._numbers[anchor.column][anchor.number] = found
        elif isinstance(anchor, IsThere):
            self._there[anchor.column] = found

    def candidates(self, view: View) -> set[int]:
        """Return the numbers of all conditions that hold of a view, and of some that do not."""
        candidates = set(self._always)
        present = view.record.keys()
        columns = present | {column for column, reads in self._derived if not reads.isdisjoint(present)}
        texts, nested = self._texts(view, columns)
        for column in (self._read & columns).union(self._paths if nested else ()):
            candidates.update(*self._of_column(view, column))
        for number in self._scanner.scan(texts) if texts and self._scanned else ():
            candidates.update(self._scanned[number])
        return candidates

    def _texts(self, view: View, columns: AbstractSet[str]) -> tuple[list[str], bool]:
        """Return the texts of a view, of which these are the columns, that have to be scanned, and whether objects lie within it."""
        more: AbstractSet[str]
        if self._texts_in is None or any(map(_holds_objects, view.record.values())):
            texts, nested = _texts(view.record)
            more = columns - view.record.keys()
        else:
            texts, nested, more = [], False, columns & self._texts_in
        for column in more:
            texts.extend(view.texts(column))
        return texts, nested

    def _of_column(self, view: View, column: str) -> Iterator[_Numbers]:
        values = self._values.get(column)
        if values:
            yield from (values[text] for text in view.folded(column) if text in values)
        numbers = self._numbers.get(column)
        if numbers:
            known = (number_of(value) for value in view.values(column))
            yield from (numbers[number] for number in known if number is not None and number in numbers)
        if column in self._there and view.raw(column) is not MISSING:
            yield self._there[column]


def _by_anchor(conditions: Sequence[Condition]) -> dict[Anchor | None, list[int]]:
    """Return the numbers of the conditions by anchor; by ``None`` those that must always be tried."""
    by_anchor: dict[Anchor | None, list[int]] = defaultdict(list)
    for number, anchors in enumerate(chosen(conditions)):
        for anchor in anchors or (None,):
            by_anchor[anchor].append(number)
    return by_anchor


def _holds_objects(value: Any) -> bool:
    if type(value) in _SCALARS:
        return False
    return not isinstance(value, list | tuple) or any(
        type(part) is not str and isinstance(part, Mapping) for part in value
    )


def _texts(record: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Return all texts of a record, numbers as text too, and whether objects lie within it."""
    texts: list[str] = []
    nested = False
    for value in record.values():
        kind = type(value)
        if kind is str:
            texts.append(value)
        elif kind is int or kind is float:
            texts.append(str(value))
        elif kind is bool:
            texts.append("true" if value else "false")
        elif value is not None:
            nested = nested or _holds_objects(value)
            texts.extend(_all_texts(value))
    return texts, nested


def _all_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _all_texts(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _all_texts(entry)
    elif value is not None:
        yield str(value).lower() if isinstance(value, bool) else str(value)
