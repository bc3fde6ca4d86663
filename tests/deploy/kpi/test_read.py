from __future__ import annotations

from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from deploy.kpi.periods import BY, Span
from deploy.kpi.read import latest, needed
from schemas.kpi import KpiRecord, Place
from tests.deploy.kpi.test_periods import documents

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


@given(st.lists(RECORDS, unique_by=lambda record: record.key), BOUNDS, BOUNDS, st.sampled_from(sorted(BY)))
def test_what_is_needed_tells_as_much_as_everything(records: list[KpiRecord], begin: str, end: str, by: str) -> None:
    span = Span("day" if by == "day" else "hour", begin, end)
    known = {place(record): record for record in records}
    wanted = needed(known, span)
    assert documents((known[one] for one in wanted), span) == documents(records, span)
    assert len(wanted) == len(set(wanted))


def place(record: KpiRecord) -> Place:
    return Place(record.hour, record.kind, record.partition, record.series)


def test_of_what_lies_before_only_how_things_stood_last_is_needed() -> None:
    places = [Place(hour, kind, 0, 0) for hour in HOURS for kind in ("counts", "levels")]
    found = needed(places, Span(begin="2026-11-28T23:00:00Z"))
    assert found == [
        Place("2026-11-28T09", "levels", 0, 0),
        Place("2026-11-28T23", "counts", 0, 0),
        Place("2026-11-28T23", "levels", 0, 0),
    ]


def test_without_a_bound_the_latest_are_shown() -> None:
    places = [Place(f"2026-11-{day:02d}T{hour:02d}", "counts", 0, 0) for day in range(1, 31) for hour in range(24)]
    undated = Place("", "counts", 0, 0)
    assert latest([*places, undated], Span()).begin == "2026-11-30T00"
    assert latest(places, Span("day")).begin == "2026-11-01"
    assert latest([undated], Span()) == Span()
