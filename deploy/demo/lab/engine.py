"""Podman as the container engine: one Docker-compatible API service, and the command line that talks to it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

from deploy.demo.lab.processes import CLEAN_ENVIRONMENT, must_live, run, running

# The login id of the service and so of every container: the audit rules ask for it, and see nothing else of the host.
# No account has it, so that auditd writes "unknown(4242)" beside it and no name of this machine.
LOGIN_ID = 4242

CONFIGURATION = """\
[containers]
http_proxy = false
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
events_logfile_path = "{folder}/podman-events.log"
[network]
network_backend = "netavark"
"""
# podman's own defaults are above what an unprivileged virtual machine allows.
LIMITS = ("--ulimit", "nofile=10000:20000", "--ulimit", "nproc=1000:1000")
START_SECONDS = 20
STOP_SECONDS = 20
NAME_SERVER = b"/aardvark-dns\0--config\0/run/containers/"


@dataclass(frozen=True, slots=True)
class Engine:
    """The running service; ``socket`` speaks the Docker API."""

    socket: Path
    configuration: Path

    @property
    def limits(self) -> tuple[str, ...]:
        return LIMITS

    @property
    def environment(self) -> dict[str, str]:
        return CLEAN_ENVIRONMENT | {"CONTAINERS_CONF": str(self.configuration)}

    def command(self, *arguments: str) -> list[str]:
        return ["podman", "--remote", "--url", f"unix://{self.socket}", *arguments]

    def podman(self, *arguments: str) -> str:
        """Run a podman command through the service, as people do with Docker; return its output without the end."""
        return run(self.command(*arguments), environment=self.environment).strip()

    def run(self, *arguments: str) -> str:
        """Create and start a container."""
        return self.podman("run", *LIMITS, *arguments)

    def check_health(self, container: str) -> None:
        """Run the container's health check once: podman leaves the timing to systemd, which is not needed here."""
        self.podman("healthcheck", "run", container)

    def inspect(self, container: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(self.podman("container", "inspect", container))
        return found[0]

    def stop(self, container: str) -> None:
        """Stop a container and wait until its monitor and that one's clean-up are gone.

        They would take the network away from under the container if it was started again before.
        """
        identity = self.inspect(container)["Id"].encode()
        self.podman("stop", "--time", "5", container)
        deadline = time.monotonic() + STOP_SECONDS
        while _processes_that_name(identity) and time.monotonic() < deadline:
            time.sleep(0.05)

    def address(self, container: str, network: str) -> str:
        return str(self.inspect(container)["NetworkSettings"]["Networks"][network]["IPAddress"])

    def remove(self, containers: Sequence[str]) -> None:
        self.podman("rm", "--force", "--ignore", "--time", "0", "--volumes", *containers)


@contextmanager
def engine_running(folder: Path) -> Iterator[Engine]:
    """Keep podman's API service running on a socket in ``folder``; remove every container in the end."""
    engine = Engine(folder / "podman.sock", folder / "containers.conf")
    engine.configuration.write_text(CONFIGURATION.format(folder=folder))
    service = ["podman", "system", "service", "--time", "0", f"unix://{engine.socket}"]
    as_login = ["sh", "-c", f'echo {LOGIN_ID} >/proc/self/loginuid && exec "$@"', "sh", *service]
    log = folder / "podman.log"
    with running(as_login, log=log, environment=engine.environment) as process:
        _wait_for(engine.socket, process, log)
        try:
            yield engine
        finally:
            engine.podman("rm", "--all", "--force", "--time", "0", "--volumes")


def pause_name_server(seconds: float) -> None:
    """Let the name server of the networks answer nothing for a while, as it happens on a busy host.

    Containers then ask the host's name server, the second one that podman tells them.
    """
    servers = _processes_that_name(NAME_SERVER)
    for process in servers:
        os.kill(process, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        for process in servers:
            os.kill(process, signal.SIGCONT)


def _processes_that_name(word: bytes) -> list[int]:
    """Return the processes that have a word in their command line."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):  # it has ended
            if process.name.isdecimal() and word in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


def _wait_for(socket: Path, process: Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not socket.exists() and time.monotonic() < deadline:
        must_live(process, log)
        time.sleep(0.1)
