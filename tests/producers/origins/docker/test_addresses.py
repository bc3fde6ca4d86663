from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from producers.origins.docker import ContainerAddresses, Engine
from producers.origins.docker import addresses as module
from schemas.codec import Event
from tests.producers.origins.docker.fake_engine import FakeEngine

A, B = "a" * 64, "b" * 64
SHOP = {"com.docker.compose.project": "shop", "com.docker.compose.service": "app"}
APP = ("shop", "app")


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    return clock


@pytest.fixture
def engine(tmp_path: Path, clock: Clock) -> Iterator[FakeEngine]:  # noqa: ARG001 - no test has the real clock
    engine = FakeEngine(tmp_path / "engine.sock")
    engine.start()
    yield engine
    if engine.path.exists():
        engine.die()


@pytest.fixture
def addresses(engine: FakeEngine) -> Iterator[ContainerAddresses]:
    addresses = ContainerAddresses(Engine(engine.address, answer_seconds=1.0))
    yield addresses
    addresses.close()


def networks(*found: str) -> Event:
    return {"Networks": {f"n{place}": {"IPAddress": address} for place, address in enumerate(found)}}


def questions(engine: FakeEngine) -> int:
    return engine.asked.count("/containers/json")


def test_the_workload_of_a_container_on_any_of_its_networks(engine: FakeEngine, addresses: ContainerAddresses) -> None:
    engine.runs(A, Labels=SHOP, NetworkSettings=networks("10.0.0.2", "10.1.0.2"))
    engine.runs(B, Names=["/alone"], NetworkSettings={"Networks": {"n": {"GlobalIPv6Address": "fd00::2"}}})
    assert addresses.workload_of("10.0.0.2") == APP
    assert addresses.workload_of("10.1.0.2") == APP
    assert addresses.workload_of("fd00::2") == ("", "alone")
    assert addresses.workload_of("10.0.0.9") is None


def test_what_is_known_is_not_asked_for_again_at_once(
    engine: FakeEngine, addresses: ContainerAddresses, clock: Clock
) -> None:
    engine.runs(A, Labels=SHOP, NetworkSettings=networks("10.0.0.2"))
    for _ in range(10):
        assert addresses.workload_of("10.0.0.2") == APP
    assert questions(engine) == 1
    clock.now += 5
    assert addresses.workload_of("10.0.0.2") == APP
    assert questions(engine) == 2


def test_a_container_that_comes_is_known_when_its_address_is_met(
    engine: FakeEngine, addresses: ContainerAddresses, clock: Clock
) -> None:
    assert addresses.workload_of("10.0.0.1") is None
    clock.now += 0.01
    engine.runs(A, Labels=SHOP, NetworkSettings=networks("10.0.0.2"))
    assert addresses.workload_of("10.0.0.2") == APP


def test_an_address_that_is_nobodys_is_asked_about_once_a_second(
    engine: FakeEngine, addresses: ContainerAddresses, clock: Clock
) -> None:
    for _ in range(20):
        assert addresses.workload_of("10.0.0.1") is None
        assert addresses.workload_of("10.0.0.9") is None
        clock.now += 0.1
    assert questions(engine) == 3, "once for each when it is first met"


def test_a_public_address_is_never_asked_about(engine: FakeEngine, addresses: ContainerAddresses) -> None:
    assert addresses.workload_of("8.8.8.8") is None
    assert questions(engine) == 0
    assert addresses.workload_of("100.64.0.7") is None
    assert questions(engine) == 1, "shared address space is what some clusters give to pods"


def test_an_address_stays_known_for_a_minute_after_its_container_is_gone(
    engine: FakeEngine, addresses: ContainerAddresses, clock: Clock
) -> None:
    engine.runs(A, Labels=SHOP, NetworkSettings=networks("10.0.0.2"))
    assert addresses.workload_of("10.0.0.2") == APP
    engine.containers.clear()
    clock.now += 59
    assert addresses.workload_of("10.0.0.2") == APP
    clock.now += 2
    assert addresses.workload_of("10.0.0.2") is None


def test_an_address_that_another_container_has_is_that_ones(
    engine: FakeEngine, addresses: ContainerAddresses, clock: Clock
) -> None:
    engine.runs(A, Labels=SHOP, NetworkSettings=networks("10.0.0.2"))
    assert addresses.workload_of("10.0.0.2") == APP
    engine.containers.clear()
    engine.runs(B, Names=["/other"], NetworkSettings=networks("10.0.0.2"))
    clock.now += 5
    assert addresses.workload_of("10.0.0.2") == ("", "other")


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # httpcore leaves a failed socket to the collector
def test_an_engine_that_does_not_answer_is_left_alone_for_a_while(
    engine: FakeEngine, addresses: ContainerAddresses, clock: Clock
) -> None:
    engine.die()
    assert addresses.workload_of("10.0.0.2") is None
    engine.start()
    engine.runs(A, Labels=SHOP, NetworkSettings=networks("10.0.0.2"))
    clock.now += 9
    assert addresses.workload_of("10.0.0.2") is None
    clock.now += 2
    assert addresses.workload_of("10.0.0.2") == APP


def test_asking_takes_a_twentieth_of_the_time_at_most(
    engine: FakeEngine, addresses: ContainerAddresses, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow() -> list[Event]:
        clock.now += 0.5
        engine.asked.append("/containers/json")
        return []

    monkeypatch.setattr(addresses._engine, "containers", slow)
    for number in range(1, 100):
        addresses.workload_of(f"10.0.1.{number}")
        clock.now += 0.1
    assert questions(engine) == 1


def test_what_is_remembered_is_bounded(
    engine: FakeEngine, addresses: ContainerAddresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_KNOWN", 2)
    monkeypatch.setattr(module, "_MAX_STRANGERS", 2)
    engine.runs(A, Labels=SHOP, NetworkSettings=networks("10.0.0.2", "10.0.0.3", "10.0.0.4"))
    for number in range(5):
        addresses.workload_of(f"10.0.9.{number}")
    assert len(addresses._owners) == len(addresses._strangers) == 2
