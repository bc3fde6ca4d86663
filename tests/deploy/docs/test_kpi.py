"""What is said of key figures is what there is, and the query is one that counts them."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Final

from deploy.kpi.periods import Span, periods
from schemas.codec import Event, loads
from schemas.kpi import KpiRecord
from tests.streams.judge.lab import HEARTBEAT, Lab, does, envelope, message

TEXT: Final = (Path(__file__).parents[3] / "deploy/docs/kpi.md").read_text()
COLUMNS: Final = ("event.id", "verdict.outcome", "verdict.by")


def document() -> dict[str, object]:
    records = [KpiRecord("2026-11-27T10", kind, 0, 0, {"containers": 1}) for kind in ("counts", "levels")]
    (found,) = periods(records, (), Span())
    return found.document()


def test_every_figure_is_explained() -> None:
    told = set(re.findall(r"`([a-z_]+)`", TEXT))
    found = document()
    names = {*found} - {"from", "to"}
    for part in ("alerts", "standing", "blocked", "changes"):
        inner = found[part]
        assert isinstance(inner, dict)
        names |= {*inner}
        names.update(name for value in inner.values() if isinstance(value, dict) for name in value)
    assert names <= told


def test_the_query_counts_what_the_command_counts() -> None:
    lab = Lab()
    what = [does("/bin/sh"), HEARTBEAT, does("/usr/bin/nginx"), does("/bin/sh"), does("/opt/a")]
    lab.judge([message(place, envelope(place, "host:node-1") | one) for place, one in enumerate(what)], flush=True)
    lab.commit(lab.partition.note_gap(1, 2, "2026-11-27T10:00:00.000000000Z"), flush=True)
    records = [KpiRecord.decode(key, value or b"") for key, value in lab.kpi.items()]
    told = {
        (period.name, one["outcome"], one["by"]): one["count"]
        for period in periods(records, (), Span())
        for one in period.document()["causes"]
    }
    assert told == queried([loads(value) for value in lab.verdicts])
    assert sum(told.values()) == 4


def queried(verdicts: list[Event]) -> Counter[tuple[str, str, str]]:
    database = sqlite3.connect(":memory:")
    database.execute('CREATE TABLE verdicts (hour, "event.id", "verdict.outcome", "verdict.by")')
    rows = [(one["@timestamp"][:13], *(one.get(name) for name in COLUMNS)) for one in verdicts]
    database.executemany("INSERT INTO verdicts VALUES (?, ?, ?, ?)", rows)
    (query,) = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)
    found: Counter[tuple[str, str, str]] = Counter()
    for hour, outcome, by, number in database.execute(query):
        found[hour, outcome, by] += number
    database.close()
    return found
