"""Notifications of Debian's ``docker-registry`` about real pushes of ``skopeo``, taken as a push like any other."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from producers.formats.registry import registry_format
from producers.origins.spooled import SpooledOrigin
from producers.types import FormatOptions
from schemas.codec import Event
from tests.producers.formats.oci_image import write_image
from tests.producers.formats.reading import events_of
from tests.producers.formats.real_registry import PATIENCE_SECONDS, feeder, need, serving
from tests.producers.origins.feeding import fed


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry that runs, and what it has said."""

    address: str
    origin: SpooledOrigin

    def skopeo(self, *arguments: str) -> None:
        subprocess.run(["skopeo", *arguments], check=True, capture_output=True, timeout=PATIENCE_SECONDS)

    def events_until(self, action: str) -> list[Event]:
        """Return what the notifications become, up to the first ``action``."""
        bodies: list[bytes] = []
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            bodies += [item.data for item in self.origin.read(100, 0.2) if hasattr(item, "data")]
            events = events_of(registry_format(FormatOptions()), *bodies)
            if any(event["event.action"] == action for event in events):
                return events
        raise AssertionError(f"the registry has said nothing of {action}")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    need("docker-registry", "skopeo")
    taker = feeder()
    with fed(tmp_path / "spool", taker) as origin, serving(tmp_path, taker.port) as address:
        yield Registry(address, origin)


def test_pushes_pulls_and_deletions_of_a_real_registry(registry: Registry, tmp_path: Path) -> None:
    image = write_image(tmp_path / "image")
    here = f"docker://{registry.address}/shop"
    registry.skopeo("copy", "--dest-tls-verify=false", f"oci:{image.directory}:1.0", f"{here}/web:1.0")
    registry.skopeo("copy", "--dest-tls-verify=false", "--format=v2s2", f"oci:{image.directory}:1.0", f"{here}/old:2.0")
    registry.skopeo("inspect", "--tls-verify=false", f"{here}/web:1.0")
    registry.skopeo("delete", "--tls-verify=false", f"{here}/web:1.0")
    events = registry.events_until("image-delete")

    facts = [event for event in events if event["event.action"] == "facts"]
    pushed = [event for event in facts if "container.image.registries" in event]
    assert {event["container.image.id"] for event in pushed} == {image.configuration}
    assert {event["facts.source"] for event in pushed} == {f"{registry.address}/shop/{name}" for name in ("web", "old")}
    assert pushed[0]["entity.id"] == f"image:{image.manifest}"
    assert facts[-1]["entity.id"] == f"image:{image.manifest}"
    assert "container.image.registries" not in facts[-1]

    done = [event for event in events if event["event.kind"] == "event"]
    asked = [(event["event.action"], event["container.settings.images"][0]) for event in done]
    assert ("image-push", f"{registry.address}/shop/web:1.0") in asked
    assert ("image-pull", f"{registry.address}/shop/web:1.0") in asked
    assert ("image-delete", f"{registry.address}/shop/web@{image.manifest}") in asked
    assert {event["entity.id"] for event in done} == {f"host:{registry.address}"}
    assert {event["source.ip"] for event in done} == {"127.0.0.1"}
