"""Elements as a person reads them: paths as a tree, peers by name, each element one line.

Names are chosen by whoever is watched: what is not printable is escaped, so that nobody paints a terminal. Stars and backslashes
stand as they do in elements, so that a line can be typed again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from shlex import quote
from typing import Final

from deploy.baselines.view import Item
from schemas.baseline import Element
from streams.baseline.bands import band_range
from streams.baseline.exports.words import shown

__all__ = ["Line", "lines_of", "words_of"]

_HIDING: Final = re.compile(r"[ '\"]")
_LISTEN: Final = "listen"
_KINDS: Final = {"workload:": "workload", "name:": "name"}
_BANDS_AN_OCTAVE: Final = 4
_KIBI: Final = 1024.0
_UNITS: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its text with the branches of the tree before it, and the element it stands for; None for what only holds others."""

    text: str
    item: Item | None


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)


def lines_of(dimension: str, items: Iterable[Item]) -> list[Line]:
    """Return the elements of a dimension as a tree, in order."""
    root, steps_of = _Node(), _STEPS[dimension]
    for item in items:
        node = root
        for step in steps_of(item.element):
            node = node.children.setdefault(step, _Node())
        node.items.append(item)
    return [line for text, node in root.children.items() for line in _drawn(text, node, "", "")]


def _drawn(text: str, node: _Node, first: str, rest: str) -> Iterator[Line]:
    """Yield the lines of a node; one that holds a single other is one line with it."""
    while len(node.children) == 1 and not node.items:
        (step, node), *_ = node.children.items()
        text += step
    yield from (Line(first + text, item) for item in node.items or (None,))
    children = list(node.children.items())
    for number, (step, child) in enumerate(children, 1):
        is_last = number == len(children)
        yield from _drawn(
            step.lstrip(), child, rest + ("└── " if is_last else "├── "), rest + ("    " if is_last else "│   ")
        )


def words_of(element: Element) -> str:
    """Return the words of an element on one line, quoted as for a shell where a space or a quote would hide where one ends."""
    return " ".join(_word(word) for word in element)


def _word(word: str) -> str:
    text = shown(word)
    return quote(text) if not text or _HIDING.search(text) else text


def _path(path: str) -> list[str]:
    """Return a path as steps, a folder each."""
    head, *rest = path.split("/")
    return [step for step in (shown(head), *(f"/{shown(part)}" for part in rest)) if step]


def _with_path(path: str, more: str) -> list[str]:
    *folders, last = _path(path) or ["''"]
    return [*folders, f"{last}{more}"]


def _exec(element: Element) -> list[str]:
    return _with_path(element[0], f" as {_word(element[1])}" if len(element) > 1 else "")


def _args(element: Element) -> list[str]:
    return [_word(element[0]), " " + (words_of(element[1:]) if len(element) > 1 else "(no arguments)")]


def _hash(element: Element) -> list[str]:
    return _with_path(element[0], f" sha256:{words_of(element[1:])}")


def _file(element: Element) -> list[str]:
    return _with_path(element[0], f" {words_of(element[1:])}")


def _connection(element: Element) -> list[str]:
    peer, *port = element
    service = "/".join(shown(part) for part in port if part)
    return [_peer(peer), f" {service}"] if service else [_peer(peer)]


def _peer(word: str) -> str:
    if word == _LISTEN:
        return "listens on"
    for prefix, kind in _KINDS.items():
        if word.startswith(prefix):
            return f"{shown(word.removeprefix(prefix).lstrip('/'))} ({kind})"
    return _word(word)


def _resource(element: Element) -> list[str]:
    metric, *bands = element
    found = band_range(bands[0]) if bands else None
    if found is None:
        return [words_of(element)]
    low, high = (2 ** (band / _BANDS_AN_OCTAVE) for band in (found[0], found[1] + 1))
    least, most = _quantity(metric, low), _quantity(metric, high)
    return [f"{_word(metric)} {bands[0]}: {least}" + (f" to {most}" if most != least else "")]


def _quantity(metric: str, value: float) -> str:
    if metric == "cpu":
        return f"{value:.2g} cores"
    if metric == "pids":
        return f"{value:.0f} processes"
    unit = 0
    while value >= _KIBI and unit < len(_UNITS) - 1:
        value, unit = value / _KIBI, unit + 1
    return f"{value:.3g} {_UNITS[unit]}B" + ("" if metric == "memory" else "/s")


def _grouped(element: Element) -> list[str]:
    return [_word(element[0]), f" {words_of(element[1:])}"] if len(element) > 1 else [words_of(element)]


def _flat(element: Element) -> list[str]:
    """Return all words; empty ones at the end say nothing."""
    count = max((number for number, word in enumerate(element, 1) if word), default=0)
    return [words_of(element[:count])]


_STEPS: Final[Mapping[str, Callable[[Element], list[str]]]] = {
    "exec": _exec,
    "args": _args,
    "hash": _hash,
    "file": _file,
    "egress": _connection,
    "ingress": _connection,
    "dns": _flat,
    "resource": _resource,
    "settings": _grouped,
    "image": _grouped,
    "api": _flat,
    "secret": _flat,
}
"""How each dimension is drawn; all of ``DIMENSIONS``."""
