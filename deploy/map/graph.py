"""The map: ends, and the connections between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from deploy.map.end import End
from deploy.map.folds import Ports
from deploy.map.tally import Tally
from deploy.stores import DataStore

__all__ = ["Edge", "Map", "Node"]


@dataclass(frozen=True, slots=True)
class Node:
    """An end and what is known of it: the data store that it is, and the classes of data that lie there.

    ``listens`` are ports on which it waits; ``asked`` names that it has asked for, of which ``names`` are the first; ``addresses`` is how
    many addresses of a block were seen.
    """

    end: End
    images: tuple[str, ...] = ()
    store: DataStore | None = None
    data: tuple[str, ...] = ()
    listens: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    asked: int = 0
    addresses: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "id": self.end.id,
            "kind": self.end.kind,
            "name": self.end.label,
            "cluster": self.end.cluster,
            "namespace": self.end.namespace,
            "images": list(self.images),
            "data_store": self.store.as_json() if self.store else None,
            "data": list(self.data),
            "listens": list(self.listens),
            "names_asked_for": list(self.names),
            "names_asked_for_count": self.asked,
            "addresses": self.addresses or None,
        }


@dataclass(frozen=True, slots=True)
class Edge:
    """Connections from one end to a port of another; ``port`` is None where no sensor saw it, or where there are many ``ports``."""

    source: End
    target: End
    transport: str
    port: int | None
    ports: Ports | None
    tally: Tally

    @property
    def what(self) -> str:
        """Return what is connected to: ``5432/tcp``, ``2000 ports``."""
        name = f"{self.ports.count} ports" if self.ports else "any port" if self.port is None else str(self.port)
        return f"{name}/{self.transport}" if self.transport else name

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "from": self.source.id,
            "to": self.target.id,
            "transport": self.transport or "unknown",
            "port": self.port,
            "ports": asdict(self.ports) if self.ports else None,
            **self.tally.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Map:
    """All ends that have connections, and these, in order; ``left_out`` counts connections that have no place on it, by the reason."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as a JSON object."""
        return {
            "nodes": [node.as_json() for node in self.nodes],
            "edges": [edge.as_json() for edge in self.edges],
            "left_out": dict(sorted(self.left_out.items())),
        }
