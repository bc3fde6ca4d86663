"""What all drawings of a map have in common: one line for each pair of ends, what is written on it, and how it looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from deploy.map.difference import Change, change_of
from deploy.map.end import KINDS, End
from deploy.map.graph import Edge, Map, Node
from deploy.map.tally import Tally

__all__ = ["Line", "Style", "describe_line", "describe_node", "lines_of", "subtitle_of"]

Style = Literal["authorized", "undetermined", "unauthorized", "new", "gone", "stays", "unknown"]

_MAX_PORTS: Final = 3
_STYLES: Final[dict[str, Style]] = {
    "authorized": "authorized",
    "undetermined": "undetermined",
    "unauthorized": "unauthorized",
}


@dataclass(frozen=True, slots=True)
class Line:
    """All connections from one end to another; ``is_failed`` where none of them came about."""

    source: End
    target: End
    edges: tuple[Edge, ...]
    style: Style
    is_failed: bool
    count: int

    @property
    def label(self) -> str:
        """Return the ports, or how many they are."""
        if len(self.edges) <= _MAX_PORTS:
            return ", ".join(edge.what for edge in self.edges)
        return f"{sum(edge.ports.count if edge.ports else 1 for edge in self.edges)} ports"


def lines_of(graph: Map, since: str = "") -> Iterator[Line]:
    """Yield the lines of a map; with ``since`` they show what has changed from that time on."""
    for (source, target), edges in groupby(graph.edges, key=lambda edge: (edge.source, edge.target)):
        for style, alike in _by_style(list(edges), since):
            together = Tally.together(edge.tally for edge in alike)
            count = sum(edge.tally.count for edge in alike)
            yield Line(source, target, alike, style, not together.has_come_about, count)


def _by_style(edges: list[Edge], since: str) -> Iterator[tuple[Style, tuple[Edge, ...]]]:
    """Yield edges of a pair that look the same; without ``since`` all do, as the worst of them."""
    if not since:
        verdict = Tally.together(edge.tally for edge in edges).verdict
        yield _STYLES.get(verdict, "unknown"), tuple(edges)
        return
    for change in ("gone", "new", "stays"):
        alike = tuple(edge for edge in edges if change_of(edge, since) == change)
        if alike:
            yield _CHANGES[change], alike


_CHANGES: Final[dict[Change, Style]] = {"gone": "gone", "new": "new", "stays": "stays"}


def subtitle_of(node: Node) -> str:
    """Return in a few words what a node is."""
    if node.store:
        return node.store.product
    if node.addresses:
        return f"{node.addresses} addresses"
    if node.end.kind == "workload":
        return node.images[0].rpartition("/")[2] if node.images else ""
    return {"address": "private address", "outside": "outside", "others": "many more"}.get(node.end.kind, node.end.kind)


def describe_node(node: Node) -> str:
    """Return all that is known of a node, a line each."""
    told = [
        node.end.id,
        KINDS.get(node.end.kind, ""),
        *(f"image {image}" for image in node.images),
        f"data store: {node.store.product} ({', '.join(node.store.reasons)})" if node.store else "",
        f"data: {', '.join(node.data)}" if node.data else "",
        f"listens on {', '.join(map(str, node.listens))}" if node.listens else "",
        f"asked for {', '.join(node.names)}" if node.names else "",
    ]
    return "\n".join(filter(None, told))


def describe_line(line: Line) -> str:
    """Return all that is known of a line, a line each."""
    return "\n".join([f"{line.source.id} → {line.target.id}", *map(_describe_edge, line.edges)])


def _describe_edge(edge: Edge) -> str:
    tally = edge.tally
    parts = [
        f"{edge.what}: {tally.count} times, {tally.verdict or 'not judged'}",
        f"{tally.failed} failed" if tally.failed else "",
        f"data: {', '.join(sorted(tally.data))}" if tally.data else "",
        f"first {tally.first[:19]}Z, last {tally.last[:19]}Z",
        f"seen by {' and '.join(tally.sides)}",
    ]
    return "; ".join(filter(None, parts))
