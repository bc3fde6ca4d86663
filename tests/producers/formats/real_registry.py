"""Debian's ``docker-registry``, which posts its notifications to a collector's port."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from deploy.stack.ports import find_free_port
from producers.origins.push import PushFeeder, PushOptions
from tests.producers.origins.feeding import MEBIBYTE

_TOKEN = "open-sesame"
PATIENCE_SECONDS = 60.0


def need(*programs: str) -> None:
    """Skip the test with the reason where a program is missing."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt-get install {program}")


def feeder() -> PushFeeder:
    """Return what takes notifications in, with the token that the registry sends."""
    return PushFeeder("registry", PushOptions("127.0.0.1", 0, SecretStr(_TOKEN), MEBIBYTE))


@contextmanager
def serving(directory: Path, collector_port: int, address: str = "") -> Iterator[str]:
    """Run a registry whose images are kept in a directory, and return its address."""
    address = address or f"127.0.0.1:{find_free_port()}"
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
            process.wait(PATIENCE_SECONDS)


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://{address}/v2/", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the registry does not answer")
