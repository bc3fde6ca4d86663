"""What has changed on a map between two times.

Of each connection it is known when it was first and last seen, so one is *new* that was not seen before, and *gone* one that was not
seen since. One that paused and came back stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from deploy.map.graph import Edge, Map

__all__ = ["Change", "Difference", "change_of", "with_edges"]

Change = Literal["new", "gone", "stays"]


def change_of(edge: Edge, since: str) -> Change:
    """Return how a connection has changed from a time on."""
    if edge.tally.first > since:
        return "new"
    return "gone" if edge.tally.last <= since else "stays"


@dataclass(frozen=True, slots=True)
class Difference:
    """What has changed on a map since a time; the map ends at the other one."""

    since: str
    graph: Map

    def edges(self, change: Change) -> list[Edge]:
        """Return the connections that have changed so."""
        return [edge for edge in self.graph.edges if change_of(edge, self.since) == change]

    def as_json(self) -> dict[str, Any]:
        """Return what is new and what is gone, with their ends; what stays is counted."""
        new, gone = self.edges("new"), self.edges("gone")
        return {
            "since": self.since,
            "nodes": [node.as_json() for node in with_edges(self.graph, [*new, *gone]).nodes],
            "new": [edge.as_json() for edge in new],
            "gone": [edge.as_json() for edge in gone],
            "stays": len(self.graph.edges) - len(new) - len(gone),
        }


def with_edges(graph: Map, edges: Iterable[Edge]) -> Map:
    """Return a map with some of its edges, and the ends that they have."""
    kept = tuple(edges)
    ends = {end for edge in kept for end in (edge.source, edge.target)}
    return replace(graph, nodes=tuple(node for node in graph.nodes if node.end in ends), edges=kept)
