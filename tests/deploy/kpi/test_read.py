from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from deploy.kpi.periods import BY, Span
from deploy.kpi.read import latest, needed
from schemas.kpi import KpiRecord
from tests.deploy.kpi.test_periods import documents
from tests.deploy.view.lab import view_of

HOURS: Final = [f"2026-11-{day}T{hour:02d}" for day in (27, 28) for hour in (0, 9, 23)]
RECORDS: Final = st.builds(
    KpiRecord,
    hour=st.sampled_from(["", *HOURS]),
    kind=st.sampled_from(["counts", "levels"]),
    partition=st.integers(0, 2),
    series=st.just(0),
    figures=st.fixed_dictionaries({"containers": st.integers(0, 9)}),
)
BOUNDS: Final = st.sampled_from(["", "2026-11-27T09:30:00Z", "2026-11-28T00:00:00Z", "2027-01-01T00:00:00Z"])


def viewed(records: Iterable[KpiRecord]) -> sqlite3.Connection:
    return view_of(("kpi", record.key, record.encode()) for record in records)


def figures(hour: str, kind: str = "counts") -> KpiRecord:
    return KpiRecord(hour, "levels" if kind == "levels" else "counts", 0, 0, {"containers": 1})


@given(st.lists(RECORDS, unique_by=lambda record: record.key), BOUNDS, BOUNDS, st.sampled_from(sorted(BY)))
def test_what_is_needed_tells_as_much_as_everything(records: list[KpiRecord], begin: str, end: str, by: str) -> None:
    span = Span("day" if by == "day" else "hour", begin, end)
    wanted = list(needed(viewed(records), span))
    assert documents(wanted, span) == documents(records, span)
    assert len(wanted) == len({one.key for one in wanted})


def test_of_what_lies_before_only_how_things_stood_last_is_needed() -> None:
    view = viewed(figures(hour, kind) for hour in HOURS for kind in ("counts", "levels"))
    found = [(one.hour, one.kind) for one in needed(view, Span(begin="2026-11-28T23:00:00Z"))]
    assert found == [("2026-11-28T09", "levels"), ("2026-11-28T23", "counts"), ("2026-11-28T23", "levels")]


def test_of_what_lies_behind_nothing_is_needed() -> None:
    found = needed(viewed(map(figures, HOURS)), Span(end="2026-11-27T09:30:00Z"))
    assert [one.hour for one in found] == HOURS[:2]


def test_without_a_bound_the_latest_are_shown() -> None:
    records = [figures(f"2026-11-{day:02d}T{hour:02d}") for day in range(1, 31) for hour in range(24)]
    undated = figures("")
    assert latest(viewed([*records, undated]), Span()).begin == "2026-11-30T00"
    assert latest(viewed(records), Span("day")).begin == "2026-11-01"
    assert latest(viewed([undated]), Span()) == Span()
