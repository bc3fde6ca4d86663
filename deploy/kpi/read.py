"""Reading key figures from the view: only those that are asked for, of all that were ever counted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from deploy.kpi.periods import BY, By, Span
from deploy.view.read import refuse_unreadable
from schemas.kpi import UNDATED, KpiRecord, Place

__all__ = ["latest", "needed", "read_records"]

_LATEST: Final[dict[By, int]] = {"hour": 24, "day": 31}
_LATER: Final = "~"
"""Behind a period it is later than all hours of it."""

_PERIODS: Final = "SELECT DISTINCT substr(hour, 1, ?) FROM kpi WHERE hour <> ? ORDER BY 1 DESC LIMIT ?"
_OF_SPAN: Final = "SELECT hour, kind, partition, series, value FROM kpi WHERE hour = ? OR (hour >= ? AND hour < ?)"
_STOOD_BEFORE: Final = """
SELECT hour, kind, partition, series, value FROM kpi JOIN (
    SELECT max(hour) AS hour, kind, partition FROM kpi WHERE kind = 'levels' AND hour <> ? AND hour < ? GROUP BY partition
) USING (hour, kind, partition)
"""


def read_records(view: sqlite3.Connection, span: Span) -> tuple[Span, list[KpiRecord]]:
    """Return which periods are shown and what is needed for them: without a bound the latest 24 hours, or 31 days.

    Raises ``ConfigurationError`` for what this version cannot read.
    """
    refuse_unreadable(view, "kpi")
    bounded = span if span.begin or span.end else latest(view, span)
    return bounded, list(needed(view, bounded))


def latest(view: sqlite3.Connection, span: Span) -> Span:
    """Return the span with the latest periods of which anything is known."""
    known = view.execute(_PERIODS, [BY[span.by], UNDATED, _LATEST[span.by]]).fetchall()
    return replace(span, begin=known[-1][0]) if known else span


def needed(view: sqlite3.Connection, span: Span) -> Iterator[KpiRecord]:
    """Yield what a span needs: what lies in it, what has no time, and of each partition how things stood before."""
    begin, end = span.period_of(span.begin), span.period_of(span.end) + _LATER
    yield from _records(view, _STOOD_BEFORE, UNDATED, begin)
    yield from _records(view, _OF_SPAN, UNDATED, begin, end)


def _records(view: sqlite3.Connection, query: str, *values: Any) -> Iterator[KpiRecord]:
    for hour, kind, partition, series, value in view.execute(query, values):
        yield KpiRecord.read(Place(hour, kind, partition, series), value)
