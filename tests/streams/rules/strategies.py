"""Correlations of every type and the hits that they count, of few and close values so that all of them meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from streams.rules.correlation import Bound, Correlation, Needs, NeedsAll, NeedsAny, NeedsNo
from streams.rules.windows import SECOND, Entry
from tests.streams.rules.correlations import correlation

RULES = ("a", "b", "c")
VALUES = ("1", "2", "2.5", "-1", "x", "0.1")
TYPES = (
    "event_count",
    "value_count",
    "temporal",
    "temporal_ordered",
    "value_sum",
    "value_avg",
    "value_percentile",
    "value_median",
)
BOUNDS = st.builds(Bound, st.sampled_from(["lt", "lte", "gt", "gte", "gte", "gte", "eq", "neq"]), st.integers(0, 4))


def needs() -> st.SearchStrategy[Needs]:
    return st.recursive(
        st.sampled_from(RULES),
        lambda inner: (
            st.builds(NeedsAll, st.tuples(inner, inner))
            | st.builds(NeedsAny, st.tuples(inner, inner))
            | st.builds(NeedsNo, inner)
        ),
        max_leaves=4,
    )


@st.composite
def correlations(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Correlation:
    kind = draw(st.sampled_from(TYPES))
    bounds = tuple(draw(st.lists(BOUNDS, min_size=1, max_size=2)))
    asked = draw(needs()) if kind.startswith("temporal") and draw(st.booleans()) else None
    span, percentile = draw(st.sampled_from([1, 3, 10])), draw(st.sampled_from([0, 25, 50, 90, 100]))
    return correlation(
        "asked",
        *RULES,
        type=kind,
        bounds=() if asked is not None else bounds,
        needs=asked,
        timespan_seconds=span,
        percentile=percentile,
        field=("x",),
    )


@st.composite
def entries(draw: Callable[[st.SearchStrategy[Any]], Any], seconds: int = 40, most: int = 25) -> list[Entry]:
    """Return hits in order; half seconds, so that some come at the same time."""
    found: dict[tuple[int, str], Entry] = {}
    for number in range(draw(st.integers(0, most))):
        time = draw(st.integers(0, 2 * seconds)) * SECOND // 2
        rules = draw(st.lists(st.sampled_from(RULES), min_size=1, max_size=2, unique=True))
        values = draw(st.lists(st.sampled_from(VALUES), max_size=2, unique=True))
        name = draw(st.sampled_from([f"event-{number}"] * 5 + ["finding"]))
        if name == "finding":  # one id is always of one group, so it has the same rules and values
            rules, values = ["a"], ["2"]
        found[time, name] = Entry(time, name, tuple(sorted(rules)), tuple(sorted(values)), f"entity-{number % 3}", "p")
    return sorted(found.values())
