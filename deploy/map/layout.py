"""Where everything lies on the drawing: a band for each namespace, and in it callers on the left and whom they call on the right.

Ends that lie in no band stand at the sides: those that only connect on the left, the others on the right. The same map has the same
layout, whatever made it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from deploy.map.end import End
from deploy.map.graph import Map
from deploy.map.layers import layers_of

__all__ = ["Band", "Box", "Layout", "layout_of"]

NODE_WIDTH: Final = 176.0
NODE_HEIGHT: Final = 44.0
_COLUMN: Final = NODE_WIDTH + 128.0
_ROW: Final = NODE_HEIGHT + 26.0
_PADDING: Final = 22.0
_TITLE: Final = 22.0
_GAP: Final = 26.0
_MARGIN: Final = 28.0
_SWEEPS: Final = 6
_BANDED: Final = frozenset({"workload", "service", "container", "host", "account", "namespace"})


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Return how far down its middle is."""
        return self.y + self.height / 2

    @property
    def right(self) -> float:
        """Return how far right it reaches."""
        return self.x + self.width


@dataclass(frozen=True, slots=True)
class Band:
    """What lies in one namespace, with its title."""

    title: str
    box: Box


@dataclass(frozen=True, slots=True)
class Layout:
    """All boxes, and the size of the whole."""

    width: float
    height: float
    bands: tuple[Band, ...]
    nodes: Mapping[End, Box]


def layout_of(graph: Map) -> Layout:
    """Return where the ends of a map lie."""
    pairs = {(edge.source, edge.target) for edge in graph.edges if edge.source != edge.target}
    ends = [node.end for node in graph.nodes]
    placing = _Placing(pairs, [end for end in ends if end.kind in _BANDED])
    placing.place_bands()
    callers = {source for source, _ in pairs} - {target for _, target in pairs}
    beside = [end for end in ends if end.kind not in _BANDED]
    left = [end for end in beside if end in callers]
    placing.place_beside(left, 0)
    placing.place_beside([end for end in beside if end not in callers], placing.columns + 1)
    return placing.layout(has_left=bool(left))


def _band_of(end: End) -> tuple[int, str]:
    """Return the order and the title of the band that an end lies in."""
    if end.kind in ("workload", "service"):
        return 0, f"{end.cluster}/{end.namespace}" if end.namespace else f"{end.cluster} (no namespace)"
    return {
        "namespace": (0, end.cluster),
        "container": (1, "containers of which nothing is known"),
        "host": (2, "hosts"),
    }.get(end.kind, (3, "accounts"))


@dataclass(slots=True)
class _Placing:
    """Boxes as they find their places; columns are counted from 1 within bands."""

    pairs: set[tuple[End, End]]
    banded: list[End]
    columns: int = 0
    nodes: dict[End, Box] = field(default_factory=dict)
    bands: list[Band] = field(default_factory=list)
    neighbours: dict[End, list[End]] = field(default_factory=dict)
    bottom: float = _MARGIN

    def __post_init__(self) -> None:
        for source, target in sorted(self.pairs):
            self.neighbours.setdefault(source, []).append(target)
            self.neighbours.setdefault(target, []).append(source)

    def place_bands(self) -> None:
        layers = layers_of(self.banded, self.pairs)
        self.columns = max(layers.values(), default=-1) + 1
        cells: dict[tuple[int, str], dict[int, list[End]]] = {}
        for end in sorted(self.banded):
            cells.setdefault(_band_of(end), {}).setdefault(layers[end] + 1, []).append(end)
        self._order(cells)
        for (_, title), columns in sorted(cells.items()):
            self._place_band(title, columns)

    def _order(self, cells: Mapping[tuple[int, str], dict[int, list[End]]]) -> None:
        """Bring each stack into the order of what its members are connected with."""
        heights = self._heights(cells)
        for _ in range(_SWEEPS):
            for columns in cells.values():
                for stack in columns.values():
                    stack.sort(key=lambda end: (self._wish(end, heights), end))
            heights = self._heights(cells)

    def _heights(self, cells: Mapping[tuple[int, str], Mapping[int, Sequence[End]]]) -> dict[End, float]:
        """Return how far down everything would lie now."""
        found: dict[End, float] = {}
        top = 0.0
        for _, columns in sorted(cells.items()):
            tallest = max(map(len, columns.values()))
            for stack in columns.values():
                above = top + (tallest - len(stack)) / 2
                found |= {end: above + number for number, end in enumerate(stack)}
            top += tallest
        return found

    def _wish(self, end: End, heights: Mapping[End, float]) -> float:
        known = [heights[other] for other in self.neighbours.get(end, ()) if other in heights]
        return sum(known) / len(known) if known else heights[end]

    def _place_band(self, title: str, columns: Mapping[int, Sequence[End]]) -> None:
        tallest = max(map(len, columns.values()))
        height = _TITLE + tallest * _ROW + _PADDING
        for column, stack in columns.items():
            top = self.bottom + _TITLE + _PADDING / 2 + (tallest - len(stack)) * _ROW / 2
            for number, end in enumerate(stack):
                self._put(end, column, top + number * _ROW + (_ROW - NODE_HEIGHT) / 2)
        left = _MARGIN + _COLUMN - _PADDING
        width = (self.columns - 1) * _COLUMN + NODE_WIDTH + 2 * _PADDING
        self.bands.append(Band(title, Box(left, self.bottom, width, height)))
        self.bottom += height + _GAP

    def _put(self, end: End, column: int, y: float) -> None:
        self.nodes[end] = Box(_MARGIN + column * _COLUMN, y, NODE_WIDTH, NODE_HEIGHT)

    def place_beside(self, ends: Iterable[End], column: int) -> None:
        """Stack ends beside the bands, each as near as it can be to what it is connected with."""
        known = {end: box.y for end, box in self.nodes.items()}
        wishes = {end: self._wish(end, {**known, end: _MARGIN}) for end in ends}
        top = _MARGIN
        for end in sorted(wishes, key=lambda one: (wishes[one], one)):
            y = max(top, wishes[end])
            self._put(end, column, y)
            top = y + _ROW
        self.bottom = max(self.bottom, top)

    def layout(self, *, has_left: bool) -> Layout:
        """Return the layout; where nothing stands on the left, its column is not kept free."""
        shift = 0.0 if has_left or not self.bands else _COLUMN - _PADDING
        nodes = {end: Box(box.x - shift, box.y, box.width, box.height) for end, box in self.nodes.items()}
        bands = [
            Band(band.title, Box(band.box.x - shift, band.box.y, band.box.width, band.box.height))
            for band in self.bands
        ]
        width = max([box.right for box in (*nodes.values(), *(band.box for band in bands))], default=0.0) + _MARGIN
        return Layout(width, self.bottom, tuple(bands), nodes)
