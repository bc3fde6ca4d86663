from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from schemas.alert import Alert, Cause
from streams.alerts.risk import parts_of, score_of
from tests.schemas.alerts import ALERTS

ALERT = Alert("a", "p", Cause("rule", "r"), "open", level="high", count=100, outcomes={"success": 100})


def names(alert: Alert) -> dict[str, int]:
    return {part.name: part.points for part in parts_of(alert)}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({}, {"level": 50}),
        ({"level": "critical"}, {"level": 70}),
        ({"exposure": ("outside",)}, {"level": 50, "exposure": 10}),
        ({"data": ("personal",)}, {"level": 50, "data": 10}),
        ({"count": 2}, {"level": 50, "rarity": 10}),
        ({"blocked": 100}, {"level": 50, "blocked": -15}),
        ({"outcomes": {"failure": 100}}, {"level": 50, "blocked": -15}),
        ({"outcomes": {"failure": 99, "success": 1}}, {"level": 50}),
    ],
)
def test_each_thing_has_its_part(changes: dict[str, Any], parts: dict[str, int]) -> None:
    assert names(replace(ALERT, **changes)) == parts


@given(ALERTS)
def test_a_score_is_the_sum_of_its_parts_within_bounds(alert: Alert) -> None:
    parts = parts_of(alert)
    assert 0 <= score_of(parts) <= 100
    assert score_of(parts) == max(0, min(100, sum(part.points for part in parts)))
    assert all(part.why for part in parts)
