"""Patterns of a dimension, compiled: which one covers an element, most specific first.

- ``StepPatterns`` for what is steps of a trie: a name before ``-*``, that before ``*``, that before ``**``. Each node is visited
  at most once, and usually one at each step. Two places are stricter than the words say: below ``/proc`` itself ``*`` is the folder
  of a process, which sensors write so, and no other name; and what a shell, or another program that runs what its arguments say,
  is told by a flag (``sh -c …``) is no ``*``.
- ``PeerPatterns`` for connections: a port before a range of ports, a peer before the smallest block around it.
- ``BandPatterns`` for resources: a band is known up to two beyond what was learned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from schemas.baseline import Element
from streams.baseline.bands import band_range
from streams.baseline.blocks import Block, block_of
from streams.baseline.limits import PROCESSES, is_interpreter
from streams.baseline.steps import (
    ANY,
    ANY_FLAG,
    ANY_FOLDER,
    FLAG,
    FOLDER,
    PATHS,
    REST,
    SINGULAR,
    Steps,
    filled,
    folders_of,
    in_folders,
    path_start,
    steps_of,
)

__all__ = ["BandPatterns", "Patterns", "PeerPatterns", "StepPatterns"]

_WILD: Final = frozenset({ANY, ANY_FOLDER, ANY_FLAG, REST})
_PORTS: Final = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_CONNECTION_WORDS: Final = 3
_BAND_WORDS: Final = 2
_BANDS_BEYOND: Final = 2
_EVERY_BAND: Final = (-(10**9), 10**9)


class Patterns(Protocol):
    """The patterns of one dimension."""

    def find(self, element: Element) -> Element | None:
        """Return the pattern that covers an element, which may be one itself; None if none does."""


@dataclass(slots=True)
class _Node:
    """What follows a step; ``strict`` says that patterns are names here."""

    children: dict[str, _Node] = field(default_factory=dict)
    element: Element | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a search stands: the node, how many steps are behind it, and whether the program interprets its arguments."""

    node: _Node
    done: int
    interpreted: bool = False


class StepPatterns:
    """Patterns of a dimension whose elements are steps of a trie."""

    __slots__ = ("_dimension", "_root")

    def __init__(self, dimension: str, elements: Iterable[Element]) -> None:
        self._dimension = dimension
        self._root = _Node()
        for element in elements:
            if any("*" in word for word in element):
                self._add(element)

    def find(self, element: Element) -> Element | None:
        """Return the pattern that covers an element."""
        if not self._root.children:
            return None
        steps = steps_of(self._dimension, element)
        folders = len(folders_of(steps)) if in_folders(self._dimension) else -1
        places = [_Place(self._root, 0)]
        while places:
            place = places.pop()
            if place.done < len(steps):
                places.extend(self._next(place, steps, folders))
            elif place.node.element is not None:
                return place.node.element
            elif REST in place.node.children:
                return place.node.children[REST].element
        return None

    def _add(self, element: Element) -> None:
        steps = steps_of(self._dimension, element)
        if _WILD.isdisjoint(steps):
            return
        node, start = self._root, path_start(self._dimension)
        for done, step in enumerate(steps, 1):
            node = node.children.setdefault(step, _Node())
            node.strict = self._dimension in PATHS and steps[start:done] == PROCESSES
        node.element = element

    def _next(self, place: _Place, steps: Steps, folders: int) -> Iterator[_Place]:
        """Yield where a search goes on, the least specific first; ``folders`` is where the path ends."""
        if place.done <= folders:
            return self._in_path(place, steps, folders)
        return self._in_words(place, steps)

    def _in_path(self, place: _Place, steps: Steps, folders: int) -> Iterator[_Place]:
        children, step, ahead = place.node.children, steps[place.done], place.done + 1
        if REST in children:
            yield _Place(children[REST], folders + 1)
        above = "" if step in SINGULAR or place.node.strict else ANY_FOLDER if step.endswith(FOLDER) else ANY
        if place.done == folders:
            yield from (_Place(below, ahead) for below in _deep(children, step, above))
        if above in children:
            yield _Place(children[above], ahead)
        if step in children:
            yield _Place(children[step], ahead, self._dimension == "args" and ahead > folders and is_interpreter(step))

    def _in_words(self, place: _Place, steps: Steps) -> Iterator[_Place]:
        children, step, ahead = place.node.children, steps[place.done], place.done + 1
        is_flag = self._dimension == "args" and step.startswith(FLAG)
        if REST in children:
            yield _Place(children[REST], len(steps))
        if ANY in children and step != REST and not (is_flag and place.interpreted):
            yield _Place(children[ANY], ahead, place.interpreted)
        if is_flag and ANY_FLAG in children:
            yield _Place(children[ANY_FLAG], ahead, place.interpreted)
        if step in children:
            yield _Place(children[step], ahead, place.interpreted)


def _deep(children: dict[str, _Node], step: str, above: str) -> Iterator[_Node]:
    """Yield what stands for a folder and all that is below it, where the folder itself is asked for by its name."""
    for folder in (ANY_FOLDER if above else "", "" if step in SINGULAR else step + FOLDER):
        if folder in children and REST in children[folder].children:
            yield children[folder].children[REST]


class PeerPatterns:
    """Patterns of connections: blocks, ranges of ports, and any peer, port or transport."""

    __slots__ = ("_groups", "_lengths", "_ranges")

    def __init__(self, elements: Iterable[Element]) -> None:
        self._groups: dict[tuple[str, str], dict[str | Block, Element]] = {}
        lengths: set[tuple[int, int]] = set()
        ports: set[str] = set()
        for element in elements:
            peer, port, transport = filled(element, _CONNECTION_WORDS)
            block = block_of(peer)
            if not _is_pattern(block, (peer, port, transport)):
                continue
            if block is not None:
                lengths.add((block.version, block.length))
            ports.add(port)
            self._groups.setdefault((port, transport), {})[block or peer] = element
        self._lengths = tuple(sorted(lengths, reverse=True))
        self._ranges = tuple(sorted(one for port in ports if "-" in port and (one := _port_range(port)) is not None))

    def find(self, element: Element) -> Element | None:
        """Return the pattern that covers a connection."""
        peer, port, transport = filled(element, _CONNECTION_WORDS)
        peers = tuple(self._peers(peer))
        for port_word in self._ports(port):
            for transport_word in (transport, ANY):
                group = self._groups.get((port_word, transport_word), {})
                for peer_word in peers:
                    if peer_word in group:
                        return group[peer_word]
        return None

    def _peers(self, peer: str) -> Iterator[str | Block]:
        block = block_of(peer)
        if block is None:
            yield peer
        else:
            for version, length in self._lengths:
                if version == block.version and length <= block.length:
                    yield block.widened(length)
        yield ANY

    def _ports(self, port: str) -> Iterator[str]:
        yield port
        asked = _port_range(port)
        if asked is not None:
            yield from (word for _, low, high, word in self._ranges if low <= asked[1] and asked[2] <= high)
        yield ANY


def _is_pattern(block: Block | None, words: Element) -> bool:
    return ANY in words or "-" in words[1] or (block is not None and not block.is_address)


def _port_range(word: str) -> tuple[int, int, int, str] | None:
    """Return how many ports a word means, the first, the last, and the word; None for what is neither a port nor a range."""
    found = _PORTS.fullmatch(word)
    if found is None:
        return None
    low, high = int(found[1]), int(found[2] or found[1])
    return high - low + 1, low, high, word


class BandPatterns:
    """Ranges of bands by metric."""

    __slots__ = ("_ranges",)

    def __init__(self, elements: Iterable[Element]) -> None:
        self._ranges: dict[str, list[tuple[int, int, Element]]] = {}
        for element in elements:
            metric, word = filled(element, _BAND_WORDS)
            found = _EVERY_BAND if word == ANY else band_range(word)
            if found is not None:
                self._ranges.setdefault(metric, []).append((*found, element))

    def find(self, element: Element) -> Element | None:
        """Return the nearest range that covers a band."""
        metric, word = filled(element, _BAND_WORDS)
        asked = band_range(word)
        if asked is None:
            return None
        near = [
            (max(low - asked[0], asked[1] - high, 0), known)
            for name in (metric, ANY)
            for low, high, known in self._ranges.get(name, ())
        ]
        distance, known = min(near, default=(_BANDS_BEYOND + 1, ()))
        return known if distance <= _BANDS_BEYOND else None
