from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.rules.correlation import Bound, Correlation, Needs, NeedsAll, NeedsAny, NeedsNo
from streams.rules.windows import SECOND, Entry, is_growing, moments
from tests.streams.rules.correlations import at_least, correlation, entry
from tests.streams.rules.literal import holding, window
from tests.streams.rules.strategies import correlations, entries

A, B, C = "a", "b", "c"


def times(asked: Correlation, *hits: Entry) -> list[float]:
    return [moment.time / SECOND for moment in moments(asked, sorted(hits))]


@given(correlations(), entries())
def test_the_condition_holds_when_a_literal_reading_says_so(asked: Correlation, hits: list[Entry]) -> None:
    found = list(moments(asked, hits))
    assert [moment.time for moment in found] == holding(asked, hits)
    for moment in found:
        assert hits[moment.start : moment.end] == window(asked, hits, moment.time)


@given(correlations(), entries(), entries())
def test_more_hits_only_make_a_growing_condition_hold_more_often(
    asked: Correlation, hits: list[Entry], more: list[Entry]
) -> None:
    if is_growing(asked):
        together = sorted({one[:2]: one for one in (*more, *hits)}.values())
        assert set(holding(asked, hits)) <= set(holding(asked, together))


def test_a_window_has_both_its_ends() -> None:
    asked = correlation("many", A, timespan_seconds=10, bounds=at_least(2))
    assert times(asked, entry(0), entry(10)) == [10]
    assert times(asked, entry(0), entry(10.000000001)) == []


def test_a_window_slides() -> None:
    asked = correlation("many", A, timespan_seconds=10, bounds=at_least(3))
    assert times(asked, *map(entry, (0, 6, 9, 14, 17, 30))) == [9, 14, 17]


def test_a_range_is_left_again() -> None:
    asked = correlation("some", A, bounds=(Bound("gt", 1), Bound("lte", 2)))
    assert times(asked, *map(entry, (0, 1, 2, 11.5))) == [1, 11.5]


def test_fewer_than_some_is_never_said_of_nothing() -> None:
    asked = correlation("few", A, bounds=(Bound("lt", 2),))
    assert times(asked) == []
    assert times(asked, entry(0), entry(1), entry(20)) == [0, 20]


def test_distinct_values_are_counted() -> None:
    asked = correlation("values", A, type="value_count", field=("x",), bounds=at_least(2))
    assert times(asked, entry(0, values="u"), entry(1, values="u"), entry(2, values="v")) == [2]


def test_rules_come_in_order_and_within_the_timespan() -> None:
    asked = correlation("steps", A, B, C, type="temporal_ordered", bounds=at_least(3))
    assert times(asked, entry(0, A), entry(1, B), entry(2, C)) == [2]
    assert times(asked, entry(0, B), entry(1, A), entry(2, C)) == []
    assert times(asked, entry(0, A), entry(1, B), entry(11, C)) == []
    assert times(asked, entry(0, A), entry(1, B), entry(9, A), entry(10, B), entry(12, C)) == [12]
    assert times(asked, entry(5, C), entry(5, A), entry(5, B)) == [5]


def test_of_what_comes_in_no_order_all_must_come() -> None:
    asked = correlation("steps", A, B, C, type="temporal", bounds=at_least(3))
    assert times(asked, entry(0, C), entry(1, A), entry(2, A)) == []
    assert times(asked, entry(0, C), entry(1, A), entry(2, B)) == [2]
    assert times(asked, entry(0, A + B + C)) == [0]


@pytest.mark.parametrize(
    ("needs", "growing"),
    [
        (A, True),
        (NeedsAll((A, NeedsAny((B, C)))), True),
        (NeedsAny((A, NeedsNo(B))), False),
        (NeedsNo(A), False),
    ],
)
def test_what_denies_can_be_undone(needs: Needs, growing: bool) -> None:  # noqa: FBT001 - a case of the table
    assert is_growing(correlation("x", A, B, C, type="temporal", needs=needs)) is growing


def test_a_finding_that_goes_on_counts_once() -> None:
    asked = correlation("many", A, bounds=at_least(2))
    again = [entry(0, name="finding"), entry(1, name="finding"), entry(2, name="other")]
    assert times(asked, *again) == [2]


@given(st.permutations([0.1, 0.2, 0.3, 1e16, -1e16]))
def test_sums_are_the_same_in_every_order(numbers: list[float]) -> None:
    asked = correlation("sum", A, type="value_sum", field=("x",), bounds=(Bound("gt", 0.6),))
    hits = [entry(place, values=repr(number)) for place, number in enumerate(numbers)]
    assert times(asked, *hits)[-1:] == [4]
