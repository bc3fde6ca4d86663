"""Notifications of Debian's ``docker-registry`` about real pushes of ``skopeo``, taken as a push like any other."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from deploy.stack.ports import find_free_port
from producers.formats.registry import registry_format
from producers.origins.push import PushFeeder, PushOptions
from producers.origins.spooled import SpooledOrigin
from producers.types import FormatOptions
from schemas.codec import Event
from tests.producers.formats.oci_image import write_image
from tests.producers.formats.reading import events_of
from tests.producers.origins.feeding import MEBIBYTE, fed

_TOKEN = "open-sesame"
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry that runs, and what it has said."""

    address: str
    origin: SpooledOrigin

    def skopeo(self, *arguments: str) -> None:
        subprocess.run(["skopeo", *arguments], check=True, capture_output=True, timeout=_PATIENCE_SECONDS)

    def events_until(self, action: str) -> list[Event]:
        """Return what the notifications become, up to the first ``action``."""
        bodies: list[bytes] = []
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            bodies += [item.data for item in self.origin.read(100, 0.2) if hasattr(item, "data")]
            events = events_of(registry_format(FormatOptions()), *bodies)
            if any(event["event.action"] == action for event in events):
                return events
        raise AssertionError(f"the registry has said nothing of {action}")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    for program in ("docker-registry", "skopeo"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt-get install docker-registry skopeo")
    feeder = PushFeeder("registry", PushOptions("127.0.0.1", 0, SecretStr(_TOKEN), MEBIBYTE))
    with fed(tmp_path / "spool", feeder) as origin, _serving(tmp_path, feeder.port) as address:
        yield Registry(address, origin)


@contextmanager
def _serving(directory: Path, collector_port: int) -> Iterator[str]:
    address = f"127.0.0.1:{find_free_port()}"
    configuration = directory / "registry.yml"
    configuration.write_text(f"""\
version: 0.1
storage: {{filesystem: {{rootdirectory: {directory / "data"}}}, delete: {{enabled: true}}}}
http: {{addr: "{address}"}}
notifications:
  events: {{includereferences: true}}
  endpoints:
    - {{name: tidewaiter, url: "http://127.0.0.1:{collector_port}/", headers: {{Authorization: ["Bearer {_TOKEN}"]}}, timeout: 5s, threshold: 5, backoff: 1s}}
""")
    with (directory / "registry.log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(configuration)], stdout=log, stderr=log)
        try:
            _wait_for(address)
            yield address
        finally:
            process.terminate()
            process.wait(_PATIENCE_SECONDS)


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://{address}/v2/", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the registry does not answer")


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
