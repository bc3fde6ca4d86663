"""Reading key figures from their topic: only those that are asked for, of all that were ever counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from deploy.kafka import partitions_of, read_all
from deploy.kpi.periods import By, Span
from schemas.errors import ConfigurationError, Invalid
from schemas.kpi import UNDATED, KpiRecord, Place, place_of
from schemas.settings import Settings

__all__ = ["latest", "needed", "read_records"]

_LATEST: Final[dict[By, int]] = {"hour": 24, "day": 31}


def read_records(settings: Settings, span: Span) -> tuple[Span, list[KpiRecord]]:
    """Return which periods are shown and what is needed for them: without a bound the latest 24 hours, or 31 days.

    Raises ``ConfigurationError`` for what this version cannot read.
    """
    partitions_of(settings.kafka, "kpi")  # which says what to do where there is no such topic
    try:
        found = {place_of(key or b""): value for (_, key), value in read_all(settings.kafka, "kpi").items() if value}
        bounded = span if span.begin or span.end else latest(found, span)
        return bounded, [KpiRecord.read(place, found[place]) for place in needed(found, bounded)]
    except Invalid as error:
        raise ConfigurationError(f"topic kpi: {error}; run the version of Tidewaiter that wrote it") from error


def latest(places: Iterable[Place], span: Span) -> Span:
    """Return the span with the latest periods of which anything is known."""
    known = sorted({span.period_of(place.hour) for place in places if place.hour != UNDATED})[-_LATEST[span.by] :]
    return replace(span, begin=known[0]) if known else span


def needed(places: Iterable[Place], span: Span) -> list[Place]:
    """Return what a span needs: what lies in it, what has no time, and of each partition how things stood before."""
    before: dict[int, Place] = {}
    found: list[Place] = []
    for place in places:
        if place.hour == UNDATED or span.holds(span.period_of(place.hour)):
            found.append(place)
        elif place.kind == "levels" and place.hour < span.begin:
            before[place.partition] = max(place, before.get(place.partition, place))
    return [*before.values(), *found]
