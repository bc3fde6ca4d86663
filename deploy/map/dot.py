"""The map in the language of Graphviz, for who draws it otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from deploy.map.drawing import describe_line, describe_node, lines_of, subtitle_of
from deploy.map.graph import Map, Node
from deploy.map.palette import LIGHT
from streams.baseline.exports.words import shown

__all__ = ["write_dot"]

_DASHED: Final = ', style="dashed"'


def write_dot(graph: Map, title: str, since: str = "") -> str:
    """Return a map as a graph of Graphviz; with ``since`` it shows what has changed from that time on."""
    return "\n".join([*_lines(graph, title, since), ""])


def _lines(graph: Map, title: str, since: str) -> Iterator[str]:
    yield "digraph tidewaiter {"
    yield f'  graph [rankdir="LR", label={_quoted(title)}, labelloc="t", fontname="sans-serif"];'
    yield '  node [shape="box", style="rounded", fontname="sans-serif"];'
    yield '  edge [fontname="sans-serif", fontsize="10"];'
    places: dict[str, list[Node]] = {}
    for node in graph.nodes:
        place = f"{node.end.cluster}/{node.end.namespace}" if node.end.kind in ("workload", "service") else ""
        places.setdefault(place, []).append(node)
    for number, (place, nodes) in enumerate(sorted(places.items())):
        yield from _cluster(number, place, nodes) if place else _nodes(nodes, "  ")
    for line in lines_of(graph, since):
        dashed = _DASHED if line.is_failed or line.style == "gone" else ""
        yield (
            f"  {_quoted(line.source.id)} -> {_quoted(line.target.id)} [label={_quoted(line.label)}, "
            f'color="{LIGHT.lines[line.style]}", tooltip={_quoted(describe_line(line))}{dashed}];'
        )
    yield "}"


def _cluster(number: int, place: str, nodes: Iterable[Node]) -> Iterator[str]:
    yield f"  subgraph cluster_{number} {{"
    yield f'    label={_quoted(place)}; style="rounded"; color="{LIGHT.edge}";'
    yield from _nodes(nodes, "    ")
    yield "  }"


def _nodes(nodes: Iterable[Node], indent: str) -> Iterator[str]:
    for node in nodes:
        shape = ', shape="cylinder", style="solid"' if node.store else ""
        label = "\n".join(filter(None, [node.end.label, subtitle_of(node)]))
        yield f"{indent}{_quoted(node.end.id)} [label={_quoted(label)}, tooltip={_quoted(describe_node(node))}{shape}];"


def _quoted(text: str) -> str:
    """Return a string of DOT; what a name holds is text there, never an escape of Graphviz."""
    lines = (shown(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n"))
    return '"' + "\\n".join(lines) + '"'
