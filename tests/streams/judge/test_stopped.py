"""What runs: a container stops, is found gone, is started again, as its engine tells."""

from __future__ import annotations

import pytest

from streams.judge.state import StateReader
from tests.streams.judge.lab import Lab, at, compacted, does, facts
from tests.streams.judge.test_partition import Source

A = "aaaaaaaaaaaa"
DIE, GONE, DESTROY = (
    does("", **{"event.action": f"container-{action}", "process.executable": None})
    for action in ("die", "gone", "destroy")
)


def told(lab: Lab) -> tuple[str, str]:
    """Return when the container stopped and ended, as it is stored, which is as it is remembered."""
    reader = StateReader()
    for key, value in compacted(lab.log):
        reader.take(key, value)
    stored, entity = reader.entities[A], lab.partition.entities.by_key[A.encode()]
    assert (entity.stopped, entity.ended) == (stored.stopped, stored.ended)
    assert entity.runs == (stored.stopped == stored.ended == "")
    return stored.stopped, stored.ended


@pytest.mark.parametrize("end", [DIE, GONE])
@pytest.mark.parametrize("state", [{}, {"container.state": "running"}, {"container.state": "paused"}])
def test_who_stopped_runs_again_when_its_engine_says_so(end: dict[str, str], state: dict[str, str]) -> None:
    lab, shop = Lab(), Source()
    lab.judge([shop.says(A, facts())])
    assert told(lab) == ("", "")
    for start in (1, 3):  # the second time its activities are known
        lab.judge([shop.says(A, end, start)])
        assert told(lab) == (at(start), "")
        lab.restart()
        lab.judge([shop.says(A, facts() | state, start + 1)])
        assert told(lab) == ("", "")


def test_what_an_engine_tells_of_a_container_that_does_not_run_starts_none() -> None:
    lab, shop = Lab(), Source()
    lab.judge([shop.says(A, facts() | {"container.state": "created"}, 1)])
    assert told(lab) == (at(1), "")
    lab.judge([shop.says(A, facts() | {"container.state": "running"}, 2), shop.says(A, DIE, 3)])
    lab.judge([shop.says(A, facts(**{"container.name": "renamed"}) | {"container.state": "exited"}, 4)])
    assert told(lab) == (at(3), "")


def test_a_sensor_that_is_late_starts_none() -> None:
    lab, shop = Lab(), Source()
    lab.judge([shop.says(A, facts()), shop.says(A, DIE, 1), shop.says(A, facts(authority="sensor"), 2)])
    assert told(lab) == (at(1), "")


def test_who_is_removed_has_ended_too() -> None:
    lab, shop = Lab(), Source()
    lab.judge([shop.says(A, facts()), shop.says(A, DIE, 1), shop.says(A, DESTROY, 2)])
    assert told(lab) == (at(1), at(2))
