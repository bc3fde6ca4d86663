"""Requests under way: slowly more, quickly fewer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sinks.concurrency import AdaptiveLimit


def test_it_grows_only_while_it_is_used() -> None:
    limit = AdaptiveLimit(8)
    for _ in range(100):
        limit.succeeded(under_way=1)
    assert limit.current == 2
    for _ in range(100):
        limit.succeeded(under_way=limit.current)
    assert limit.current == 8


def test_overload_halves_it() -> None:
    limit = AdaptiveLimit(8)
    for _ in range(100):
        limit.succeeded(under_way=8)
    limit.throttled()
    assert limit.current == 4


@given(st.integers(1, 16), st.lists(st.booleans()))
def test_it_stays_within_its_bounds(maximum: int, answers: list[bool]) -> None:
    limit = AdaptiveLimit(maximum)
    for good in answers:
        if good:
            limit.succeeded(limit.current)
        else:
            limit.throttled()
        assert 1 <= limit.current <= maximum
