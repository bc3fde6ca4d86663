"""On which ports workloads are asked, as they and those who connect to them tell."""

from __future__ import annotations

from typing import Final

from deploy.inventory.estate import Connection, Estate, Workload, workload_of

__all__ = ["ports_of"]

_PARTS: Final = 3


def ports_of(estate: Estate) -> dict[Workload, set[int]]:
    """Return the ports of each workload that others have connected to."""
    found: dict[Workload, set[int]] = {}
    for one in estate.connections():
        asked = _asked(one)
        if asked and one.port:
            found.setdefault(asked, set()).add(one.port)
    return found


def _asked(connection: Connection) -> Workload | None:
    """Return who is connected to; nobody where the other end is not known, or a workload only waits for connections."""
    if connection.dimension == "ingress":
        return workload_of(connection.known) if connection.source else None
    parts = (connection.peer or "").split("/")
    return Workload(*parts) if len(parts) == _PARTS else None
