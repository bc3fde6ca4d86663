from __future__ import annotations

import random
from typing import Any, cast

import pytest

from deploy.demo.lab.cluster import Cluster
from deploy.demo.lab.normal import Normal, _arrivals
from deploy.demo.lab.shop import Shop
from deploy.demo.lab.timetable import Beat

REPORTS_SECONDS, REPORTS_FIRST, REPORT_TAKES = 90, 20, 8


class Ignoring:
    """A shop and a cluster to which whatever is done does nothing; they remember what was asked of the shop."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.asked.append((name, arguments[0].name if arguments else ""))


@pytest.fixture
def premises() -> Ignoring:
    return Ignoring()


@pytest.fixture
def normal(premises: Ignoring, monkeypatch: pytest.MonkeyPatch) -> Normal:
    monkeypatch.setattr("deploy.demo.lab.cluster_story.release", lambda *_: None)
    monkeypatch.setattr("deploy.demo.lab.cluster_story.scale", lambda *_: None)
    monkeypatch.setattr("deploy.demo.lab.normal.pause_name_server", lambda _: None)
    return Normal(cast("Shop", premises), cast("Cluster", premises))


def changed(normal: Normal, timetable: list[Beat]) -> list[str]:
    for beat in timetable:
        beat.do()
    return [change.change for change in normal.changes]


def test_in_the_ten_minutes_each_service_restarts_and_two_have_a_second_replica(
    normal: Normal, premises: Ignoring
) -> None:
    changes = changed(normal, normal.ten_minutes(600)[0])
    assert changes == ["restart"] * 4 + ["scale-up", "scale-down", "name-server-pause"]
    assert sorted(name for what, name in premises.asked if what == "restart") == ["app", "cache", "database", "web"]
    assert [name for what, name in premises.asked if what == "scale_up"] == ["app", "web"]
    assert "roll_out" not in [what for what, _ in premises.asked]


def test_in_the_hour_there_is_nothing_else_but_a_rollout(normal: Normal, premises: Ignoring) -> None:
    changes = changed(normal, normal.hour(3_700)[0])
    assert set(changes) == {"restart", "scale-up", "scale-down", "rollout"}
    assert changes.count("rollout") == 1
    assert ("roll_out", "app") in premises.asked


def test_what_is_done_again_and_again_is_the_same_in_both(normal: Normal) -> None:
    minutes, hour = normal.ten_minutes(600), normal.hour(3_700)
    for short, long in zip(minutes[1:3], hour[1:3], strict=True):
        assert [beat.seconds for beat in short] == [beat.seconds for beat in long][: len(short)]


def test_the_database_is_not_taken_away_from_under_a_report(normal: Normal) -> None:
    for timetable in (normal.ten_minutes(600)[0], normal.hour(3_700)[0]):
        changed(normal, timetable)
        for beat, change in zip(timetable, normal.changes, strict=True):
            if change.containers == ["shop-database-1"]:
                assert (beat.seconds - REPORTS_FIRST) % REPORTS_SECONDS > REPORT_TAKES
        normal.changes.clear()


def test_customers_come_in_waves_about_two_a_second() -> None:
    arrivals = list(_arrivals(random.Random(7), 2_400))
    assert 1.6 < len(arrivals) / 2_400 < 2.4
    assert arrivals == sorted(arrivals)
    high = sum(due % 240 < 120 for due in arrivals)
    assert high > 1.5 * (len(arrivals) - high)
