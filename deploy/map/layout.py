"""Where everything lies on the drawing: a band for each namespace, and in it callers on the left and whom they call on the right.

Bands know nothing of each other, so that the whole is no wider than the longest chain of calls within one of them.

Ends that lie in no band stand at the sides: those that only connect on the left, the others on the right. A line that passes columns on
its way has a lane in each, so that it runs between what stands there; lines to the same end share theirs. The same map has the same
layout, whatever made it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from deploy.map.end import End
from deploy.map.graph import Map
from deploy.map.layers import layers_of

__all__ = ["Band", "Box", "Layout", "layout_of"]

_NODE_WIDTH: Final = 176.0
_NODE_HEIGHT: Final = 44.0
_ROW: Final = _NODE_HEIGHT + 26.0
_LANE: Final = 16.0
_COLUMN: Final = _NODE_WIDTH + 128.0
_PADDING: Final = 22.0
_TITLE: Final = 22.0
_GAP: Final = 26.0
_MARGIN: Final = 28.0
_SWEEPS: Final = 8
_MAX_LANED: Final = 500
"""Of more lines than that nobody could follow one, whichever way it takes: they get no lanes."""

_BANDED: Final = frozenset({"workload", "service", "container", "host", "account", "namespace"})

Pair = tuple[End, End]


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

    def moved(self, left: float) -> Box:
        """Return it that much further left."""
        return Box(self.x - left, self.y, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Band:
    """What lies in one namespace, with its title."""

    title: str
    box: Box


@dataclass(frozen=True, slots=True)
class Layout:
    """All boxes, the lanes that lines between two ends pass through in order, and the size of the whole."""

    width: float
    height: float
    bands: tuple[Band, ...]
    nodes: Mapping[End, Box]
    lanes: Mapping[Pair, tuple[Box, ...]]


class _Lane(NamedTuple):
    """Where lines to an end pass through a column of a band."""

    target: str
    band: str
    column: str


_Item = End | _Lane
_Title = tuple[int, str]
_Cells = dict[_Title, dict[int, list[_Item]]]


def layout_of(graph: Map) -> Layout:
    """Return where the ends of a map lie."""
    pairs = sorted({(edge.source, edge.target) for edge in graph.edges if edge.source != edge.target})
    ends = sorted(node.end for node in graph.nodes)
    layers = layers_of(
        [end for end in ends if end.kind in _BANDED],
        [(source, target) for source, target in pairs if _band_of(source) == _band_of(target)],
    )
    placing = _Placing({end: layer + 1 for end, layer in layers.items()})
    targets = {target for _, target in pairs}
    for end in ends:
        placing.columns.setdefault(end, placing.last + 1 if end in targets else 0)
    for source, target in pairs:
        placing.connect(source, target, laned=len(pairs) <= _MAX_LANED)
    placing.place_bands()
    for column in (0, placing.last + 1):
        placing.place_beside([end for end in ends if placing.columns[end] == column], column)
    return placing.layout()


def _band_of(end: End) -> _Title:
    """Return the order and the title of the band that an end lies in."""
    if end.kind in ("workload", "service"):
        return 0, f"{end.cluster}/{end.namespace}" if end.namespace else f"{end.cluster} (no namespace)"
    known: dict[str, _Title] = {
        "namespace": (0, end.cluster),
        "container": (1, "containers of which nothing is known"),
        "host": (2, "hosts"),
    }
    return known.get(end.kind, (3, "accounts"))


def _height(item: _Item) -> float:
    return _ROW if isinstance(item, End) else _LANE


@dataclass(slots=True)
class _Placing:
    """Boxes as they find their places; bands have the columns from 1 to ``last``."""

    columns: dict[End, int]
    last: int = field(init=False)
    cells: _Cells = field(default_factory=dict)
    boxes: dict[_Item, Box] = field(default_factory=dict)
    bands: list[Band] = field(default_factory=list)
    routes: dict[Pair, list[_Item]] = field(default_factory=dict)
    neighbours: dict[_Item, list[_Item]] = field(default_factory=dict)
    bottom: float = _MARGIN

    def __post_init__(self) -> None:
        self.last = max(self.columns.values(), default=0)
        for end, column in self.columns.items():
            self.cells.setdefault(_band_of(end), {}).setdefault(column, []).append(end)

    def connect(self, source: End, target: End, *, laned: bool) -> None:
        """Give a line lanes in the columns between its ends."""
        route: list[_Item] = [source, *(self._lanes(source, target) if laned else ()), target]
        self.routes[source, target] = route
        for one, other in pairwise(route):
            self.neighbours.setdefault(one, []).append(other)
            self.neighbours.setdefault(other, []).append(one)

    def _lanes(self, source: End, target: End) -> Iterator[_Lane]:
        banded = [end for end in (target, source) if end.kind in _BANDED]
        if not banded:
            return
        title, first, last = _band_of(banded[0]), self.columns[source], self.columns[target]
        step = 1 if first <= last else -1
        for column in range(first + step, last, step):
            lane = _Lane(target.id, title[1], str(column))
            stack = self.cells[title].setdefault(column, [])
            if lane not in stack:
                stack.append(lane)
            yield lane

    def place_bands(self) -> None:
        """Place all bands below each other."""
        self._order()
        for title in sorted(self.cells):
            self._place_band(title)

    def _order(self) -> None:
        """Bring each stack into the order of what its members are connected with."""
        middles = self._middles()
        for _ in range(_SWEEPS):
            for columns in self.cells.values():
                for stack in columns.values():
                    stack.sort(key=lambda item: (self._wish(item, middles), item))
            middles = self._middles()

    def _middles(self) -> dict[_Item, float]:
        """Return how far down everything would lie now; what stands beside the bands would lie amid what it is connected with."""
        found: dict[_Item, float] = {}
        top = 0.0
        for title in sorted(self.cells):
            tallest = self._tallest(title)
            for stack in self.cells[title].values():
                found |= _stacked(stack, top, tallest)
            top += tallest
        beside = {end: 0.0 for end in self.columns if end not in found}
        return found | {end: self._wish(end, {**found, end: middle}) for end, middle in beside.items()}

    def _tallest(self, title: _Title) -> float:
        return max(sum(map(_height, stack)) for stack in self.cells[title].values())

    def _wish(self, item: _Item, middles: Mapping[_Item, float]) -> float:
        known = [middles[other] for other in self.neighbours.get(item, ()) if other in middles]
        return sum(known) / len(known) if known else middles[item]

    def _place_band(self, title: _Title) -> None:
        tallest = self._tallest(title)
        for column, stack in self.cells[title].items():
            for item, middle in _stacked(stack, self.bottom + _TITLE + _PADDING / 2, tallest).items():
                self._put(item, column, middle)
        left = _MARGIN + _COLUMN - _PADDING
        width = (self.last - 1) * _COLUMN + _NODE_WIDTH + 2 * _PADDING
        height = _TITLE + tallest + _PADDING
        self.bands.append(Band(title[1], Box(left, self.bottom, width, height)))
        self.bottom += height + _GAP

    def _put(self, item: _Item, column: int, middle: float) -> None:
        height = _NODE_HEIGHT if isinstance(item, End) else 0.0
        self.boxes[item] = Box(_MARGIN + column * _COLUMN, middle - height / 2, _NODE_WIDTH, height)

    def place_beside(self, ends: Iterable[End], column: int) -> None:
        """Stack ends beside the bands, each as near as it can be to what it is connected with."""
        middles = {item: box.middle for item, box in self.boxes.items()}
        wishes = {end: self._wish(end, {**middles, end: _MARGIN}) for end in ends}
        top = _MARGIN
        for end in sorted(wishes, key=lambda one: (wishes[one], one)):
            middle = max(top + _ROW / 2, wishes[end])
            self._put(end, column, middle)
            top = middle + _ROW / 2
        self.bottom = max(self.bottom, top)

    def layout(self) -> Layout:
        """Return the layout; where nothing stands on the left, its column is not kept free."""
        has_left = 0 in self.columns.values() or not self.bands
        shift = 0.0 if has_left else _COLUMN - _PADDING
        nodes = {end: box.moved(shift) for end, box in self.boxes.items() if isinstance(end, End)}
        bands = tuple(Band(band.title, band.box.moved(shift)) for band in self.bands)
        lanes = {
            pair: tuple(self.boxes[item].moved(shift) for item in route[1:-1]) for pair, route in self.routes.items()
        }
        right = max([box.right for box in (*nodes.values(), *(band.box for band in bands))], default=0.0)
        return Layout(right + _MARGIN, self.bottom, bands, nodes, lanes)


def _stacked(stack: Sequence[_Item], top: float, height: float) -> dict[_Item, float]:
    """Return where the middles of a stack are, if it stands in the middle of a height."""
    found: dict[_Item, float] = {}
    place = top + (height - sum(map(_height, stack))) / 2
    for item in stack:
        found[item] = place + _height(item) / 2
        place += _height(item)
    return found
