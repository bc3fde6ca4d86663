"""Key figures counted anew, by SQL over the records of ``verdicts``: by someone who knows nothing of how the judge counts."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from schemas.codec import Event, dumps
from schemas.kpi import KpiRecord
from streams.judge.canonical import utc

__all__ = ["counted", "standing", "summed"]

_CHANGED: Final = """
    NOT own AND NOT refused AND outcome IS NOT NULL
    AND (types LIKE '%"change"%' OR types LIKE '%"creation"%' OR types LIKE '%"deletion"%')
"""
_QUERIES: Final = (
    """
    SELECT hour, 'verdicts|' || outcome || '|' || cause || '|' || CASE cause
        WHEN 'policy' THEN policy || ': ' || clause WHEN 'rule' THEN rule WHEN 'sensor' THEN module WHEN 'baseline' THEN dimension
        ELSE '' END AS name, count(*)
    FROM verdicts WHERE NOT own AND outcome IS NOT NULL GROUP BY 1, 2
    """,
    "SELECT hour, 'blocked|platform', count(*) FROM verdicts WHERE outcome = 'unauthorized' AND refused AND NOT own GROUP BY 1",
    "SELECT hour, 'gaps', count(*) FROM verdicts WHERE dataset = 'tidewaiter.gap' GROUP BY 1",
    f"""
    SELECT hour, 'changes|configuration', count(*) FROM verdicts WHERE {_CHANGED} AND (categories LIKE '%"configuration"%' OR resource IN (
        'limitranges', 'mutatingwebhookconfigurations', 'networkpolicies', 'resourcequotas', 'validatingadmissionpolicies',
        'validatingadmissionpolicybindings', 'validatingwebhookconfigurations')) GROUP BY 1
    """,  # noqa: S608 - nothing from outside
    f"""SELECT hour, 'changes|access', count(*) FROM verdicts WHERE {_CHANGED} AND categories LIKE '%"iam"%' GROUP BY 1""",  # noqa: S608 - as above
    """
    SELECT hour, 'amended|' || outcome, sum(amended) FROM verdicts WHERE dataset = 'tidewaiter.amendment' GROUP BY 1, 2
    """,
    """
    SELECT hour, 'changes|' || subject, count(*) FROM verdicts
    WHERE id LIKE 'judge:0000:%' AND subject IN ('policies', 'rules') GROUP BY 1, 2
    """,
    "SELECT hour, 'findings|' || level, count(*) FROM verdicts WHERE own AND action = 'correlation' GROUP BY 1, 2",
)
_COLUMNS: Final = {
    "id": "event.id",
    "outcome": "verdict.outcome",
    "cause": "verdict.by",
    "policy": "verdict.policy",
    "clause": "verdict.clause",
    "rule": "verdict.rule.name",
    "module": "event.module",
    "dimension": "verdict.baseline.dimension",
    "dataset": "event.dataset",
    "amended": "amendment.count",
    "subject": "adoption.subject",
    "level": "rule.level",
    "action": "event.action",
    "resource": "orchestrator.resource.type",
}


def counted(verdicts: Iterable[Event]) -> dict[str, Counter[str]]:
    """Return figures by hour."""
    database = sqlite3.connect(":memory:")
    names = [*_COLUMNS, "hour", "own", "refused", "categories", "types"]
    database.execute(f"CREATE TABLE verdicts ({', '.join(names)})")
    holders = ", ".join("?" * len(names))
    database.executemany(f"INSERT INTO verdicts VALUES ({holders})", map(_row, verdicts))  # noqa: S608 - nothing from outside
    found: dict[str, Counter[str]] = {}
    for query in _QUERIES:
        for hour, name, number in database.execute(query):
            found.setdefault(hour, Counter())[name] += number
    database.close()
    return found


def _row(event: Event) -> list[object]:
    return [
        *(event.get(name) for name in _COLUMNS.values()),
        utc(event["@timestamp"])[:13],
        event["event.id"].startswith("judge:"),
        event.get("event.outcome") == "failure",
        dumps(event.get("event.category")).decode(),
        dumps(event.get("event.type")).decode(),
    ]


def standing(records: Mapping[bytes, bytes | None]) -> list[tuple[str, Mapping[str, int]]]:
    """Return how things stood by the records of one partition, and since which hour."""
    found = sorted((KpiRecord.decode(key, value or b"") for key, value in records.items()), key=lambda one: one.hour)
    levels = [one for one in found if one.kind == "levels"]
    return [
        (one.hour, one.figures)
        for before, one in zip([None, *levels], levels, strict=False)
        if before is None or before.figures != one.figures
    ]


def summed(records: Mapping[bytes, bytes | None]) -> dict[str, Counter[str]]:
    """Return the counts of all records of ``kpi`` by hour."""
    found: dict[str, Counter[str]] = {}
    for key, value in records.items():
        record = KpiRecord.decode(key, value or b"")
        if record.kind == "counts":
            found.setdefault(record.hour, Counter()).update(record.figures)
    return found
