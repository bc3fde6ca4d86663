"""Connections as judges have counted them, made up or judged here, and the map that they make."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from deploy.map.build import map_of
from deploy.map.directory import Directory
from deploy.map.end import End
from deploy.map.graph import Edge, Map
from deploy.map.read import Asked, read_map
from deploy.services import services_of
from deploy.trial import _first_facts, _in_force, _judge, _partition
from deploy.trial_facts import TrialFacts
from deploy.view.read import Activity, activities, entities
from schemas.baseline import Baseline
from schemas.codec import Event
from schemas.errors import Invalid
from schemas.policyset import PolicySet
from streams.judge.data import DataClasses
from streams.judge.rules import RulesInForce
from tests.deploy.view.lab import Said, activity, view_of

__all__ = [
    "activities_of",
    "connected",
    "end",
    "judged",
    "known_of",
    "lines",
    "made",
    "reached",
    "service_written",
    "whole_map",
    "workload",
]


def end(text: str) -> End:
    """Return the end of an id."""
    kind, _, name = text.partition(":")
    return End(kind, name)  # type: ignore[arg-type]  # a test's own words


def workload(name: str) -> End:
    return End("workload", f"prod/shop/{name}")


def known_of(name: str, namespace: str = "shop", **facts: Any) -> dict[str, Any]:
    known = {"cluster": "prod", "namespace": namespace, "name": name, "container": name}
    return {f"workload.{part}": value for part, value in known.items()} | {
        part.replace("__", "."): value for part, value in facts.items()
    }


def connected(
    name: str, to: str = "", port: int | None = 443, *, known: dict[str, Any] | None = None, **changes: Any
) -> Said:
    """Return a row of a workload that connects to an address, or to a workload where ``to`` is one."""
    peer = {"peer.workload": to} if to.count("/") == 2 else {"destination.ip": to}
    return _row("egress", name, peer | {"destination.port": port}, known, changes)


def reached(
    name: str, by: str = "", port: int | None = 443, *, known: dict[str, Any] | None = None, **changes: Any
) -> Said:
    """Return a row of a workload that an address, or a workload, connects to."""
    peer = {"peer.workload": by} if by.count("/") == 2 else {"source.ip": by}
    return _row("ingress", name, peer | {"destination.port": port}, known, changes)


def _row(side: str, name: str, peer: dict[str, Any], known: dict[str, Any] | None, changes: dict[str, Any]) -> Said:
    counted = ("count", "first", "last", "outcome", "partition", "level", "data")
    options = {word: changes.pop(word) for word in counted if word in changes}
    said = {"event.action": "connect", "event.dataset": "falco.alerts", "network.direction": side, **peer}
    done = said | {word.replace("__", "."): value for word, value in changes.items()}
    facts = known or known_of(name)
    principal = f"container:prod/{facts['workload.namespace']}/{name}/{name}"
    told = {word: value for word, value in done.items() if value not in (None, "")}
    return activity(principal, told, facts, dimension=side, **options)


def service_written(
    name: str, addresses: list[str], selector: list[str], action: str = "create", **options: Any
) -> Said:
    done = {
        "event.action": f"services-{action}",
        "event.outcome": "success",
        "kubernetes.audit.verb": action,
        "orchestrator.cluster.name": "prod",
        "orchestrator.namespace": "shop",
        "orchestrator.resource.type": "services",
        "orchestrator.resource.name": name,
        "kubernetes.audit.service.addresses": addresses,
        "kubernetes.audit.service.selector": selector,
    }
    told = {word: value for word, value in done.items() if value}
    return activity("user:prod/alice", told, dimension="api", **options)


def activities_of(records: Iterable[Said]) -> list[Activity]:
    return list(activities(view_of(records)))


def made(records: Iterable[Said], classes: DataClasses | None = None) -> Map:
    """Return the map of rows and containers."""
    view = view_of(records)
    containers, found = list(entities(view, "container")), list(activities(view))
    return map_of(found, Directory.of(containers, services_of(found)), containers, classes)


def whole_map(view: sqlite3.Connection) -> Map:
    return read_map(view, DataClasses(()), Asked())


def lines(graph: Map) -> list[str]:
    """Return the edges of a map in words, in order."""
    return [_words(edge) for edge in graph.edges]


def _words(edge: Edge) -> str:
    return f"{edge.source.id} > {edge.target.id} {edge.what}"


def judged(
    results: Iterable[tuple[int, Event | Invalid]],
    policies: PolicySet,
    rules: RulesInForce | None = None,
    baselines: Iterable[Baseline] = (),
) -> sqlite3.Connection:
    """Return a view of what a judge makes of events; facts hold from the beginning, as in a trial."""
    partition, facts = _partition(policies, _in_force(baselines), rules), TrialFacts(policies)
    listed = list(results)
    done = dict(_first_facts(listed, partition, facts))
    for position, (_, event) in enumerate(listed):
        if position not in done and not isinstance(event, Invalid):
            _judge(partition, event, facts)
    state, rows, *_ = partition.take(flush=True)
    kept = [("judge-state", key, value) for key, value in state]
    return view_of([*kept, *(("activities", key, value) for key, value in rows)])  # type: ignore[list-item]  # names of topics
