"""A trie that grows patterns: where too many names stand side by side, any name takes their place.

The rules of a dimension say how many are too many. A pattern takes in every other name beside it, with all that is below; ``**``
takes in all that is below its node. Both only become more as more is learned, so the result depends neither on the order nor on
whether all was learned at once or a part of it was generalised before. This holds for rules that keep the promise of ``Rules``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from streams.baseline.steps import ANY, ANY_FLAG, ANY_FOLDER, FLAG, FOLDER, REST, SINGULAR, Steps

__all__ = ["Limits", "Node", "Rules", "grown", "sequences", "settle"]

_WIDEST: Final = 1024
"""So many children turn a node into ``**`` where that may stand: more than limits let stand, so only unlimited nodes have them."""

_MANY: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may stand behind a trail before it collapses.

    ``names`` (``flags``, where these are told apart): how many; None if they never collapse, and patterns are names there.
    ``lengths``: behind how many different numbers of ``*`` an element may end before all becomes ``**``; None if it never does.
    """

    names: int | None
    flags: int | None = None
    lengths: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Where a dimension collapses.

    ``at`` is asked with a trail that may hold patterns, and must never be milder to a pattern than to what it stands for: with
    ``*`` for a name in a trail no limit is higher. Otherwise the order in which things are learned would matter.
    """

    at: Callable[[Steps], Limits]
    least: int
    """The lowest of all limits of names and flags: nothing is asked about fewer."""
    folders: bool = True
    """Whether the first steps are folders."""
    deep_folders: bool = False
    """Whether ``**`` in a folder takes in what stands beside it; else it is a name there."""
    flags: bool = False
    """Whether words that begin with ``-`` are counted, and collapse, apart from others."""


@dataclass(slots=True)
class Node:
    """What follows a step; ``end`` says that an element may end here, ``lengths`` behind how many ``*`` one does."""

    children: dict[str, Node] = field(default_factory=dict)
    end: bool = False
    lengths: frozenset[int] = frozenset()

    @property
    def is_deep(self) -> bool:
        """Whether everything below is known."""
        return REST in self.children

    def deepen(self) -> None:
        """Let ``**`` take the place of all there is."""
        self.children, self.end, self.lengths = {REST: Node(end=True)}, False, frozenset()

    def child(self, step: str) -> Node:
        """Return what follows a step, made if it is new."""
        found = self.children.get(step)
        if found is None:
            found = self.children[step] = Node()
        return found


def grown(found: Iterable[Steps]) -> Node:
    """Return the trie of sequences."""
    root = Node()
    for steps in found:
        node = root
        for step in steps:
            node = node.child(step)
        node.end = True
    return root


def sequences(root: Node) -> Iterator[Steps]:
    """Return the sequences of a trie, in no particular order."""
    trail: list[str] = []
    stack = [(0, "", root)]
    while stack:
        depth, step, node = stack.pop()
        trail[max(depth - 1, 0) :] = [step] if depth else []
        if node.end:
            yield tuple(trail)
        stack.extend((depth + 1, below, child) for below, child in node.children.items())


def settle(root: Node, rules: Rules) -> None:
    """Collapse whatever must collapse, once and for all: to settle a settled trie changes nothing."""
    spots = [_Spot(root, None, "", folder=rules.folders)]
    for spot in spots:
        _collapse(spot, rules)
        spots.extend(
            _Spot(child, spot, step, folder=spot.folder and step.endswith(FOLDER))
            for step, child in spot.node.children.items()
        )
    for spot in reversed(spots):
        _deepen(spot, rules)


@dataclass(slots=True)
class _Spot:
    """A node and how one comes to it; ``folder`` says that a path goes on here, ``collapsed`` holds the patterns in force."""

    node: Node
    above: _Spot | None
    step: str
    folder: bool
    collapsed: tuple[str, ...] = ()

    @property
    def trail(self) -> Steps:
        steps: list[str] = []
        spot = self
        while spot.above is not None:
            steps.append(spot.step)
            spot = spot.above
        return tuple(reversed(steps))


def _collapse(spot: _Spot, rules: Rules) -> None:
    """Merge what stands side by side too often, from the top down: only then is whole what is below."""
    if spot.node.is_deep and (rules.deep_folders or not spot.folder):
        spot.node.deepen()
        return
    crowds = [
        (pattern, steps)
        for pattern, steps in _by_pattern(spot, rules).items()
        if len(steps) > rules.least or pattern in steps
    ]
    if not crowds:
        return
    limits = rules.at(spot.trail)
    spot.collapsed = tuple(pattern for pattern, steps in crowds if _is_crowd(pattern, steps, limits))
    for pattern, steps in crowds:
        if pattern in spot.collapsed:
            _merge(spot.node, pattern, steps)


def _by_pattern(spot: _Spot, rules: Rules) -> dict[str, list[str]]:
    """Return the steps that follow, by the pattern that may take their place."""
    found: dict[str, list[str]] = {}
    for step in spot.node.children:
        if spot.folder:
            pattern = ANY_FOLDER if step.endswith(FOLDER) else ANY
        else:
            pattern = ANY_FLAG if rules.flags and step.startswith(FLAG) else ANY
        if step not in SINGULAR:
            found.setdefault(pattern, []).append(step)
    return found


def _is_crowd(pattern: str, steps: list[str], limits: Limits) -> bool:
    limit = limits.flags if pattern == ANY_FLAG else limits.names
    return limit is not None and (len(steps) > limit or pattern in steps)


def _merge(node: Node, pattern: str, steps: list[str]) -> None:
    """Let a pattern take the place of steps: what followed any of them follows it."""
    into = node.child(pattern)
    pairs = [(into, node.children.pop(step)) for step in steps if step != pattern]
    while pairs:
        mine, theirs = pairs.pop()
        mine.end = mine.end or theirs.end
        for step, child in theirs.children.items():
            if mine.children.setdefault(step, child) is not child:
                pairs.append((mine.children[step], child))


def _deepen(spot: _Spot, rules: Rules) -> None:
    """Let ``**`` take the place of chains of ``*``, from the leaves up."""
    node = spot.node
    below = [node.children[pattern] for pattern in spot.collapsed if pattern != ANY_FLAG]
    node.lengths = frozenset({0} if node.end else ()).union(*({1 + ahead for ahead in one.lengths} for one in below))
    unbounded = len(node.children) > _WIDEST or any(one.is_deep for one in below)
    found = _MANY if unbounded else len(node.lengths)
    if found > 1:
        lengths = rules.at(spot.trail).lengths
        if lengths is not None and found > lengths:
            node.deepen()
