"""The shop: four services on one network, named and labelled as docker compose does."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.demo.lab.engine import Engine
from deploy.demo.lab.errors import LabError
from deploy.demo.lab.images import REGISTRY, VERSION
from deploy.demo.lab.sensor import watch_container

NETWORK = "shop_default"
VOLUME = "shop_database"
SUBNET = "10.89.40.0/24"
SECRET = "database-password"  # noqa: S105  the name of a secret, not one
HEALTHY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Service:
    """One service and how it is started; ``capabilities`` are added after all were dropped."""

    name: str
    address: str
    health: str
    memory: str
    capabilities: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def container(self) -> str:
        return f"shop-{self.name}-1"


DATABASE = Service(
    name="database",
    address="10.89.40.13",
    health="CMD /usr/lib/postgresql/15/bin/pg_isready --quiet --host 127.0.0.1",
    memory="256m",
    options=("--secret", SECRET, "--volume", f"{VOLUME}:/var/lib/postgresql/data", "--tmpfs", "/run/postgresql"),
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
    """Yield the name of the shop's bridge; remove network, secret and volume in the end."""
    password = folder / "password"
    password.write_text(secrets.token_urlsafe(24))
    engine.podman("network", "create", "--subnet", SUBNET, NETWORK)
    engine.podman("secret", "create", SECRET, str(password))
    try:
        yield engine.podman("network", "inspect", "--format", "{{.NetworkInterface}}", NETWORK)
    finally:
        engine.remove([service.container for service in SERVICES])
        engine.podman("volume", "rm", "--force", VOLUME)
        engine.podman("network", "rm", "--force", NETWORK)
        engine.podman("secret", "rm", SECRET)


def start(engine: Engine, service: Service) -> None:
    """Start a service, watch its files and wait until it is healthy."""
    engine.run("--detach", *_options(service), f"{REGISTRY}/{service.name}:{VERSION}")
    watch_container(engine, service.container)
    _wait_until_healthy(engine, service)


def restart(engine: Engine, service: Service) -> None:
    engine.podman("restart", "--time", "5", service.container)
    watch_container(engine, service.container)


def run_report(engine: Engine, number: int) -> None:
    """Run the job that counts orders, as cron does with ``docker compose run --rm report``."""
    options = ["--name", f"shop-report-{number}", "--hostname", f"shop-report-{number}", *_labels("report", number)]
    limits = ["--network", NETWORK, "--cap-drop", "all", "--memory", "64m", "--secret", SECRET]
    program = ["/usr/bin/python3", "-B", "/srv/shop/report.py"]
    engine.run("--rm", *options, *limits, f"{REGISTRY}/app:{VERSION}", *program)


def visit(path: str, *, order: bool = False) -> None:
    """Be a customer: one request to the web server. While a service restarts, errors are part of life."""
    method = "POST" if order else "GET"
    httpx.request(method, f"http://{WEB.address}{path}", timeout=10, trust_env=False)


def _options(service: Service) -> list[str]:
    name = ["--name", service.container, "--hostname", service.container, *_labels(service.name, 1)]
    network = ["--network", NETWORK, "--ip", service.address, "--network-alias", service.name]
    health = ["--health-cmd", service.health, "--health-interval", "disable"]
    limits = ["--memory", service.memory, "--cpus", "0.5", "--cap-drop", "all"]
    added = [option for capability in service.capabilities for option in ("--cap-add", capability)]
    return [*name, *network, *health, *limits, *added, *service.options]


def _labels(service: str, number: int) -> list[str]:
    labels = {"project": "shop", "service": service, "container-number": str(number)}
    return [part for key, value in labels.items() for part in ("--label", f"com.docker.compose.{key}={value}")]


def _wait_until_healthy(engine: Engine, service: Service) -> None:
    deadline = time.monotonic() + HEALTHY_SECONDS
    while True:
        try:
            engine.check_health(service.container)
        except LabError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
        else:
            return
