"""How far from outside a workload can be reached: ``exposed``, ``internal``, or ``idle`` where none of its containers runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from deploy.inventory.estate import Estate, Workload, workload_of
from deploy.view.read import Activity
from schemas.codec import Event
from schemas.matching import is_outside

__all__ = ["EXPOSURES", "Exposure", "doors_of", "exposure_of", "reached_from_outside"]

Exposure = Literal["exposed", "internal", "idle"]
EXPOSURES: Final[tuple[Exposure, ...]] = ("exposed", "internal", "idle")
"""The most exposed first."""

_SETTING: Final = "container.settings."
_LOOPBACK: Final = ("127.", "[::1]", "::1")
_OUTWARD: Final = frozenset({"NodePort", "LoadBalancer"})
_DELETION: Final = "services-delete"
_SERVICES: Final = ("services-create", "services-update", "services-patch", _DELETION)
_TOLD: Final = "kubernetes.audit.service."


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
    services = list(estate.activities(f"action IN ({', '.join('?' * len(_SERVICES))})", *_SERVICES))
    for workload, how in _behind(list(_outward(services)), estate):
        found.setdefault(workload, set()).add(how)
    return found


def exposure_of(doors: Iterable[str], *, runs: bool) -> Exposure:
    """Return the exposure of what has these ways in."""
    if not runs:
        return "idle"
    return "exposed" if any(doors) else "internal"


def _outward(services: Iterable[Activity]) -> Iterator[tuple[str, str, frozenset[str], str]]:
    """Yield cluster, namespace, selector and name of services that take traffic from outside their cluster, as last written."""
    latest: dict[tuple[str, ...], Event] = {}
    for one in sorted(services, key=lambda each: (each.last, each.last_id)):
        if one.done.get("event.outcome") != "failure":
            parts = ("cluster.name", "namespace", "resource.name")
            written = tuple(one.done.get(f"orchestrator.{part}", "") for part in parts)
            if one.action == _DELETION:
                latest.pop(written, None)
            else:
                latest[written] = one.done if _is_whole(one.done) else latest.get(written, {}) | one.done
    for (cluster, namespace, name), done in latest.items():
        outward = done.get("kubernetes.audit.service.type") in _OUTWARD
        selector = frozenset(done.get("kubernetes.audit.service.selector") or ())
        if selector and (outward or done.get("kubernetes.audit.service.external_ips")):
            yield cluster, namespace, selector, f"service {name}"


def _is_whole(done: Event) -> bool:
    """Return whether a write tells all of a service: what a patch leaves out stays, unless the answer was logged, which has addresses."""
    if done.get("kubernetes.audit.verb") == "patch":
        return f"{_TOLD}addresses" in done
    return any(name.startswith(_TOLD) for name in done)


def _behind(services: list[tuple[str, str, frozenset[str], str]], estate: Estate) -> Iterator[tuple[Workload, str]]:
    """Yield which workload stands behind which service: the one whose labels have all that it selects."""
    if not services:
        return
    for container in estate.containers:
        workload, labels = workload_of(container.known), frozenset(container.known.get("workload.labels") or ())
        for cluster, namespace, selector, how in services:
            if workload and workload[:2] == (cluster, namespace) and selector <= labels:
                yield workload, how
