"""Parts of a map: what concerns a namespace or a workload, what was judged so, and the whole with a namespace as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from deploy.map.difference import with_edges
from deploy.map.end import End, Kind
from deploy.map.folds import Place, Ports, Tallies, fold_ports
from deploy.map.graph import Edge, Map, Node
from deploy.map.sides import UNSEEN_PORT
from deploy.map.tally import OUTCOMES, Tally

__all__ = ["MAX_DRAWN", "MAX_LINES", "by_namespace", "concerning", "gravest", "narrowed"]

MAX_DRAWN: Final = 150
"""How many ends a drawing shows one by one."""

MAX_LINES: Final = 1_000
"""How many connections a drawing shows."""

Wanted = Callable[[Edge], bool]


def narrowed(graph: Map, *wanted: Wanted) -> Map:
    """Return what of a map is wanted for every reason; what has no place on the map is then not counted."""
    if not wanted:
        return graph
    part = with_edges(graph, (edge for edge in graph.edges if all(wants(edge) for wants in wanted)))
    return replace(part, left_out={})


def concerning(namespace: str = "", name: str = "") -> Wanted:
    """Return whether one end of a connection lies in a namespace (with or without its cluster) and has that in its name."""

    def wants(end: End) -> bool:
        return namespace in ("", end.namespace, f"{end.cluster}/{end.namespace}") and name in end.id

    return lambda edge: wants(edge.source) or wants(edge.target)


def gravest(graph: Map, number: int = MAX_LINES) -> Map:
    """Return a map with no more than so many edges: those that were judged worst and, of these, that were seen most."""
    if len(graph.edges) <= number:
        return graph
    ranked = sorted(
        graph.edges, key=lambda edge: (-_badness(edge), -edge.tally.count, edge.source, edge.target, edge.what)
    )
    kept = set(map(id, ranked[:number]))
    return with_edges(graph, (edge for edge in graph.edges if id(edge) in kept))


def _badness(edge: Edge) -> int:
    return OUTCOMES.index(edge.tally.verdict) if edge.tally.verdict in OUTCOMES else -1


def by_namespace(graph: Map) -> Map:
    """Return a map whose ends are namespaces, and kinds of what lies in none; what stays within one is left out of it."""
    tallies: Tallies = {}
    many: dict[Place, Ports] = {}
    for edge in graph.edges:
        source, target = _whole(edge.source), _whole(edge.target)
        if source != target:
            place = Place(source, target, edge.transport, UNSEEN_PORT if edge.port is None else edge.port)
            tallies.setdefault(place, Tally()).join(edge.tally)
            if edge.ports:
                many[place] = _most(many.get(place), edge.ports)
    edges = tuple(
        Edge(
            *place[:3],
            None if place.port == UNSEEN_PORT else place.port,
            _most(ports, many[place]) if place in many and tallies[place].verdict == tally.verdict else ports,
            tally,
        )
        for place, tally, ports in fold_ports(tallies)
    )
    return Map(tuple(Node(end) for end in sorted(set(map(_whole_of_node, graph.nodes)))), edges, graph.left_out)


def _most(one: Ports | None, other: Ports) -> Ports:
    """Return what is known at least of the ports of both."""
    if one is None:
        return other
    return Ports(max(one.count, other.count), min(one.lowest, other.lowest), max(one.highest, other.highest))


def _whole_of_node(node: Node) -> End:
    return _whole(node.end)


def _whole(end: End) -> End:
    if end.kind in ("workload", "service"):
        return End("namespace", f"{end.cluster}/{end.namespace or '(no namespace)'}")
    return End(end.kind, _KINDS.get(end.kind, end.name))


_KINDS: Final[dict[Kind, str]] = {
    "account": "all accounts",
    "address": "/private addresses",
    "container": "all such containers",
    "host": "all hosts",
    "name": "all names",
    "others": "all others",
    "outside": "all addresses outside",
}
