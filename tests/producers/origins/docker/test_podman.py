"""The origin and the format on a real engine, with real containers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from producers.containers import ContainerResolver
from producers.formats.docker import DockerFormat
from producers.normalise import outcomes_of
from producers.origins.docker import ContainerAddresses, DockerOrigin, Engine
from producers.types import FormatOptions, Position, Record
from schemas.codec import Event
from schemas.event import validate_event
from schemas.fields import ECS_VERSION
from tests.producers.origins.docker.podman import IMAGE, Podman, own_podman

pytestmark = pytest.mark.privileged

_PATIENCE_SECONDS = 60  # only a test that fails waits so long


@pytest.fixture
def podman() -> Iterator[Podman]:
    with own_podman() as podman:
        yield podman


class Collected:
    """The events of an engine, as a collector would make them."""

    def __init__(self, podman: Podman, position: Position | None = None, stats_seconds: float = 0.0) -> None:
        self.origin = DockerOrigin(podman.address, stats_seconds=stats_seconds)
        self.events: list[Event] = []
        self.position = position
        self._format = DockerFormat(FormatOptions(cluster="lab", host="node-1"))
        self.origin.open(position)

    def until(self, enough: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not enough():
            assert time.monotonic() < deadline, self.events
            for item in self.origin.read(100, 0.1):
                assert isinstance(item, Record), item
                self.position = item.position
                self._take(item)

    def _take(self, record: Record) -> None:
        for outcome in outcomes_of(self._format, record):
            assert isinstance(outcome.result, dict), outcome.result
            validate_event(outcome.result | {"event.id": "test", "ecs.version": ECS_VERSION})
            self.events.append(outcome.result)

    def actions(self, container: str) -> list[str]:
        return [event["event.action"] for event in self.events if event["entity.id"] == container[:12]]

    def facts(self, container: str) -> list[Event]:
        return [
            event for event in self.events if event["entity.id"] == container[:12] and event["event.action"] == "facts"
        ]


def test_a_container_from_its_facts_to_its_end(podman: Podman) -> None:
    there = podman.run("there")
    collected = Collected(podman)
    collected.until(lambda: bool(collected.facts(there)))
    options = ("--label", "com.docker.compose.project=shop", "--label", "com.docker.compose.service=web")
    container = podman.run("web", *options, "--privileged", "--volume", "/:/host:ro", "--memory", "64m")
    podman("exec", "web", "sh", "-c", "sleep 1; id")
    podman("rm", "--force", "--time", "0", "web")
    collected.until(lambda: "container-destroy" in collected.actions(container))
    collected.origin.close()

    actions = [action for action in collected.actions(container) if action != "facts"]
    order = ["container-create", "container-start", "container-exec", "container-exec-die", "container-die"]
    # Podman's `rm` and its cleanup process may both say that a container has died.
    assert list(dict.fromkeys(action for action in actions if action in order)) == order
    facts = collected.facts(container)[0]
    assert facts == facts | {
        "facts.authority": "engine",
        "container.id": container,
        "container.name": "web",
        "container.runtime": "podman",
        "container.image.name": "localhost/shop/web",
        "container.image.tag": ["1.0"],
        "workload.cluster": "lab",
        "workload.namespace": "shop",
        "workload.name": "web",
        "container.settings.privileged": True,
        "container.settings.root": True,
        "container.settings.mounts": ["/:/host:ro"],
        "container.settings.limits.memory": 64 * 1024 * 1024,
        "container.settings.entrypoint": ["sleep", "600"],
    }
    assert facts["container.image.hash.all"]
    start = next(event for event in collected.events if event["event.action"] == "container-start")
    assert start["container.settings.images"] == [IMAGE]
    assert start["container.settings.privileged"] is True
    execution = next(event for event in collected.events if event["event.action"] == "container-exec")
    assert execution["container.exec.command"] == "sh -c sleep 1; id"


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # httpcore leaves a failed socket to the collector
def test_killing_the_service_neither_loses_nor_repeats(podman: Podman) -> None:
    collected = Collected(podman)
    before = podman.run("before")
    collected.until(lambda: "container-start" in collected.actions(before))
    podman.kill_service()
    meanwhile = podman.run("meanwhile")
    podman("rm", "--force", "--time", "0", "before")
    podman.serve()
    collected.until(lambda: "container-destroy" in collected.actions(before))
    collected.origin.close()
    again = Collected(podman, collected.position)
    after = podman.run("after")
    again.until(lambda: "container-start" in again.actions(after))
    again.origin.close()

    told = [
        (event["event.action"], event["entity.id"], event["@timestamp"])
        for event in (*collected.events, *again.events)
        if event["event.action"] != "facts"
    ]
    assert len(told) == len(set(told))
    expected = {"container-create", "container-init", "container-start"}
    for container in (before, meanwhile, after):
        assert expected <= {action for action, entity, _ in told if entity == container[:12]}
    assert "container-die" in collected.actions(before)


def test_a_process_is_found_in_its_container(podman: Podman) -> None:
    container = podman.run("web")
    pid = int(podman("inspect", "--format", "{{.State.Pid}}", "web"))
    assert ContainerResolver().container_of(pid) == container
    assert ContainerResolver().container_of(2**22 + 1, pid) == container
    podman("rm", "--force", "--time", "0", "web")
    assert ContainerResolver().container_of(pid) is None


def test_what_containers_use_is_measured(podman: Podman) -> None:
    container = podman.run("web")
    collected = Collected(podman, stats_seconds=0.3)

    def metrics() -> dict[str, float]:
        """Return the highest value of each metric."""
        usage = [event for event in collected.events if event["event.action"] == "resource-usage"]
        ordered = sorted(usage, key=lambda event: float(event["resource.value"]))
        return {event["resource.metric"]: event["resource.value"] for event in ordered}

    podman("exec", "web", "sh", "-c", "i=0; while [ $i -lt 1500000 ]; do i=$((i+1)); done")
    collected.until(lambda: metrics().get("cpu", 0) > 0.2)
    collected.origin.close()
    assert metrics()["pids"] >= 2
    assert 64 * 1024 < metrics()["memory"] < 64 * 1024 * 1024
    assert metrics()["network.sent"] == 0, "podman says so of a container without a network"
    assert "disk.read" not in metrics(), "of a disk that it never used podman says nothing, which is not zero"
    assert {event["entity.id"] for event in collected.events} == {container[:12]}


def test_whose_an_address_is(podman: Podman) -> None:
    podman("network", "create", "--subnet", "10.89.78.0/24", "tidewaiter-test")
    try:
        labels = ("--label", "com.docker.compose.project=shop", "--label", "com.docker.compose.service=web")
        podman.run("web", "--network", "tidewaiter-test", "--ip", "10.89.78.7", *labels)
        addresses = ContainerAddresses(Engine(podman.address, answer_seconds=5.0))
        assert addresses.workload_of("10.89.78.7") == ("shop", "web")
        assert addresses.workload_of("10.89.78.8") is None
        addresses.close()
    finally:
        podman("rm", "--all", "--force", "--time", "0")
        podman("network", "rm", "tidewaiter-test")
