"""Workloads: what runs for which purpose, with which images, how it behaves, and what was mended in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from deploy.inventory.catalog import reference_of
from deploy.inventory.estate import NOT_OBSERVABLE, Estate, Workload, workload_of
from deploy.inventory.exposure import Exposure, doors_of, exposure_of, reached_from_outside
from deploy.inventory.ports import ports_of
from deploy.inventory.remediation import Remediation, remediations_of
from deploy.inventory.rights import is_root, rights_of
from deploy.stores import DataStore, Traits, store_of
from schemas.codec import Event

__all__ = ["WorkloadRow", "workloads_of"]

_SETTING: Final = "container.settings."


@dataclass(frozen=True, slots=True)
class WorkloadRow:
    """One workload, over all its containers and releases.

    ``baselines`` count its containers by where their baseline stands, ``outcomes`` its events by the verdict that what they did has now.
    ``rights`` are granted; whether they are used is ``not observable``. ``data_store`` is the product that it is recognised as.
    """

    workload: str
    cluster: str
    namespace: str
    name: str
    kind: str
    containers: tuple[str, ...]
    labels: tuple[str, ...]
    running: int
    stopped: int
    hosts: tuple[str, ...]
    images: tuple[str, ...]
    first: str
    last: str
    outcomes: dict[str, int]
    baselines: dict[str, int]
    root: bool | str
    rights: tuple[str, ...]
    rights_used: str
    environment_secrets: tuple[str, ...]
    exposure: Exposure
    doors: tuple[str, ...]
    data_store: dict[str, Any] | None
    remediations: tuple[Remediation, ...]


@dataclass(slots=True)
class _Seen:
    """What was gathered of one workload."""

    kinds: set[str] = field(default_factory=set)
    principals: set[str] = field(default_factory=set)
    containers: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    states: Counter[bool] = field(default_factory=Counter)
    hosts: set[str] = field(default_factory=set)
    images: set[str] = field(default_factory=set)
    current: list[Event] = field(default_factory=list)
    past: list[Event] = field(default_factory=list)
    first: str = ""
    last: str = ""

    def note(self, principal: str, known: Event) -> None:
        self.principals.add(principal)
        self.kinds.update(filter(None, [known.get("workload.kind")]))
        self.containers.update(filter(None, [known.get("workload.container")]))
        self.labels.update(known.get("workload.labels") or ())


def workloads_of(estate: Estate) -> list[WorkloadRow]:
    """Return all workloads that were seen, by name."""
    seen: dict[Workload, _Seen] = {}
    for run in estate.runs:
        workload = workload_of(run.known)
        if workload:
            one = seen.setdefault(workload, _Seen())
            one.note(run.principal, run.known)
            one.past.append(run.known)
            one.first, one.last = min(one.first or run.first, run.first), max(one.last, run.last)
    for container in estate.containers:
        workload = workload_of(container.known)
        if workload:
            _add_container(seen.setdefault(workload, _Seen()), container.principal, container.known, container)
    outside, mended, asked_on = reached_from_outside(estate), remediations_of(estate), ports_of(estate)
    rows = []
    for workload in sorted(seen):
        found = store_of(
            Traits(seen[workload].labels, seen[workload].images, (), workload.name, asked_on.get(workload, ()))
        )
        ways, steps = outside.get(workload, set()), mended.get(workload, ())
        rows.append(_row(workload, seen[workload], estate, ways, steps, found))
    return rows


def _add_container(seen: _Seen, principal: str, known: Event, container: Any) -> None:
    seen.note(principal, known)
    seen.states[container.runs] += 1
    if container.runs:
        seen.current.append(known)
        seen.images.update(reference_of(known))
        seen.hosts.update(filter(None, [container.own.get("host.name")]))


def _row(
    workload: Workload,
    seen: _Seen,
    estate: Estate,
    outside: set[str],
    mended: tuple[Remediation, ...],
    store: DataStore | None,
) -> WorkloadRow:
    outcomes: Counter[str] = Counter()
    for principal in seen.principals:
        outcomes.update(estate.outcomes.get(principal, {}))
    baselines = Counter(estate.baselines.get(principal, "none") for principal in seen.principals)
    doors = outside.union(*(doors_of(known) for known in seen.current)) if seen.current else set()
    rights = sorted({right for known in seen.current for right in rights_of(known)})
    return WorkloadRow(
        workload=str(workload),
        cluster=workload.cluster,
        namespace=workload.namespace,
        name=workload.name,
        kind=", ".join(sorted(seen.kinds)),
        containers=tuple(sorted(seen.containers)),
        labels=tuple(sorted(seen.labels)),
        running=seen.states[True],
        stopped=seen.states[False],
        hosts=tuple(sorted(seen.hosts)),
        images=tuple(sorted(seen.images)),
        first=seen.first,
        last=seen.last,
        outcomes=dict(sorted(outcomes.items())),
        baselines=dict(sorted(baselines.items())),
        root=_root(seen.current or seen.past),
        rights=tuple(rights),
        rights_used=NOT_OBSERVABLE if rights else "",
        environment_secrets=tuple(
            sorted({name for known in seen.current for name in known.get(f"{_SETTING}environment_secrets") or ()})
        ),
        exposure=exposure_of(doors, runs=bool(seen.states[True])),
        doors=tuple(sorted(doors)),
        data_store=store.as_json() if store else None,
        remediations=mended,
    )


def _root(facts: list[Event]) -> bool | str:
    if any(map(is_root, facts)):
        return True
    return False if any(f"{_SETTING}root" in known for known in facts) else NOT_OBSERVABLE
