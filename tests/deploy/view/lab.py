"""What judges and correlate have written, made up: records of the topics that the view follows, and a view without Kafka."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from deploy.view.rows import Row, rows_of
from deploy.view.schema import COLUMNS
from deploy.view.store import Store
from schemas.alert import Alert, Cause, State
from schemas.codec import dumps, dumps_sorted
from schemas.facts import context_of
from schemas.kpi import KpiRecord
from schemas.shared import SharedRecord
from schemas.topics import Name
from streams.judge.memo import digest_of

__all__ = ["NOON", "Said", "activity", "alert", "container", "contents_of", "figures", "shared", "view_of"]

NOON: Final = "2026-06-01T12:00:00.000000000Z"
_ENGINE: Final = 1

Said = tuple[Name, bytes, bytes | None]
"""Topic, key and value of a record."""


def container(
    entity: str, workload: str = "shop/app/app", *, stopped: str = "", ended: str = "", seen: str = NOON, **facts: Any
) -> Said:
    """Return what the judge knows of a container of a workload, ``namespace/name/container``."""
    namespace, name, within = workload.split("/")
    known = {
        "container.id": entity * 5,
        "container.name": f"{name}-{entity[:4]}",
        "host.name": "node-1",
        "workload.cluster": "prod",
        "workload.namespace": namespace,
        "workload.name": name,
        "workload.container": within,
    } | {one.replace("__", "."): value for one, value in facts.items()}
    stored = {"facts": {one: [_ENGINE, value] for one, value in known.items()}, "seen": seen, "ended": ended}
    return "judge-state", f"entity/{entity}".encode(), dumps(stored | ({"stopped": stopped} if stopped else {}))


def activity(
    principal: str,
    done: dict[str, Any],
    known: dict[str, Any] | None = None,
    *,
    partition: int = 0,
    count: int = 1,
    first: str = NOON,
    last: str = "",
    outcome: str = "authorized",
    dimension: str = "exec",
    **verdict: Any,
) -> Said:
    """Return a row of ``activities``."""
    context, digest = context_of(principal, known or {}), digest_of(dumps_sorted(done))
    row = {
        "activity.principal": principal,
        "activity.context": context,
        "activity.digest": digest,
        "activity.dimension": dimension,
        "activity.partition": partition,
        "activity.count": count,
        "activity.first": first,
        "activity.first_id": f"shop:{partition:04d}:000000000001",
        "activity.last": last or first,
        "activity.last_id": f"shop:{partition:04d}:{count:012d}",
        "activity.samples": [],
        "activity.replicas": 1,
        **(known or {}),
        **done,
        "verdict.outcome": outcome,
        "verdict.activity": digest,
        "verdict.context": context,
        "verdict.principal": principal,
        **{f"verdict.{name}": value for name, value in verdict.items()},
    }
    return "activities", f"{principal}|{context}|{digest}|{partition}".encode(), dumps(row)


def shared(subject: str, source: str, facts: dict[str, Any], time: str = NOON) -> Said:
    """Return what a source says of a subject."""
    record = SharedRecord(subject, source, time, time, facts)
    return "shared-facts", record.key, record.encode()


def alert(identifier: str, state: State = "open") -> Said:
    """Return an alert."""
    told = Alert(identifier, "container:prod/shop/app/app", Cause("rule", identifier), state, first=NOON, last=NOON)
    return "alerts", identifier.encode(), told.encode()


def figures(hour: str, series: int, gaps: int) -> Said:
    """Return how many gaps an hour had."""
    record = KpiRecord(hour, "counts", 0, series, {"gaps": gaps})
    return "kpi", record.key, record.encode()


def view_of(records: Iterable[Said], path: Path | None = None) -> sqlite3.Connection:
    """Return a view of records, in memory unless a file is named."""
    store = Store(path or Path(":memory:"))
    store.create({})
    rows: dict[Name, list[Row]] = {}
    for topic, key, value in records:
        rows.setdefault(topic, []).extend(rows_of(topic, key, value))
    for topic, found in rows.items():
        store.write(topic, found, {})
    return store.connection


def contents_of(view: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return everything a view says, with names and texts instead of numbers, which are others in each view."""
    names = dict(view.execute("SELECT id, name FROM principals"))
    texts = dict(view.execute("SELECT id, text FROM contents"))
    return {table: _said(view.execute(f"SELECT * FROM {table}"), names, texts) for table in (*COLUMNS, "positions")}  # noqa: S608 - names of ours


def _said(rows: sqlite3.Cursor, names: dict[int, str], texts: dict[int, str]) -> list[tuple[Any, ...]]:
    columns = [column[0] for column in rows.description]
    meanings = {"principal": names} | dict.fromkeys(("known", "done", "verdict", "record"), texts)
    return sorted(
        tuple(meanings[name][value] if name in meanings else value for name, value in zip(columns, row, strict=True))
        for row in rows
    )
