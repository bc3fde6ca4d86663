"""Hosts, with the clusters they belong to and what runs there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from deploy.inventory.estate import Estate, Workload, workload_of

__all__ = ["Host", "hosts_of"]

_HOST: Final = "host:"


@dataclass(frozen=True, slots=True)
class Host:
    """One host; ``outcomes`` and ``first`` are of what it did itself, beside its containers."""

    host: str
    clusters: tuple[str, ...]
    runtimes: tuple[str, ...]
    running: int
    stopped: int
    images: int
    workloads: int
    outcomes: dict[str, int]
    first: str
    last: str


@dataclass(slots=True)
class _Seen:
    """What was gathered of one host from its containers."""

    clusters: set[str] = field(default_factory=set)
    runtimes: set[str] = field(default_factory=set)
    images: set[str] = field(default_factory=set)
    workloads: set[Workload] = field(default_factory=set)
    running: int = 0
    stopped: int = 0
    last: str = ""


def hosts_of(estate: Estate) -> list[Host]:
    """Return all hosts that something tells of, by name."""
    seen: dict[str, _Seen] = {}
    for container in estate.containers:
        name = container.own.get("host.name")
        if not name:
            continue
        one, known = seen.setdefault(name, _Seen()), container.known
        one.clusters.update(filter(None, [known.get("workload.cluster")]))
        one.runtimes.update(filter(None, [container.own.get("container.runtime")]))
        one.last = max(one.last, container.seen)
        if container.runs:
            one.running += 1
            one.images.update(filter(None, [estate.catalog.image_of(known)]))
            one.workloads.update(filter(None, [workload_of(known)]))
        else:
            one.stopped += 1
    own = {name.removeprefix(_HOST) for name in estate.spans if name.startswith(_HOST)} - {""}
    return [_row(name, seen.get(name, _Seen()), estate) for name in sorted(own | seen.keys())]


def _row(name: str, seen: _Seen, estate: Estate) -> Host:
    first, last = estate.spans.get(_HOST + name, ("", ""))
    return Host(
        host=name,
        clusters=tuple(sorted(seen.clusters)),
        runtimes=tuple(sorted(seen.runtimes)),
        running=seen.running,
        stopped=seen.stopped,
        images=len(seen.images),
        workloads=len(seen.workloads),
        outcomes=dict(sorted(estate.outcomes.get(_HOST + name, {}).items())),
        first=first,
        last=max(last, seen.last),
    )
