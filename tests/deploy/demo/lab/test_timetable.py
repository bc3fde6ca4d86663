from __future__ import annotations

import time

import pytest

from deploy.demo.lab.errors import LabError
from deploy.demo.lab.timetable import Beat, every, keep


def test_beats_come_at_their_interval_and_end_before_the_end() -> None:
    assert [beat.seconds for beat in every(30, print, first=5, until=65)] == [5, 35]


def test_beats_are_kept_in_order_of_time() -> None:
    kept: list[str] = []
    keep([[Beat(0.02, lambda: kept.append("second")), Beat(0.0, lambda: kept.append("first"))]])
    assert kept == ["first", "second"]


def test_a_failure_stops_every_timetable_and_is_raised() -> None:
    kept: list[float] = []

    def fail() -> None:
        raise LabError("the shop has burnt down")

    endless = [Beat(0.01 * number, lambda: kept.append(time.monotonic())) for number in range(100_000)]
    with pytest.raises(LabError, match="burnt down"):
        keep([endless, [Beat(0.05, fail)]])
    assert len(kept) < len(endless)
