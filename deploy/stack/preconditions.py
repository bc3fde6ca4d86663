"""What this machine lacks to run the stack, found before anything is started, each as one line that says what to do."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from deploy.stack.artifacts import ELASTICSEARCH_8, ELASTICSEARCH_9, KAFKA, Distribution, is_cached
from deploy.stack.errors import JavaMissing, JavaTooOld, MavenMissing, MemoryTooSmall, PortInUse, StackError
from deploy.stack.java import Java
from deploy.stack.ports import is_port_free, name_port_owner
from deploy.stack.settings import Service, StackSettings

__all__ = ["choose_distributions", "find_problems"]

# Beside its heap a JVM holds code, thread stacks, buffers; Elasticsearch may take half of its heap again as direct memory.
KAFKA_OVERHEAD_MEBIBYTES = 256
ELASTICSEARCH_OVERHEAD_MEBIBYTES = 768
MEBIBYTE = 1024 * 1024
CONTROL_GROUP = Path("/sys/fs/cgroup")
PORT_SETTINGS: dict[Service, tuple[str, ...]] = {
    "kafka": ("kafka_port", "kafka_controller_port"),
    "elasticsearch": ("elasticsearch_port",),
}


def find_problems(
    settings: StackSettings, services: Iterable[Service], javas: tuple[Java, ...], cache: Path
) -> tuple[StackError, ...]:
    """Return what keeps the named services, which do not run yet, from starting; empty where nothing does."""
    wanted = tuple(services)
    return (
        *_ports_in_use(settings, wanted),
        *_java_lacking(javas, wanted),
        *_maven_lacking(choose_distributions(javas, wanted), cache),
        *_memory_lacking(settings, wanted),
    )


def choose_distributions(javas: tuple[Java, ...], services: Iterable[Service]) -> tuple[Distribution, ...]:
    """Return what to run for each service: the newest Elasticsearch that the newest Java runs."""
    newest = javas[0].version if javas else 0
    elasticsearch = ELASTICSEARCH_9 if newest >= ELASTICSEARCH_9.minimum_java else ELASTICSEARCH_8
    return tuple(KAFKA if service == "kafka" else elasticsearch for service in services)


def _ports_in_use(settings: StackSettings, services: tuple[Service, ...]) -> Iterator[StackError]:
    for name in (name for service in services for name in PORT_SETTINGS[service]):
        port = getattr(settings, name)
        if not is_port_free(port):
            owner = name_port_owner(port) or "another process"
            yield PortInUse(
                f"Port {port} is in use by {owner}: stop it, or choose another port with the setting {name}"
            )


def _java_lacking(javas: tuple[Java, ...], services: tuple[Service, ...]) -> Iterator[StackError]:
    minimum = min((each.minimum_java for each in choose_distributions(javas, services)), default=0)
    advice = f"install Java {minimum} or newer (Debian, Ubuntu: apt-get install openjdk-{minimum}-jre-headless) or set JAVA_HOME"
    if services and not javas:
        yield JavaMissing(f"Java was not found on PATH, in JAVA_HOME or in /usr/lib/jvm: {advice}")
    elif services and javas[0].version < minimum:
        yield JavaTooOld(f"Java {javas[0].version} in {javas[0].home} is too old: {advice}")


def _maven_lacking(distributions: tuple[Distribution, ...], cache: Path) -> Iterator[StackError]:
    missing = [str(each) for each in distributions if not is_cached(each, cache)]
    if missing and not shutil.which("mvn"):
        yield MavenMissing(
            f"Maven is needed once to download {' and '.join(missing)}, and mvn is not on PATH: "
            f"install it (Debian, Ubuntu: apt-get install maven)"
        )


def _memory_lacking(settings: StackSettings, services: tuple[Service, ...]) -> Iterator[StackError]:
    needs: dict[Service, int] = {
        "kafka": settings.kafka_heap_mebibytes + KAFKA_OVERHEAD_MEBIBYTES,
        "elasticsearch": settings.elasticsearch_heap_mebibytes + ELASTICSEARCH_OVERHEAD_MEBIBYTES,
    }
    needed, available = sum(needs[service] for service in services), measure_available_mebibytes()
    if needed > available:
        settings_to_lower = " or ".join(f"{service}_heap_mebibytes" for service in services)
        yield MemoryTooSmall(
            f"{' and '.join(services)} would need {needed} MiB of memory and {available} MiB are available: "
            f"end other programs, or lower the setting {settings_to_lower}"
        )


def measure_available_mebibytes() -> int:
    """Return the memory that new processes can have: what the system has, and what our control group may still take."""
    available_bytes: int = psutil.virtual_memory().available
    limit, current = CONTROL_GROUP / "memory.max", CONTROL_GROUP / "memory.current"
    if limit.exists() and limit.read_text().strip() != "max":
        available_bytes = min(available_bytes, int(limit.read_text()) - int(current.read_text()))
    return available_bytes // MEBIBYTE
