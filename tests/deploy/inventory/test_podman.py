"""Row A1 on a real engine: what the inventory lists is what the engine's own tool lists, also of what was removed unseen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import pytest

from deploy.inventory.containers import containers_of
from deploy.inventory.estate import Estate
from deploy.inventory.images import images_of
from deploy.view.rows import Row, rows_of
from deploy.view.store import Store
from producers.formats.docker import DockerFormat
from producers.normalise import outcomes_of
from producers.origins.docker import DockerOrigin
from producers.types import FormatOptions, Position, Record
from schemas.codec import encode_event
from streams.judge.contents import Contents
from streams.judge.envelopes import Envelopes
from streams.judge.memo import Limits
from streams.judge.partition import Partition
from streams.judge.policy import CompiledPolicies
from tests.deploy.baselines.lab import policies
from tests.producers.origins.docker.podman import IMAGE, Podman, own_podman

pytestmark = pytest.mark.privileged

PATIENCE_SECONDS = 60  # only a test that fails waits so long


@pytest.fixture
def podman() -> Iterator[Podman]:
    with own_podman() as podman:
        yield podman


def judge() -> Partition:
    return Partition(0, Contents(CompiledPolicies.compile(policies())), Limits(2_000, 2_000), 2**24, Envelopes())


@dataclass(slots=True)
class Chain:
    """A collector, a judge and a view, without Kafka between them."""

    cluster: str
    partition: Partition = field(default_factory=judge)
    position: Position | None = None
    events: int = 0
    store: Store | None = None

    def collect(self, podman: Podman, enough: Callable[[Estate], bool]) -> Estate:
        """Collect from where it was left until the inventory is as expected."""
        origin, format_ = DockerOrigin(podman.address), DockerFormat(FormatOptions(cluster=self.cluster, host="node"))
        origin.open(self.position)
        deadline = monotonic() + PATIENCE_SECONDS
        while not enough(estate := self.estate()):
            assert monotonic() < deadline, [one.known for one in estate.containers]
            for item in origin.read(100, 0.1):
                self.position = item.position
                if isinstance(item, Record):
                    self._judge(item, format_)
        origin.close()
        return estate

    def _judge(self, record: Record, format_: DockerFormat) -> None:
        for outcome in outcomes_of(format_, record):
            assert isinstance(outcome.result, dict)
            self.events += 1
            event = outcome.result | {"event.id": f"{self.cluster}:0000:{self.events:012d}"}
            _, counter = self.partition.admit(event["entity.id"].encode(), encode_event(event))
            if counter is not None:
                counter.count += 1

    def estate(self) -> Estate:
        state, activities = self.partition.take(flush=True)
        self.store = self.store or _store()
        rows: list[Row] = [row for key, value in state for row in rows_of("judge-state", key, value)]
        rows += [row for key, value in activities for row in rows_of("activities", key, value)]
        self.store.write("judge-state", rows, {})
        return Estate(self.store.connection)


def _store() -> Store:
    store = Store(Path(":memory:"))
    store.create({})
    return store


def listed(podman: Podman) -> set[str]:
    """Return the images of what runs, as podman's own list has them."""
    return {f"sha256:{one['ImageID']}" for one in json.loads(podman("ps", "--no-trunc", "--format", "json"))}


def running(estate: Estate) -> set[str]:
    return {f"sha256:{one.image.removeprefix('sha256:')}" for one in images_of(estate) if one.running}


def names(estate: Estate) -> list[str]:
    return sorted(one.name for one in containers_of(estate) if one.state == "running")


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # httpcore leaves a failed socket to the collector
def test_the_inventory_equals_what_podman_lists_also_after_a_removal_that_nobody_saw(podman: Podman) -> None:
    podman("tag", IMAGE, "localhost/shop/other:1.0")
    chain = Chain("lab")
    podman.run("there")
    estate = chain.collect(podman, lambda estate: names(estate) == ["there"])
    podman.run("web")
    podman.run("db")
    estate = chain.collect(podman, lambda estate: names(estate) == ["db", "there", "web"])
    assert running(estate) == listed(podman)
    assert len(running(estate)) == 1

    # Nobody collects meanwhile; what an engine has lost of its past: tests/producers/origins/docker/test_gone.py.
    podman("rm", "--force", "--time", "0", "web")
    podman("stop", "--time", "0", "there")
    estate = chain.collect(podman, lambda estate: names(estate) == ["db"])
    assert running(estate) == listed(podman)
    states = {one.name: one.state for one in containers_of(estate)}
    assert states == {"db": "running", "there": "stopped", "web": "removed"}

    podman("start", "there")
    chain.collect(podman, lambda estate: names(estate) == ["db", "there"])
    podman("rm", "--all", "--force", "--time", "0")
    estate = chain.collect(podman, lambda estate: names(estate) == [])
    assert running(estate) == listed(podman) == set()
