"""How far from outside a workload can be reached: ``exposed``, ``internal``, or ``idle`` where none of its containers runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from deploy.inventory.estate import Estate, Workload, workload_of
from deploy.services import SERVICE_WRITES, Service, services_of
from schemas.codec import Event
from schemas.matching import is_outside

__all__ = ["EXPOSURES", "Exposure", "doors_of", "exposure_of", "reached_from_outside"]

Exposure = Literal["exposed", "internal", "idle"]
EXPOSURES: Final[tuple[Exposure, ...]] = ("exposed", "internal", "idle")
"""The most exposed first."""

_SETTING: Final = "container.settings."
_LOOPBACK: Final = ("127.", "[::1]", "::1")


def doors_of(known: Event) -> Iterator[str]:
    """Yield the ways from outside into a container that its settings tell of."""
    for port in known.get(f"{_SETTING}ports") or ():
        if not port.startswith(_LOOPBACK):
            yield f"publishes {port}"
    if "network" in (known.get(f"{_SETTING}host_namespaces") or ()):
        yield "shares the host's network"


def reached_from_outside(estate: Estate) -> dict[Workload, set[str]]:
    """Return workloads that addresses outside have connected to, or that a service leads to from outside, with how."""
    found: dict[Workload, set[str]] = {}
    for one in estate.connections():
        workload = workload_of(one.known)
        if workload and one.source and is_outside(one.source):
            found.setdefault(workload, set()).add("reached from an address outside")
    written = estate.activities(f"action IN ({', '.join('?' * len(SERVICE_WRITES))})", *SERVICE_WRITES)
    outward = [one for one in services_of(written) if one.outward and one.selector and not one.deleted]
    for workload, how in _behind(outward, estate):
        found.setdefault(workload, set()).add(how)
    return found


def exposure_of(doors: Iterable[str], *, runs: bool) -> Exposure:
    """Return the exposure of what has these ways in."""
    if not runs:
        return "idle"
    return "exposed" if any(doors) else "internal"


def _behind(services: list[Service], estate: Estate) -> Iterator[tuple[Workload, str]]:
    """Yield which workload stands behind which service: the one whose labels have all that it selects."""
    if not services:
        return
    for container in estate.containers:
        workload, labels = workload_of(container.known), frozenset(container.known.get("workload.labels") or ())
        for one in services:
            if workload and workload[:2] == (one.cluster, one.namespace) and one.selector <= labels:
                yield workload, f"service {one.name}"
