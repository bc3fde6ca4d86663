"""Rows A1 and A3 on a real engine and a real registry: what the inventory lists is what runs, and which of it no registry knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deploy.inventory.containers import containers_of
from deploy.inventory.estate import Estate
from deploy.inventory.images import images_of
from deploy.stack.ports import find_free_port
from producers.formats.docker import DockerFormat
from producers.formats.registry import registry_format
from producers.origins.docker import DockerOrigin
from producers.types import FormatOptions, Gap, Position, Record
from tests.deploy.inventory.chain import Chain, Source
from tests.producers.formats.real_registry import feeder, need, serving
from tests.producers.origins.docker.podman import IMAGE, Podman, own_podman
from tests.producers.origins.feeding import fed

pytestmark = pytest.mark.privileged


@pytest.fixture
def podman() -> Iterator[Podman]:
    with own_podman() as podman:
        yield podman


@dataclass(slots=True)
class Engine:
    """A collector of an engine, which goes on where it was left."""

    podman: Podman
    chain: Chain = field(default_factory=Chain)
    format: DockerFormat = field(default_factory=lambda: DockerFormat(FormatOptions(cluster="lab", host="node")))
    position: Position | None = None
    _origin: DockerOrigin = field(init=False)

    def read(self, limit: int, timeout_seconds: float) -> Sequence[Record | Gap]:
        items = self._origin.read(limit, timeout_seconds)
        self.position = items[-1].position if items else self.position
        return items

    def collect(self, enough: Callable[[Estate], bool], *beside: Source) -> Estate:
        """Collect, beside other sources, until the inventory is as expected."""
        self._origin = DockerOrigin(self.podman.address)
        self._origin.open(self.position)
        try:
            return self.chain.collect([(self, self.format), *beside], enough)
        finally:
            self._origin.close()


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
    engine = Engine(podman)
    podman.run("there")
    estate = engine.collect(lambda estate: names(estate) == ["there"])
    podman.run("web")
    podman.run("db")
    estate = engine.collect(lambda estate: names(estate) == ["db", "there", "web"])
    assert running(estate) == listed(podman)
    assert len(running(estate)) == 1

    # Nobody collects meanwhile; what an engine has lost of its past: tests/producers/origins/docker/test_gone.py.
    podman("rm", "--force", "--time", "0", "web")
    podman("stop", "--time", "0", "there")
    estate = engine.collect(lambda estate: names(estate) == ["db"])
    assert running(estate) == listed(podman)
    states = {one.name: one.state for one in containers_of(estate)}
    assert states == {"db": "running", "there": "stopped", "web": "removed"}

    podman("start", "there")
    engine.collect(lambda estate: names(estate) == ["db", "there"])
    podman("rm", "--all", "--force", "--time", "0")
    estate = engine.collect(lambda estate: names(estate) == [])
    assert running(estate) == listed(podman) == set()


def unregistered(estate: Estate) -> list[list[str]]:
    return [sorted(one.names) for one in images_of(estate) if one.running and one.registered is False]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_only_what_was_loaded_past_the_registry_is_unregistered(podman: Podman, tmp_path: Path) -> None:
    need("docker-registry")
    taker = feeder()
    with serving(tmp_path, find_free_port()) as registry:  # nobody takes its notifications
        names = [f"{registry}/shop/{name}:1.0" for name in ("before", "now", "past")]
        for name in names:
            podman.import_image(name)
        podman("push", "--tls-verify=false", names[0])
    with fed(tmp_path / "spool", taker) as origin, serving(tmp_path, taker.port, registry):
        podman("push", "--tls-verify=false", names[1])
        podman("rmi", *names[:2])
        for name in names[:2]:
            podman("pull", "--tls-verify=false", name)
        for name in names:
            podman.run(name.rpartition("/")[2].partition(":")[0], image=name)
        engine = Engine(podman)
        estate = engine.collect(
            lambda estate: len(running(estate)) == 3 and len(unregistered(estate)) == 1,
            (origin, registry_format(FormatOptions())),
        )
    assert unregistered(estate) == [[names[2]]]
    assert [one.registries for one in images_of(estate) if names[0] in one.names] == [(f"{registry}/shop/before",)]
