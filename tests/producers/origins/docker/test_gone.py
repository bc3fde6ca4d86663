"""Containers whose end was missed: an engine that lost its past tells at least what runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from producers.formats.docker import DockerFormat
from producers.origins.docker import origin as module
from producers.types import FormatOptions, Record
from schemas.codec import dumps
from schemas.errors import Invalid
from schemas.event import validate_event
from schemas.fields import ECS_VERSION
from tests.producers.origins.docker.fake_engine import FakeEngine
from tests.producers.origins.docker.test_origin import A, B, C, Reader, following

pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # httpcore leaves a failed socket to the collector


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    engine = FakeEngine(tmp_path / "engine.sock")
    engine.start()
    yield engine
    engine.die()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(module, "_LONGEST_PAUSE_SECONDS", 0.05)


def gone(reader: Reader) -> list[str]:
    return [value["gone"] for value in reader.values if "gone" in value]


def stops(engine: FakeEngine, container: str) -> None:
    """Let a container be removed without a word."""
    del engine.containers[container], engine.summaries[container]


def test_a_container_that_was_removed_while_nobody_listened_is_gone_once(engine: FakeEngine) -> None:
    engine.runs(A)
    with following(engine) as reader:
        reader.until(lambda: len(reader.items) == 1)
        engine.runs(B)
        engine.says("start", B)
        engine.runs(C)
        engine.says("start", C)
        reader.count(2)
    stops(engine, A)
    stops(engine, B)
    with following(engine, reader.position) as again:
        again.until(lambda: len(gone(again)) == 2)
    assert gone(again) == [A[:12], B[:12]]
    assert again.position["running"] == [C[:12]]
    with following(engine, again.position) as third:
        engine.says("pause", C)
        third.count(1)
        assert gone(third) == []


def test_a_position_between_two_that_are_gone_tells_of_the_second_again(engine: FakeEngine) -> None:
    for container in (A, B):
        engine.runs(container)
    with following(engine) as reader:
        reader.until(lambda: len(reader.items) == 2)
    stops(engine, A)
    stops(engine, B)
    with following(engine, reader.position) as again:
        again.until(lambda: len(gone(again)) == 2)
    first = next(item for item in again.items if isinstance(item, Record) and b"gone" in item.data)
    with following(engine, first.position) as third:
        third.until(lambda: bool(gone(third)))
    assert gone(third) == [B[:12]]


def test_what_ended_in_a_past_that_the_engine_still_has_is_not_gone(engine: FakeEngine) -> None:
    engine.runs(A)
    engine.runs(B)
    with following(engine) as reader:
        engine.says("pause", A)
        reader.count(1)
    stops(engine, A)
    engine.says("die", A)
    engine.says("die", B)
    engine.says("start", B)
    with following(engine, reader.position) as again:
        again.count(3)
        engine.says("pause", B)
        again.count(4)
    assert gone(again) == []
    assert again.position["running"] == [B[:12]]


def test_no_more_than_two_thousand_are_remembered(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_RUNNING", 1)
    engine.runs(A)
    engine.runs(B)
    with following(engine) as reader:
        reader.until(lambda: len(reader.items) == 2)
        assert reader.position["running"] == [A[:12]]


def test_what_is_gone_is_an_event_of_the_container() -> None:
    record = Record(dumps({"timeNano": 1_714_000_000_123_456_789, "gone": A[:12]}), "engine", {})
    (event,) = DockerFormat(FormatOptions(cluster="prod", host="node-1")).parse(record)
    assert isinstance(event, dict)
    validate_event(event | {"event.id": "test", "ecs.version": ECS_VERSION})
    assert event["entity.id"] == A[:12]
    assert event["@timestamp"] == "2024-04-24T23:06:40.123456789Z"
    assert (event["event.action"], event["event.type"]) == ("container-gone", ["end"])
    (fault,) = DockerFormat(FormatOptions()).parse(Record(b'{"timeNano": 1, "gone": "../x"}', "engine", {}))
    assert isinstance(fault, Invalid)


@pytest.mark.parametrize(("state", "expected"), [("paused", [B[:12]]), ("exited", [A[:12], B[:12]])])
def test_what_an_engine_does_not_list_since_it_is_paused_is_not_gone(
    engine: FakeEngine, state: str, expected: list[str]
) -> None:
    engine.runs(A)
    engine.runs(B)
    with following(engine) as reader:
        engine.says("pause", A)
        reader.count(1)
    engine.containers[A]["State"]["Status"] = state
    engine.unlisted.add(A)
    stops(engine, B)
    with following(engine, reader.position) as again:
        again.until(lambda: B[:12] in gone(again))
    assert gone(again) == expected
    assert again.position["running"] == ([A[:12]] if state == "paused" else [])
