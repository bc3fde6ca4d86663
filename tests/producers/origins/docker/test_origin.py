from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from producers.origins.docker import PAST_LOST, DockerOrigin
from producers.origins.docker import origin as module
from producers.types import Gap, Position, Record
from schemas.codec import Event, decode
from schemas.errors import ConfigurationError
from tests.producers.origins.docker.fake_engine import FakeEngine

_PATIENCE_SECONDS = 20  # only a test that fails waits so long
A, B, C = ("a" * 64, "b" * 64, "c" * 64)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    engine = FakeEngine(tmp_path / "engine.sock")
    engine.start()
    yield engine
    if engine.path.exists():
        engine.die()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(module, "_LONGEST_PAUSE_SECONDS", 0.05)


class Reader:
    """What an origin gave."""

    def __init__(self, origin: DockerOrigin) -> None:
        self.origin = origin
        self.items: list[Record | Gap] = []

    def until(self, enough: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not enough():
            assert time.monotonic() < deadline, self.items
            self.items += self.origin.read(100, 0.05)

    def count(self, number: int) -> list[Event]:
        """Wait for a number of engine events and return them."""
        self.until(lambda: len(self.events) >= number)
        return self.events

    @property
    def values(self) -> list[Event]:
        return [decode(item.data) for item in self.items if isinstance(item, Record)]

    @property
    def events(self) -> list[Event]:
        return [value for value in self.values if "Action" in value]

    @property
    def gaps(self) -> list[Gap]:
        return [item for item in self.items if isinstance(item, Gap)]

    @property
    def position(self) -> Position:
        position = self.items[-1].position
        assert position is not None
        return json.loads(json.dumps(position))  # type: ignore[no-any-return] # a position is a JSON object


@contextmanager
def following(engine: FakeEngine, position: Position | None = None, stats_seconds: float = 0.0) -> Iterator[Reader]:
    origin = DockerOrigin(engine.address, stats_seconds=stats_seconds)
    origin.open(position)
    try:
        yield Reader(origin)
    finally:
        origin.close()


def names(events: list[Event]) -> list[tuple[str, str]]:
    return [(event["Action"], event["Actor"]["ID"][0]) for event in events]


def test_says_what_runs_and_then_what_happens_with_what_inspect_knows(engine: FakeEngine) -> None:
    engine.runs(A)
    with following(engine) as reader:
        reader.until(lambda: bool(reader.items))
        engine.runs(B)
        started = engine.says("start", B)
        engine.says("pause", A)
        start, pause = reader.count(2)
    there = reader.values[0]
    assert there["inspect"]["Id"] == A
    assert there["inspect_image"] == {"RepoDigests": ["web@sha256:d1"]}
    assert there["engine"] == "docker"
    assert "Env" not in there["inspect"]["Config"]
    assert start == started | {name: start[name] for name in ("inspect", "inspect_image", "engine")}
    assert start["inspect"]["Id"] == B
    assert "inspect" not in pause, "it was inspected before, and a pause changes nothing"


def test_a_container_that_is_gone_before_it_can_be_inspected_has_its_event_and_is_counted(engine: FakeEngine) -> None:
    with following(engine) as reader:
        said = engine.says("start", A)
        assert reader.count(1) == [said]
        assert reader.origin.missed == 1


def test_without_a_position_it_begins_with_the_present(engine: FakeEngine) -> None:
    engine.says("create", A, timeNano=1_600_000_000_000_000_000)
    with following(engine) as reader:
        engine.says("start", A)
        assert names(reader.count(1)) == [("start", "a")]
        assert not reader.gaps


def test_a_new_reader_goes_on_after_any_event(engine: FakeEngine) -> None:
    with following(engine) as reader:
        for action in ("create", "start", "die", "destroy"):
            engine.says(action, A)
        reader.count(4)
    positions = [item.position for item in reader.items]
    engine.says("create", B)
    for number, position in enumerate(positions, start=1):
        with following(engine, position) as again:
            found = names(again.count(5 - number))
            again.items += again.origin.read(10, 0.1)
        assert found == [("create", "a"), ("start", "a"), ("die", "a"), ("destroy", "a"), ("create", "b")][number:]
        assert not again.gaps


def test_events_of_the_same_nanosecond_and_out_of_order_are_neither_lost_nor_repeated(engine: FakeEngine) -> None:
    with following(engine) as reader:
        first = engine.says("create", A)["timeNano"]
        engine.says("create", B, timeNano=first)
        reader.count(2)
    engine.says("create", C, timeNano=first)
    engine.says("pull", C, timeNano=first - 26_000_000)
    with following(engine, reader.position) as again:
        assert names(again.count(2)) == [("create", "c"), ("pull", "c")]
        assert not again.origin.read(10, 0.2)


def test_a_broken_connection_loses_and_repeats_nothing(engine: FakeEngine) -> None:
    with following(engine) as reader:
        for number in range(20):
            engine.says(f"update-{number}", A)
            if number % 5 == 4:
                reader.count(number - 2)
                engine.break_connections()
        reader.count(20)
        reader.items += reader.origin.read(100, 0.3)
    assert [event["Action"] for event in reader.events] == [f"update-{number}" for number in range(20)]
    assert not reader.gaps


def test_a_restarted_engine_that_has_lost_its_past_is_a_gap(engine: FakeEngine) -> None:
    with following(engine) as reader:
        engine.says("create", A)
        reader.count(1)
        engine.die()
        engine.start()
        reader.until(lambda: bool(reader.gaps))
        engine.says("create", B)
        assert names(reader.count(2)) == [("create", "a"), ("create", "b")]
    (gap,) = reader.gaps
    assert gap.cause == PAST_LOST
    assert gap.first <= gap.last
    assert isinstance(reader.items[-1], Record), "and it goes on behind the gap"


def test_a_ring_that_has_turned_meanwhile_is_a_gap_before_what_is_left(tmp_path: Path) -> None:
    engine = FakeEngine(tmp_path / "engine.sock", ring=4)
    engine.start()
    with following(engine) as reader:
        engine.says("create", A)
        reader.count(1)
    for number in range(10):
        engine.says(f"update-{number}", A)
    with following(engine, reader.position) as again:
        assert [event["Action"] for event in again.count(4)] == [f"update-{number}" for number in range(6, 10)]
    kinds = [type(item) for item in again.items]
    assert kinds.count(Gap) == 1
    assert kinds.index(Gap) < min(
        place for place, item in enumerate(again.items) if b"update-6" in getattr(item, "data", b"")
    )
    engine.die()


def test_a_line_that_is_no_event_is_given_on_for_the_format_to_refuse(engine: FakeEngine) -> None:
    with following(engine) as reader:
        engine.says("start", A, raw="garbage")
        engine.says("start", A, raw="[1]")
        reader.until(lambda: len(reader.items) >= 2)
        assert [item.data for item in reader.items if isinstance(item, Record)] == [b"garbage", b"[1]"]


def test_no_more_is_read_than_asked_for_and_no_longer_waited(engine: FakeEngine) -> None:
    with following(engine) as reader:
        assert reader.origin.read(10, 0) == []
        for _ in range(5):
            engine.says("start", A)
        reader.until(lambda: reader.origin._queue.qsize() == 5 or bool(reader.items))
        assert len(reader.items) + len(reader.origin.read(3, 1)) <= 5


def test_a_queue_that_is_full_waits_for_its_reader(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_QUEUED", 2)
    with following(engine) as reader:
        for number in range(50):
            engine.says(f"update-{number}", A)
        assert len(reader.count(50)) == 50


@pytest.mark.parametrize("address", ["/run/docker.sock", "unix://relative", "ssh://host", "http://", ""])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="is no engine's address"):
        DockerOrigin(address)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # httpcore leaves a failed socket to the collector
def test_an_engine_that_is_not_there_at_first_is_refused_and_later_waited_for(tmp_path: Path) -> None:
    engine = FakeEngine(tmp_path / "engine.sock")
    refused = DockerOrigin(engine.address)
    with pytest.raises(ConfigurationError, match="no engine answers"):
        refused.open(None)
    refused.close()
    with following(engine, {"since": engine.says("create", A)["timeNano"], "seen": []}) as reader:
        assert reader.origin.read(10, 0.1) == []
        engine.start()
        assert names(reader.count(1)) == [("create", "a")]
    engine.die()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_has_died_is_noticed(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise AssertionError("a fault of ours")

    origin = DockerOrigin(engine.address)
    monkeypatch.setattr(origin, "_list", fail)
    origin.open(None)
    with pytest.raises(RuntimeError, match="has died"):
        Reader(origin).until(lambda: False)
    origin.close()


def test_closing_does_not_wait_for_a_silent_engine(engine: FakeEngine) -> None:
    with following(engine) as reader:
        reader.until(lambda: engine.asked[-1:] == ["/events"])
    assert not reader.origin._thread.is_alive()


def test_closing_does_not_wait_for_an_engine_that_has_not_answered_yet(engine: FakeEngine) -> None:
    engine.answers_events.clear()
    with following(engine) as reader:
        reader.until(lambda: engine.asked[-1:] == ["/events"])
    assert not reader.origin._thread.is_alive()


def stats(second: int) -> Event:
    usage = {"cpu_usage": {"total_usage": second * 500_000_000}}
    return {"read": f"2026-01-02T10:00:{second:02d}Z", "cpu_stats": usage, "pids_stats": {"current": 2}}


def test_measurements_come_between_events_and_resume_where_the_last_of_these_does(engine: FakeEngine) -> None:
    engine.runs(A)
    engine.uses(A, stats(1))
    with following(engine, stats_seconds=0.02) as reader:
        reader.until(lambda: engine.asked.count(f"/containers/{A}/stats") > 1)
        engine.says("pause", A)
        reader.count(1)
        engine.uses(A, stats(2))
        reader.until(lambda: any("usage" in value for value in reader.values))
        event = next(item for item in reader.items if isinstance(item, Record) and b"pause" in item.data)
        measured = next(item for item in reader.items if isinstance(item, Record) and b"usage" in item.data)
    assert decode(measured.data) == {
        "timeNano": 1_767_348_002_000_000_000,
        "engine": "docker",
        "usage": {"Id": A, "pids": 2, "cpu": 0.5},
    }
    assert measured.position == event.position


def test_a_measurement_before_any_event_resumes_where_reading_began(engine: FakeEngine) -> None:
    with following(engine) as reader:
        engine.says("create", A)
        reader.count(1)
    position = reader.position
    engine.runs(A)
    engine.uses(A, stats(1))
    with following(engine, position, stats_seconds=0.02) as again:
        again.until(lambda: engine.asked.count(f"/containers/{A}/stats") > 1)
        engine.uses(A, stats(2))
        again.until(lambda: any("usage" in value for value in again.values))
        assert again.position["since"] == position["since"]
        engine.says("start", A)
        assert names(again.count(1)) == [("start", "a")]


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # httpcore leaves a failed socket to the collector
def test_measuring_goes_on_after_the_engine_was_away(engine: FakeEngine) -> None:
    engine.runs(A)
    engine.uses(A, stats(1))
    with following(engine, stats_seconds=0.02) as reader:
        reader.until(lambda: engine.asked.count(f"/containers/{A}/stats") > 1)
        engine.die()
        time.sleep(0.1)
        engine.start()
        seconds = itertools.count(2)  # which reading is the first after the interruption is a matter of luck

        def measured() -> bool:
            engine.uses(A, stats(next(seconds)))
            return any("usage" in value for value in reader.values)

        reader.until(measured)
