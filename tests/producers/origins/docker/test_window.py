from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from producers.origins.docker import window as module
from producers.origins.docker.window import Window, identity_of, time_of_event

SECOND = 1_000_000_000


def test_it_goes_back_two_seconds_and_knows_what_was_there() -> None:
    window = Window(100 * SECOND)
    window.add(101 * SECOND, "a")
    assert window.since == 100 * SECOND, "never before the beginning"
    window.add(104 * SECOND, "b")
    assert window.since == 102 * SECOND
    assert "a" not in window
    assert "b" in window


def test_a_position_is_json_and_gives_the_same_window() -> None:
    window = Window(100 * SECOND)
    for second, name in ((101, "a"), (104, "b"), (103, "c")):
        window.add(second * SECOND, name)
    again = Window.of(json.loads(json.dumps(window.position())))
    assert again.position() == window.position()
    assert (again.since, again.newest) == (102 * SECOND, 104 * SECOND)
    again.add(105 * SECOND, "d")
    assert again.since == 103 * SECOND
    assert {"b", "c", "d"} <= set(again.position()["seen"]), "until all of them are older than what is asked for"


def test_it_is_bounded_and_does_not_ask_for_what_it_has_forgotten() -> None:
    window = Window(0)
    for number in range(5_000):
        window.add(10 * SECOND + number, str(number))
    assert len(window.position()["seen"]) == module._MAX_SEEN
    assert window.since == 10 * SECOND + 5_000 - module._MAX_SEEN


def test_a_clock_that_is_set_back_is_followed() -> None:
    window = Window(100_000 * SECOND)
    window.add(100_001 * SECOND, "a")
    window.add(10 * SECOND, "b")
    assert window.since <= 10 * SECOND
    window.add(14 * SECOND, "c")
    assert window.since <= 14 * SECOND


@given(st.lists(st.integers(0, 10), max_size=60), st.integers(0, 59))
def test_whatever_the_order_a_resumed_reader_gets_the_rest_once(jitter: list[int], stop: int) -> None:
    """Events come up to a second out of order; after any of them the reader is replaced."""
    events = [
        (100 * SECOND + number * SECOND // 4 - late * SECOND // 10, str(number)) for number, late in enumerate(jitter)
    ]
    window, read = Window(99 * SECOND), []
    for time, name in events[:stop]:
        window.add(time, name)
        read.append(name)
    window = Window.of(window.position())
    asked = window.since
    for time, name in events:
        if time >= asked and name not in window:
            window.add(time, name)
            read.append(name)
    assert sorted(read) == sorted(name for _, name in events)


def test_what_tells_events_apart() -> None:
    event = {
        "Type": "container",
        "Action": "start",
        "Actor": {"ID": "a", "Attributes": {"x": 1, "y": 2}},
        "timeNano": 5,
    }
    same = {"timeNano": 5, "Actor": {"Attributes": {"y": 2, "x": 1}, "ID": "a"}, "Action": "start", "Type": "container"}
    assert identity_of(event) == identity_of(same)
    assert identity_of(event) != identity_of(event | {"Action": "die"})
    assert identity_of(event) != identity_of(event | {"timeNano": 6})


def test_times() -> None:
    assert time_of_event({"timeNano": 7, "time": 1}) == 7
    assert time_of_event({"time": 7}) == 7 * SECOND
    assert time_of_event({"time": "x", "timeNano": True}) is None
