"""The map as a picture: SVG that stands alone, light or dark as the reader's screen is, with details where one points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import log10
from typing import Final
from xml.sax.saxutils import escape

from deploy.map.drawing import Line, Style, describe_line, describe_node, lines_of, subtitle_of
from deploy.map.end import End
from deploy.map.graph import Map, Node
from deploy.map.layout import Band, Box, Layout, layout_of
from deploy.map.palette import DARK, LIGHT
from streams.baseline.exports.words import shown

__all__ = ["write_svg"]

_CHARACTER: Final = 6.6
_MAX_LABEL: Final = 24
_MAX_EDGE_LABEL: Final = 22
_HEADER: Final = 64.0
_LEGEND_STEP: Final = 150.0
_BEND: Final = 0.5
_LOOP: Final = 46.0
_LABEL_AT: Final = (0.5, 0.62, 0.38)
_LEAST_WIDTH: Final = 760.0

_FONT: Final = 'ui-sans-serif, system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif'
_SHAPES: Final = f"""
text {{ font-family: {_FONT}; font-size: 12px; }}
.title {{ font-size: 16px; font-weight: 600; }} .dim {{ font-size: 11px; }} .name {{ font-weight: 600; }}
.data {{ font-size: 10px; }} .port {{ font-size: 10.5px; }}
.node {{ stroke-width: 1.2; }} .outside {{ stroke-dasharray: 4 3; }} .store {{ stroke-width: 1.8; }}
.line {{ fill: none; }} .failed {{ stroke-dasharray: 2 4; }} .label {{ opacity: .88; }}
.gone {{ stroke-dasharray: 7 5; }} .stays {{ opacity: .5; }}
"""
_CSS: Final = f"{_SHAPES}{LIGHT.css}@media (prefers-color-scheme: dark) {{{DARK.css}}}"
_VERDICTS: Final[tuple[Style, ...]] = ("authorized", "undetermined", "unauthorized")
_CHANGES: Final[tuple[Style, ...]] = ("new", "gone", "stays")
_BESIDE: Final = frozenset({"outside", "name", "address", "others"})


def write_svg(graph: Map, title: str, since: str = "") -> str:
    """Return the drawing of a map; with ``since`` it shows what has changed from that time on."""
    layout = layout_of(graph)
    styles = _CHANGES if since else _VERDICTS
    width, height = max(layout.width, _LEAST_WIDTH), layout.height + _HEADER
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{_text(title)}</title>",
        f"<style>{escape(_CSS)}</style>",
        f"<defs>{''.join(map(_marker, (*_VERDICTS, *_CHANGES, 'unknown')))}</defs>",
        f'<rect class="ground" width="{width:.0f}" height="{height:.0f}"/>',
        *_header(title, styles),
        f'<g transform="translate(0 {_HEADER:.0f})">',
        *map(_band, layout.bands),
        *_lines(list(lines_of(graph, since)), layout),
        *(_node(node, layout.nodes[node.end]) for node in graph.nodes),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _text(text: str) -> str:
    return escape("\n".join(map(shown, text.split("\n"))), {'"': "&quot;"})


def _marker(style: str) -> str:
    return (
        f'<marker id="{style}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path class="head-{style}" d="M0 1 L10 5 L0 9 z"/></marker>'
    )


def _header(title: str, styles: tuple[Style, ...]) -> Iterator[str]:
    yield f'<text class="title" x="28" y="30">{_text(title)}</text>'
    for number, style in enumerate(styles):
        x = 28 + number * _LEGEND_STEP
        yield f'<path class="line {style}" stroke-width="2.5" d="M{x:.0f} 48 h26"/>'
        yield f'<text class="dim" x="{x + 34:.0f}" y="52">{style}</text>'
    x = 28 + len(styles) * _LEGEND_STEP
    yield f'<rect class="node store" x="{x:.0f}" y="42" width="22" height="12" rx="4"/>'
    yield f'<text class="dim" x="{x + 30:.0f}" y="52">data store</text>'


def _band(band: Band) -> str:
    box = band.box
    return (
        f'<rect class="band" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="12"/>'
        f'<text class="dim" x="{box.x + 14:.1f}" y="{box.y + 20:.1f}">{_text(band.title)}</text>'
    )


def _node(node: Node, box: Box) -> str:
    kind = "node outside" if node.end.kind in _BESIDE else "node"
    name = f"{box.x + 12:.1f}"
    data = f'<text class="data" x="{box.right - 8:.1f}" y="{box.y + 13:.1f}" text-anchor="end">{_text(_short(", ".join(node.data), 14))}</text>'
    return (
        f"<g><title>{_text(describe_node(node))}</title>"
        f'<rect class="{kind}{" store" if node.store else ""}" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="9"/>'
        f'<text class="name" x="{name}" y="{box.y + 19:.1f}">{_text(_short(node.end.label, _MAX_LABEL))}</text>'
        f'<text class="dim" x="{name}" y="{box.y + 34:.1f}">{_text(_short(subtitle_of(node), _MAX_LABEL + 2))}</text>'
        f"{data if node.data else ''}</g>"
    )


def _short(text: str, limit: int) -> str:
    """Return a text with its middle left out where it is too long: names differ at their ends."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}…{text[len(text) - tail :]}"


def _lines(lines: list[Line], layout: Layout) -> Iterator[str]:
    """Yield all lines, and above them what is written on them."""
    leaving = _ports(lines, layout, outgoing=True)
    arriving = _ports(lines, layout, outgoing=False)
    labels = []
    for number, line in enumerate(lines):
        source, target = layout.nodes[line.source], layout.nodes[line.target]
        lanes = layout.lanes.get((line.source, line.target), ())
        curve = _Curve.between(source, target, (leaving[number], arriving[number]), lanes)
        failed = " failed" if line.is_failed else ""
        yield (
            f'<g><title>{_text(describe_line(line))}</title><path class="line {line.style}{failed}" '
            f'stroke-width="{_width(line.count):.1f}" marker-end="url(#{line.style})" d="{curve.path}"/></g>'
        )
        labels.append(_label(line, curve, _LABEL_AT[number % len(_LABEL_AT)]))
    yield from labels


def _width(count: int) -> float:
    return 1.4 + min(log10(max(count, 1)), 6) * 0.45


def _ports(lines: list[Line], layout: Layout, *, outgoing: bool) -> Mapping[int, float]:
    """Return how far down each line leaves its source or reaches its target: side by side, in the order in which they run on."""
    meeting: dict[End, list[int]] = {}
    for number, line in enumerate(lines):
        meeting.setdefault(line.source if outgoing else line.target, []).append(number)
    found: dict[int, float] = {}
    for end, numbers in meeting.items():
        box = layout.nodes[end]
        step = box.height / (len(numbers) + 1)
        ordered = sorted((_next(lines[number], layout, outgoing=outgoing).middle, number) for number in numbers)
        found |= {number: box.y + step * (place + 1) for place, (_, number) in enumerate(ordered)}
    return found


def _next(line: Line, layout: Layout, *, outgoing: bool) -> Box:
    """Return what a line comes to next after its source, or came from last before its target."""
    way = [layout.nodes[line.source], *layout.lanes.get((line.source, line.target), ()), layout.nodes[line.target]]
    return way[1] if outgoing else way[-2]


@dataclass(frozen=True, slots=True)
class _Curve:
    """A line as points that it goes through, ``leaving`` the first to the right (1) or to the left (-1), straight through lanes."""

    points: tuple[tuple[float, float], ...]
    leaving: float
    arriving: float

    @classmethod
    def between(cls, source: Box, target: Box, ends: tuple[float, float], lanes: Iterable[Box]) -> _Curve:
        """Return the line from one box to another: to the right or to the left through lanes, or around one column's right side."""
        leaves, arrives = ends
        if target.x > source.x:
            through = [point for lane in lanes for point in ((lane.x, lane.middle), (lane.right, lane.middle))]
            return cls(((source.right, leaves), *through, (target.x, arrives)), 1, 1)
        if target.x < source.x:
            through = [point for lane in lanes for point in ((lane.right, lane.middle), (lane.x, lane.middle))]
            return cls(((source.x, leaves), *through, (target.right, arrives)), -1, -1)
        return cls(((source.right, leaves), (source.right, arrives)), 1, -1)

    def _bends(self, number: int) -> tuple[tuple[float, float], ...]:
        """Return the four points of one piece: its ends, and between them those that bend it."""
        (x, y), (to_x, to_y) = self.points[number : number + 2]
        bend = abs(to_x - x) * _BEND or _LOOP
        return (x, y), (x + self.leaving * bend, y), (to_x - self.arriving * bend, to_y), (to_x, to_y)

    @property
    def path(self) -> str:
        """Return it in the words of SVG."""
        x, y = self.points[0]
        pieces = (self._bends(number) for number in range(len(self.points) - 1))
        return f"M{x:.1f} {y:.1f}" + "".join(
            " C" + " ".join(f"{x:.1f} {y:.1f}" for x, y in bends[1:]) for bends in pieces
        )

    def at(self, share: float) -> tuple[float, float]:
        """Return the point that lies so far along its first piece, where no other line runs with it."""
        rest = 1 - share
        weights = (rest**3, 3 * rest**2 * share, 3 * rest * share**2, share**3)
        bends = self._bends(0)
        x, y = (sum(weight * point[axis] for weight, point in zip(weights, bends, strict=True)) for axis in (0, 1))
        return x, y


def _label(line: Line, curve: _Curve, share: float) -> str:
    text = _short(line.label, _MAX_EDGE_LABEL)
    x, y = curve.at(share)
    width = len(text) * _CHARACTER * 0.92 + 8
    return (
        f'<rect class="label" x="{x - width / 2:.1f}" y="{y - 8:.1f}" width="{width:.1f}" height="15" rx="7"/>'
        f'<text class="port" x="{x:.1f}" y="{y + 3.5:.1f}" text-anchor="middle">{_text(text)}</text>'
    )
