"""The shop: four services on one network, named and labelled as docker compose does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import httpx

from deploy.demo.lab.engine import Engine
from deploy.demo.lab.errors import LabError
from deploy.demo.lab.images import REGISTRY, VERSION
from deploy.demo.lab.sensor import watch_container

NETWORK = "shop_default"
VOLUME = "shop_database"
SUBNET = "10.89.40.0/24"
DYNAMIC = "10.89.40.128/25"
SECRET = "database-password"  # noqa: S105  the name of a secret, not one
# Made up, and the same in every recording: the script that makes the database has it in its arguments, as bad scripts do.
PASSWORD = "naE4GKx3aIQLYntWs29eTa5FWXgnMH4m"  # noqa: S105
PASSWORD = "naE4GKx3aIQLYntWs29eTa5FWXgnMH4m"  # noqa: S105  made up; the same in every recording, as it is the same shop
HEALTHY_SECONDS = 60
PATIENCE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Service:
    """One replica of a service and how it is started; ``capabilities`` are added after all were dropped.

    Without an ``address`` it gets one that is free.
    """

    name: str
    address: str
    health: str
    memory: str
    capabilities: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    number: int = 1
    version: str = VERSION

    @property
    def container(self) -> str:
        return f"shop-{self.name}-{self.number}"

    @property
    def image(self) -> str:
        return f"{REGISTRY}/{self.name}:{self.version}"


DATABASE = Service(
    name="database",
    address="10.89.40.13",
    health="CMD /usr/lib/postgresql/15/bin/pg_isready --quiet --host 127.0.0.1",
    memory="256m",
    options=(
        "--secret",
        SECRET,
        "--volume",
        f"{VOLUME}:/var/lib/postgresql/data",
        "--tmpfs",
        "/run/postgresql:mode=1777,notmpcopyup",
    ),
)
CACHE = Service(
    name="cache",
    address="10.89.40.14",
    health="CMD /usr/bin/redis-cli ping",
    memory="64m",
)
APP = Service(
    name="app",
    address="10.89.40.12",
    health="CMD /usr/bin/python3 -B /srv/shop/health.py",
    memory="128m",
    options=("--secret", SECRET, "--security-opt", "no-new-privileges"),
)
WEB = Service(
    name="web",
    address="10.89.40.11",
    health="CMD /usr/bin/curl --silent --fail --output /dev/null http://127.0.0.1/health",
    memory="64m",
    capabilities=("CHOWN", "DAC_OVERRIDE", "NET_BIND_SERVICE", "SETGID", "SETUID"),
)
SERVICES = (DATABASE, CACHE, APP, WEB)


@contextmanager
def network_and_secret(engine: Engine, folder: Path) -> Iterator[str]:
    """Yield the name of the shop's bridge; remove network, secret, volume and all that runs in the end."""
    password = folder / "password"
    password.write_text(PASSWORD)
    engine.podman("network", "create", "--subnet", SUBNET, "--ip-range", DYNAMIC, NETWORK)
    engine.podman("secret", "create", SECRET, str(password))
    try:
        yield engine.podman("network", "inspect", "--format", "{{.NetworkInterface}}", NETWORK)
    finally:
        engine.remove([replace(service, number=number).container for service in SERVICES for number in (1, 2)])
        engine.podman("volume", "rm", "--force", VOLUME)
        engine.podman("network", "rm", "--force", NETWORK)
        engine.podman("secret", "rm", SECRET)


class Shop:
    """What runs of the shop now. One thread changes it; health checks, jobs and customers follow, each in their own."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._running: dict[str, Service] = {}
        self._doors: dict[str, str] = {}
        self._reports = count(1)

    def open(self) -> None:
        for service in SERVICES:
            self.start(service)

    def start(self, service: Service) -> None:
        """Create and start a replica with its files watched, wait until it is healthy, and let customers in."""
        create = ["--name", service.container, *self.engine.limits, *_options(service), service.image]
        self.engine.podman("create", *create)
        self._begin(service)
        self._running[service.container] = service
        if service.name == WEB.name:
            self._doors[service.container] = self.engine.address(service.container, NETWORK)

    def restart(self, service: Service) -> None:
        """Stop and start the first replica, as it is now."""
        self.engine.stop(service.container)
        self._begin(self._running[service.container])

    def scale_up(self, service: Service) -> None:
        """Start a second replica of what the first one is now, on an address that is free."""
        self.start(replace(self._running[service.container], number=2, address=""))

    def scale_down(self, service: Service) -> None:
        self._remove(replace(service, number=2))

    def roll_out(self, service: Service, version: str) -> None:
        """Put a container of another version in the place of the first replica."""
        self._remove(service)
        self.start(replace(service, version=version))

    def check_health(self) -> None:
        for container in list(self._running):
            with suppress(LabError):  # unhealthy while something restarts: that is what the check is for
                self.engine.check_health(container)

    def report(self) -> None:
        """Run the job that counts orders, as cron does with ``docker compose run --rm report``; it may fail in a restart."""
        name, version = f"shop-report-{next(self._reports)}", self._running[APP.container].version
        options = ["--name", name, "--hostname", name, *_labels("report", int(name.rpartition("-")[2]))]
        limits = ["--network", NETWORK, "--cap-drop", "all", "--memory", "64m", "--secret", SECRET]
        program = ["/usr/bin/python3", "-B", "/srv/shop/report.py"]
        with suppress(LabError):
            self.engine.run("--rm", *options, *limits, f"{REGISTRY}/app:{version}", *program)

    def visit(self, path: str, *, order: bool = False, door: int = 0) -> None:
        """Be a customer: one request to a web server. While a service restarts, errors are part of life."""
        doors = list(self._doors.values())
        url = f"http://{doors[door % len(doors)]}{path}"
        with suppress(httpx.HTTPError):
            httpx.request("POST" if order else "GET", url, timeout=PATIENCE_SECONDS, trust_env=False)

    def _begin(self, service: Service) -> None:
        """Start a created or stopped container, watched from its first moment on: its files are there before it runs."""
        self.engine.podman("init", service.container)
        watch_container(self.engine, service.container)
        self.engine.podman("start", service.container)
        _wait_until_healthy(self.engine, service.container)

    def _remove(self, service: Service) -> None:
        self._doors = {name: door for name, door in self._doors.items() if name != service.container} or self._doors
        self._running = {name: running for name, running in self._running.items() if name != service.container}
        self.engine.stop(service.container)
        self.engine.podman("rm", service.container)


def _options(service: Service) -> list[str]:
    name = ["--hostname", service.container, *_labels(service.name, service.number)]
    network = ["--network", NETWORK, "--network-alias", service.name]
    address = ["--ip", service.address, "--mac-address", _mac(service.address)] if service.address else []
    health = ["--health-cmd", service.health, "--health-interval", "disable"]
    limits = ["--memory", service.memory, "--cpus", "0.5", "--cap-drop", "all"]
    added = [option for capability in service.capabilities for option in ("--cap-add", capability)]
    return [*name, *network, *address, *health, *limits, *added, *service.options]


def _mac(address: str) -> str:
    """Return a hardware address made from an address, as Docker does it: who knows the old container finds the new one."""
    return "02:42:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def _labels(service: str, number: int) -> list[str]:
    labels = {"project": "shop", "service": service, "container-number": str(number)}
    return [part for key, value in labels.items() for part in ("--label", f"com.docker.compose.{key}={value}")]


def _wait_until_healthy(engine: Engine, container: str) -> None:
    deadline = time.monotonic() + HEALTHY_SECONDS
    while True:
        try:
            engine.check_health(container)
        except LabError as error:
            if time.monotonic() > deadline:
                last = engine.podman("logs", "--tail", "5", container)[-500:]
                raise LabError(
                    f"{container} is not healthy after {HEALTHY_SECONDS} s; its last words: {last}"
                ) from error
            time.sleep(1)
        else:
            return
