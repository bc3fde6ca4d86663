"""The ends of connections."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

__all__ = ["KINDS", "End", "Kind", "workload_named", "workload_of"]

Kind = Literal[
    "workload", "container", "host", "account", "service", "name", "address", "outside", "others", "namespace"
]

KINDS: Final[Mapping[Kind, str]] = {
    "workload": "a workload",
    "container": "a container of which no facts have come",
    "host": "a host",
    "account": "a user or service account",
    "service": "a service whose workload is not known",
    "name": "a name of DNS",
    "address": "an address of a private network, and nobody is known to have it",
    "outside": "an address elsewhere, or a block of them",
    "others": "whoever else it was, beyond the rows that are kept of one principal",
    "namespace": "all that lies in a namespace",
}
"""What an end is, in words."""


class End(NamedTuple):
    """One end of a connection; names of workloads, services and private addresses begin with their cluster."""

    kind: Kind
    name: str

    @property
    def id(self) -> str:
        """Return what names it on the whole map."""
        return f"{self.kind}:{self.name}"

    @property
    def cluster(self) -> str:
        """Return the cluster that it lies in; empty where it lies in none or in one without a name."""
        return self.name.partition("/")[0] if self.kind in _IN_CLUSTERS else ""

    @property
    def namespace(self) -> str:
        """Return the namespace that it lies in; empty where it lies in none."""
        return self.name.split("/", 2)[1] if self.kind in _IN_NAMESPACES else ""

    @property
    def label(self) -> str:
        """Return its own name, without the place in which it lies."""
        if self.kind in _IN_NAMESPACES:
            return self.name.split("/", 2)[2]
        return self.name.partition("/")[2] if self.kind in _IN_CLUSTERS else self.name


_IN_NAMESPACES: Final = frozenset({"workload", "service"})
_IN_CLUSTERS: Final = _IN_NAMESPACES | {"address", "namespace"}
_PLACES: Final = 2


def workload_of(known: Mapping[str, Any]) -> End | None:
    """Return the workload that facts name; None where they name none."""
    name = known.get("workload.name")
    return _workload(known.get("workload.cluster") or "", known.get("workload.namespace") or "", name) if name else None


@lru_cache(maxsize=65_536)
def _workload(cluster: str, namespace: str, name: str) -> End:
    """Return one and the same end for all that happens at a workload."""
    return End("workload", f"{cluster}/{namespace}/{name}")


@lru_cache(maxsize=65_536)
def workload_named(name: str) -> End | None:
    """Return the workload of a ``peer.workload``; None for what is no such name."""
    return End("workload", name) if name.count("/") >= _PLACES else None
