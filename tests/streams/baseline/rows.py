"""Rows of ``activities`` as the judge writes them, and what is learned of them."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final

from schemas.baseline import Baseline, Element, Elements
from schemas.codec import dumps, dumps_sorted
from streams.baseline.compiled import CompiledBaseline
from streams.baseline.learned import Learned
from streams.baseline.seen import Seen
from tests.streams.judge.lab import at

Record = dict[str, Any]
KeyAndRow = tuple[bytes, bytes]

WEB: Final = "container:/shop/web/"
OLD, NEW = "sha256:old", "sha256:new"
HOUR: Final = 3600.0
NEVER: Final[Elements] = {}


def ran(program: str, *arguments: str, **more: Any) -> Record:
    return {
        "event.action": "exec",
        "event.dataset": "auditd.log",
        "process.executable": program,
        "process.args": [program, *arguments],
    } | more


def opened(path: str, access: str = "read") -> Record:
    return {"event.action": "open", "event.dataset": "auditd.log", "file.path": path, "file.access": [access]}


def connected(address: str, port: int = 443) -> Record:
    return {
        "event.action": "connect",
        "event.dataset": "auditd.log",
        "network.direction": "egress",
        "network.transport": "tcp",
        "destination.ip": address,
        "destination.port": port,
    }


def listened(port: int) -> Record:
    return {
        "event.action": "listen",
        "event.dataset": "tetragon",
        "network.direction": "ingress",
        "network.transport": "tcp",
        "destination.port": port,
    }


STARTED: Final[Record] = {"event.action": "container-start", "event.dataset": "docker.events"}


def row(
    record: Record,
    *,
    principal: str = WEB,
    count: int = 1,
    first: float = 0.0,
    last: float | None = None,
    context: str = "c0ffee",
    partition: int = 0,
    replicas: int = 0,
    release: str = OLD,
    outcome: str = "undetermined",
    by: str = "nothing",
) -> KeyAndRow:
    """Return key and value of a row; ``first`` and ``last`` are seconds of the events' clock."""
    digest = blake2b(dumps_sorted([record, release]), digest_size=16).hexdigest()
    workload = {"workload.name": "web", "workload.namespace": "shop", "container.image.id": release}
    value = {
        "activity.principal": principal,
        "activity.context": context,
        "activity.digest": digest,
        "activity.dimension": "exec",
        "activity.partition": partition,
        "activity.count": count,
        "activity.first": at(first),
        "activity.first_id": f"shop:0000:{round(first * 1000):012d}",
        "activity.last": at(first if last is None else last),
        "activity.last_id": f"shop:0000:{round((first if last is None else last) * 1000):012d}",
        "activity.samples": [],
        "activity.replicas": replicas,
        **(workload if principal.startswith("container:") else {}),
        **record,
        "verdict.outcome": outcome,
        "verdict.by": by,
    }
    return f"{principal}|{context}|{digest}|{partition}".encode(), dumps(value)


def denied(record: Record, by: str = "policy", **more: Any) -> KeyAndRow:
    return row(record, outcome="unauthorized", by=by, **more)


def gap(cause: str, first: float, last: float, principal: str = "collector:shop") -> KeyAndRow:
    record = {"event.action": "telemetry-gap", "event.dataset": "tidewaiter.gap", "gap.cause": cause}
    return row(record, principal=principal, first=first, last=last)


def seen_of(rows: Iterable[KeyAndRow]) -> Seen:
    seen = Seen()
    for key, value in rows:
        seen.take(key, value)
    return seen


def learned_of(*rows: KeyAndRow, principal: str = WEB) -> Learned:
    return seen_of(rows).of(principal)


def candidate_elements(*rows: KeyAndRow, never: Elements = NEVER) -> Elements:
    return learned_of(*rows).candidate(never, frozenset()).elements


def execs(elements: Elements) -> list[Element]:
    return list(elements.get("exec", ()))


def in_force(elements: Elements, never: Elements = NEVER, releases: tuple[str, ...] = (OLD,)) -> CompiledBaseline:
    return CompiledBaseline.of(Baseline(WEB, 3, elements, never, releases))
