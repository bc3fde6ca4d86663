from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.kpi.periods import Span, periods, undated
from schemas.kpi import KpiRecord
from tests.deploy.kpi.test_lives import alert, at

EXEC: Final = "verdicts|unauthorized|policy|shells: exec.deny[0]"
KNOWN: Final = "verdicts|authorized|baseline|exec"


def counts(hour: str, partition: int = 0, series: int = 1, **figures: int) -> KpiRecord:
    named = {name.replace("__", "|"): number for name, number in figures.items()}
    return KpiRecord(hour, "counts", partition, series, named)


def levels(
    hour: str, partition: int = 0, members: dict[str, tuple[str, ...]] | None = None, **figures: int
) -> KpiRecord:
    named = {name.replace("__", "|"): number for name, number in figures.items()}
    return KpiRecord(hour, "levels", partition, 0, named, members or {})


def documents(records: Iterable[KpiRecord], span: Span | None = None) -> dict[str, dict[str, Any]]:
    return {one.name: one.document() for one in periods(records, (), span or Span())}


def test_counts_of_partitions_and_series_are_added_up() -> None:
    hour = "2026-11-27T10"
    found = documents([counts(hour, gaps=1), counts(hour, series=2, gaps=2), counts(hour, partition=1, gaps=3)])
    assert found[hour]["gaps"] == 6
    assert (found[hour]["from"], found[hour]["to"]) == ("2026-11-27T10:00:00Z", "2026-11-27T11:00:00Z")


@pytest.mark.parametrize(
    ("hour", "span", "end"),
    [
        ("9999-12-31T23", Span(), "9999-12-31T23:59:59Z"),
        ("9999-12-31T23", Span("day"), "9999-12-31T23:59:59Z"),
        ("0001-01-01T00", Span(), "0001-01-01T01:00:00Z"),
    ],
)
def test_the_hours_of_a_clock_gone_mad_are_told_too(hour: str, span: Span, end: str) -> None:
    (found,) = documents([counts(hour, gaps=1)], span).values()
    assert found["to"] == end


def test_verdicts_are_told_by_outcome_and_by_cause() -> None:
    record = KpiRecord("2026-11-27T10", "counts", 0, 1, {EXEC: 3, KNOWN: 5, "blocked|platform": 2})
    found = documents([record])["2026-11-27T10"]
    assert found["verdicts"] == {"authorized": 5, "unauthorized": 3, "undetermined": 0}
    assert found["causes"] == [
        {"outcome": "authorized", "by": "baseline", "name": "exec", "count": 5},
        {"outcome": "unauthorized", "by": "policy", "name": "shells: exec.deny[0]", "count": 3},
    ]
    assert found["blocked"] == {"platform": 2, "tidewaiter": 0}


def test_what_an_hour_counts_a_day_counts_with_all_its_others() -> None:
    records = [counts("2026-11-27T10", gaps=1), counts("2026-11-27T23", gaps=2), counts("2026-11-28T00", gaps=4)]
    assert {name: one["gaps"] for name, one in documents(records, Span("day")).items()} == {
        "2026-11-27": 3,
        "2026-11-28": 4,
    }


def test_levels_hold_until_the_next_of_the_same_partition() -> None:
    records = [
        levels("2026-11-27T10", 0, containers=2, containers__root=1),
        levels("2026-11-27T11", 1, containers=5),
        levels("2026-11-27T13", 0, containers=1),
        *(counts(f"2026-11-27T{hour}", gaps=1) for hour in ("09", "12", "14")),
    ]
    found = documents(Random(1).sample(records, len(records)))
    assert found["2026-11-27T09"]["standing"] is None
    standing = {hour[-2:]: one["standing"] and one["standing"]["containers"]["all"] for hour, one in found.items()}
    assert standing == {"09": None, "10": 2, "11": 7, "12": 7, "13": 6, "14": 6}
    assert found["2026-11-27T12"]["standing"]["containers"]["root"] == 1
    day = documents(records, Span("day"))["2026-11-27"]
    assert day["standing"]["containers"] == found["2026-11-27T14"]["standing"]["containers"]


def test_what_several_partitions_name_is_counted_once() -> None:
    found = documents(
        [
            levels("2026-11-27T10", 0, {"images": ("a", "b"), "images|vulnerable": ("a",)}),
            levels("2026-11-27T10", 1, {"images": ("b", "c"), "images|vulnerable": ("a",)}),
        ]
    )
    assert found["2026-11-27T10"]["standing"]["images"] == {
        "all": 3,
        "unregistered": None,
        "unscanned": 0,
        "vulnerable": 1,
        "left_out": 0,
    }


def test_what_no_registry_and_no_scanner_tells_is_not_a_number() -> None:
    images: dict[str, tuple[str, ...]] = dict.fromkeys(
        ("images", "images|unregistered", "images|unscanned"), ("a", "b")
    )
    some: dict[str, tuple[str, ...]] = {"images|unregistered": ("a",), "images|unscanned": ("a",)}
    untold = levels("2026-11-27T10", 0, images)
    told = levels("2026-11-27T11", 0, images | some, registered=1)
    found = [one["standing"]["images"] for one in documents([untold, told]).values()]
    assert [(one["unregistered"], one["vulnerable"]) for one in found] == [(None, None), (1, 0)]


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (Span(), ["09", "10", "11"]),
        (Span(begin="2026-11-27T10:59:59.000000000Z"), ["10", "11"]),
        (Span(end="2026-11-27T11:00:00.000000000Z"), ["09", "10"]),
        (Span(begin="2026-11-27T10:00:00.000000000Z", end="2026-11-27T10:00:01.000000000Z"), ["10"]),
    ],
)
def test_periods_are_those_that_begin_in_the_span_and_the_one_in_which_it_begins(
    span: Span, expected: list[str]
) -> None:
    records = [counts(f"2026-11-27T{hour}", gaps=1) for hour in ("09", "10", "11")]
    assert [name[-2:] for name in documents([levels("2026-11-27T09", containers=3), *records], span)] == expected
    latest = list(documents([levels("2026-11-27T09", containers=3), *records], span).values())[-1]
    assert latest["standing"]["containers"]["all"] == 3


def test_alerts_stand_open_until_something_becomes_of_them() -> None:
    alerts = [alert((0, "open"), (61, "acknowledge"), (130, "close")), alert((1, "open"))]
    found = [one.document()["alerts"] for one in periods((), alerts, Span())]
    assert [(one["opened"], one["open_at_end"], one["acknowledged_at_end"]) for one in found] == [
        (2, 2, 0),
        (0, 1, 1),
        (0, 1, 0),
    ]
    later = list(periods((), alerts, Span(begin=at(130))))
    assert [one.document()["alerts"]["open_at_end"] for one in later] == [1]


def test_what_has_no_time_is_in_no_period() -> None:
    records = [counts("", gaps=2), counts("", series=2, gaps=1)]
    assert documents(records) == {}
    assert undated(records) == {"gaps": 3}


@given(st.lists(st.tuples(st.integers(0, 23), st.integers(0, 3), st.integers(1, 5)), max_size=20), st.randoms())
def test_the_order_of_records_does_not_matter(found: list[tuple[int, int, int]], random: Random) -> None:
    records = [
        KpiRecord(f"2026-11-27T{hour:02d}", kind, partition, place if kind == "counts" else 0, {"containers": number})
        for place, (hour, partition, number) in enumerate({(one[0], one[1]): one for one in found}.values())
        for kind in ("counts", "levels")
    ]
    assert documents(random.sample(records, len(records))) == documents(records)
