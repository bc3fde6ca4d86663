from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.formats.bands import FLOORS, band_of, resource_of

METRICS = st.sampled_from(sorted(FLOORS))


@pytest.mark.parametrize(
    ("metric", "value", "band"),
    [
        ("cpu", 1.0, 0),
        ("cpu", 2.0, 4),
        ("cpu", 0.25, -8),
        ("cpu", 0.0, -24),
        ("cpu", 0.0001, -24),
        ("memory", 64 * 1024 * 1024, 104),
        ("memory", 0, 80),
        ("pids", 1, 0),
        ("pids", 3, 6),
        ("network.sent", 0, 40),
        ("network.sent", 1023.9, 40),
        ("disk.written", 4096, 48),
    ],
)
def test_a_band_is_a_quarter_of_an_octave_above_the_floor(metric: str, value: float, band: int) -> None:
    assert band_of(metric, value) == band


@given(METRICS, st.floats(min_value=0, max_value=1e15), st.floats(min_value=1, max_value=1000))
def test_bands_rise_with_the_value_and_four_of_them_double_it(metric: str, value: float, factor: float) -> None:
    assert band_of(metric, value) <= band_of(metric, value * factor)
    above = value + FLOORS[metric]
    assert band_of(metric, above * 2) == band_of(metric, above) + 4


@pytest.mark.parametrize("value", [None, "1", True, -1, -0.1, float("nan"), float("inf"), [], {}])
def test_what_is_no_measure_is_left_out(value: Any) -> None:
    assert resource_of("cpu", value) is None


def test_a_resource_has_metric_band_and_value() -> None:
    assert resource_of("pids", 4) == {"resource.metric": "pids", "resource.band": 8, "resource.value": 4.0}
