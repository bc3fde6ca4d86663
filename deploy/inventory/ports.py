"""On which ports workloads are asked, as they and those who connect to them tell."""

from __future__ import annotations

from typing import Final

from deploy.inventory.estate import Estate, Workload, workload_of
from deploy.view.read import Activity

__all__ = ["ports_of"]

_PARTS: Final = 3


def ports_of(estate: Estate) -> dict[Workload, set[int]]:
    """Return the ports of each workload that others have connected to."""
    found: dict[Workload, set[int]] = {}
    for one in estate.activities("dimension IN ('ingress', 'egress')"):
        port, asked = one.done.get("destination.port"), _asked(one)
        if asked and port and one.done.get("event.outcome") != "failure":
            found.setdefault(asked, set()).add(port)
    return found


def _asked(activity: Activity) -> Workload | None:
    """Return who is connected to; nobody where the other end is not known, or a workload only waits for connections."""
    if activity.dimension == "ingress":
        return workload_of(activity.known) if "source.ip" in activity.done else None
    parts = activity.done.get("peer.workload", "").split("/")
    return Workload(*parts) if len(parts) == _PARTS else None
