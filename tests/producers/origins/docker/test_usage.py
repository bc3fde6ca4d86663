from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.origins.docker.engine import Engine
from producers.origins.docker.usage import Reading, UsageMeter, reading_of, usage_between
from schemas.codec import Event
from tests.producers.origins.docker.fake_engine import FakeEngine

A, B = "a" * 64, "b" * 64

DOCKER: Event = {
    "read": "2026-01-02T10:00:00.5Z",
    "pids_stats": {"current": 3, "limit": 100},
    "cpu_stats": {"cpu_usage": {"total_usage": 1_500_000_000}, "system_cpu_usage": 9, "online_cpus": 2},
    "memory_stats": {"usage": 9_000, "limit": 1, "stats": {"inactive_file": 2_000, "anon": 1}},
    "networks": {"eth0": {"rx_bytes": 10, "tx_bytes": 20}, "eth1": {"rx_bytes": 1, "tx_bytes": 2}},
    "blkio_stats": {
        "io_service_bytes_recursive": [
            {"major": 8, "minor": 0, "op": "Read", "value": 4_096},
            {"major": 8, "minor": 16, "op": "read", "value": 1},
            {"major": 8, "minor": 0, "op": "Write", "value": 512},
            {"major": 8, "minor": 0, "op": "Total", "value": 9_999},
        ]
    },
}
PODMAN: Event = DOCKER | {
    "memory_stats": {"usage": 684_032, "limit": 67_108_864},
    "blkio_stats": {"io_service_bytes_recursive": [], "io_serviced_recursive": None},
    "networks": {"network": {"rx_bytes": 292, "tx_bytes": 614}},
}
STOPPED: Event = {"read": "0001-01-01T00:00:00Z", "cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}}


def test_what_docker_says() -> None:
    reading = reading_of(DOCKER)
    assert reading is not None
    assert reading.gauges == {"memory": 7_000, "pids": 3}
    assert reading.counters == {
        "cpu": 1_500_000_000,
        "network.received": 11,
        "network.sent": 22,
        "disk.read": 4_097,
        "disk.written": 512,
    }


def test_what_podman_does_not_say_is_left_out() -> None:
    reading = reading_of(PODMAN)
    assert reading is not None
    assert reading.gauges == {"memory": 684_032, "pids": 3}
    assert set(reading.counters) == {"cpu", "network.received", "network.sent"}


def test_what_an_old_podman_has_swapped_is_put_right() -> None:
    reading = reading_of(PODMAN, swapped=True)
    assert reading is not None
    assert (reading.counters["network.received"], reading.counters["network.sent"]) == (614, 292)


@pytest.mark.parametrize(
    ("name", "version", "swaps"),
    [
        ("Podman Engine", "4.3.1", True),
        ("Podman Engine", "4.4.0", False),
        ("Podman Engine", "5.0.0-dev", False),
        ("Podman Engine", None, False),
        ("Engine", "3.0", False),
    ],
)
def test_which_engines_have_it_swapped(engine: FakeEngine, name: str, version: str | None, swaps: bool) -> None:  # noqa: FBT001 - a parameter
    engine.component = {"Name": name, "Version": version}
    client = Engine(engine.address)
    client.identify()
    assert client.swaps_network is swaps
    client.close()


def test_the_cache_of_control_groups_v1_is_taken_off_too() -> None:
    reading = reading_of(DOCKER | {"memory_stats": {"usage": 9_000, "stats": {"total_inactive_file": 8_000}}})
    assert reading is not None
    assert reading.gauges["memory"] == 1_000


@pytest.mark.parametrize("stats", [STOPPED, {}, {"read": "x"}, {"read": 7}])
def test_a_container_that_does_not_run_has_no_reading(stats: Event) -> None:
    assert reading_of(stats) is None


_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*DOCKER, "usage", "eth0"]), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(list(DOCKER)), _JUNK))
def test_any_shape_is_taken(changes: dict[str, Any]) -> None:
    reading = reading_of(DOCKER | changes)
    assert reading is None or all(isinstance(value, int) for value in reading.counters.values())


def at(seconds: float, **counters: int) -> Reading:
    return Reading(int(seconds * 1_000_000_000), {"pids": 1}, counters)


def test_rates_are_per_second_and_cpu_is_in_cores() -> None:
    before, now = at(10, cpu=1_000_000_000, sent=0), at(14, cpu=3_000_000_000, sent=40)
    assert usage_between(before, now) == {"pids": 1, "cpu": 0.5, "sent": 10.0}


def test_a_counter_that_is_new_has_no_rate_yet() -> None:
    assert usage_between(at(10, cpu=0), at(20, cpu=0, read=5)) == {"pids": 1, "cpu": 0.0}


@pytest.mark.parametrize("now", [at(20, cpu=5), at(10, cpu=20), at(9, cpu=20)])
def test_a_restart_and_a_clock_that_stands_are_measured_anew(now: Reading) -> None:
    assert usage_between(at(10, cpu=10), now) == {}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    engine = FakeEngine(tmp_path / "engine.sock")
    engine.start()
    yield engine
    engine.die()


def test_containers_are_measured_from_the_second_time_they_are_met(engine: FakeEngine) -> None:
    meter = UsageMeter(Engine(engine.address))
    engine.runs(A)
    engine.uses(A, DOCKER)
    assert list(meter.measure()) == []
    engine.runs(B)
    engine.uses(A, DOCKER | {"read": "2026-01-02T10:00:30.5Z"})
    engine.uses(B, DOCKER)
    (measured,) = meter.measure()
    assert measured["usage"]["Id"] == A
    assert measured["usage"]["cpu"] == 0.0
    assert measured["engine"] == "docker"
    assert measured["timeNano"] == 1_767_348_030_500_000_000
    engine.uses(A, STOPPED)
    engine.uses(B, DOCKER | {"read": "2026-01-02T10:01:00.5Z"})
    assert [measured["usage"]["Id"] for measured in meter.measure()] == [B]
    meter.close()
