"""Measures the view and the inventory of a large estate: ``python -m tests.deploy.inventory.measure [CONTAINERS] [WORKLOADS]``.

Writes what judges and correlate would have written of it to a Kafka of its own: containers, 40 activities of each workload, an image for
five workloads with a scan that has found 100 vulnerabilities. Prints how long the view takes to build and to follow, its size, and how
long each kind of the inventory takes.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Producer

from deploy.inventory.containers import containers_of
from deploy.inventory.estate import TOPICS_READ, Estate
from deploy.inventory.hosts import hosts_of
from deploy.inventory.images import images_of
from deploy.inventory.registries import registries_of
from deploy.inventory.secrets import secrets_of
from deploy.inventory.unused import unused_of
from deploy.inventory.users import users_of
from deploy.inventory.workloads import workloads_of
from deploy.kafka import create_topics
from deploy.view.update import following
from schemas.codec import dumps
from schemas.settings import KafkaSettings, Settings
from schemas.topics import TOPICS, partition_of
from tests.conftest import running
from tests.deploy.inventory.lab import request
from tests.deploy.view.lab import Said, activity, container, shared

ACTIVITIES: Final = 40
NAMESPACES: Final = 200
PARTITIONS: Final = 8
WORKLOADS_AN_IMAGE: Final = 5
VULNERABILITIES: Final = [f"high fixable CVE-2024-{number:05d} library-{number % 40}" for number in range(100)]
KINDS: Final[dict[str, Callable[[Estate], list[Any]]]] = {
    "images": images_of,
    "images --unused": unused_of,
    "workloads": workloads_of,
    "containers": containers_of,
    "hosts": hosts_of,
    "registries": registries_of,
    "secrets": secrets_of,
    "users": users_of,
}


def known_of(workload: int) -> dict[str, Any]:
    return {
        "workload.cluster": "prod",
        "workload.namespace": f"n{workload % NAMESPACES}",
        "workload.name": f"w{workload}",
        "workload.container": "main",
        "workload.labels": [f"app=w{workload}", "tier=backend", "team=shop"],
        "container.image.id": f"sha256:{workload // WORKLOADS_AN_IMAGE:064x}",
        "container.image.name": f"registry.example/shop/w{workload // WORKLOADS_AN_IMAGE}",
        "container.image.tag": ["1.0"],
        "container.settings.root": workload % 7 == 0,
        "container.settings.privileged": False,
        "container.settings.user": "1000",
        "container.settings.read_only_root": True,
        "container.settings.capabilities.drop": ["ALL"],
    }


def estate(containers: int, workloads: int) -> Iterator[Said]:
    for image in range(workloads // WORKLOADS_AN_IMAGE):
        yield scan_of(image)
    for number in range(containers):
        facts = known_of(number % workloads) | {
            "container.ip": [f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"]
        }
        place = f"n{number % workloads % NAMESPACES}/w{number % workloads}/main"
        named = {name.replace(".", "__"): value for name, value in facts.items()}
        yield container(f"{number:012x}", place, host__name=f"node-{number % 500}", **named)
    for workload in range(workloads):
        known = known_of(workload)
        principal = f"container:prod/{known['workload.namespace']}/w{workload}/main"
        for number in range(ACTIVITIES):
            yield activity(principal, done_by(workload, number), known, count=number + 1)
        yield request(f"system:serviceaccount:n{workload % NAMESPACES}:w{workload}", "get", "configmaps")


def scan_of(image: int) -> Said:
    digest = f"sha256:{image:064x}"
    facts = {
        "container.image.id": digest,
        "container.image.vulnerabilities": VULNERABILITIES,
        "container.image.executables": [f"/usr/bin/program-{number}" for number in range(100)],
        "container.image.scan.scanners": ["trivy"],
    }
    return shared(f"image:{digest}", "trivy", facts)


def done_by(workload: int, number: int) -> dict[str, Any]:
    if number % 2:
        program = f"/usr/bin/program-{number}"
        args = [program, f"--of={workload}"]
        return {"event.action": "exec", "process.executable": program, "process.args": args}
    return {
        "event.action": "connect",
        "network.direction": "egress",
        "destination.ip": f"10.0.{workload % 250}.{number}",
    }


def send(kafka: KafkaSettings, records: Iterator[Said]) -> None:
    producer = Producer(kafka.client_configuration() | {"linger.ms": 50, "compression.type": "lz4"})
    for count, (topic, key, value) in enumerate(records, 1):
        number = partition_of(key, TOPICS[topic].partitions or PARTITIONS)
        producer.produce(kafka.topic(topic), key=key, value=value, partition=number)
        if count % 10_000 == 0:
            producer.flush(60)
    producer.flush(60)


@contextmanager
def timed(what: Callable[[], str]) -> Iterator[None]:
    """Print how long something took: by the clock, and of a processor, which others do not slow down as much."""
    began, used = time.perf_counter(), time.process_time()
    yield
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    taken = f"{time.perf_counter() - began:7.1f} s, {time.process_time() - used:6.1f} s of a processor"
    sys.stdout.write(f"{what():<50} {taken}, at most {memory} MiB so far\n")
    sys.stdout.flush()


def measure(settings: Settings, containers: int, workloads: int) -> None:
    create_topics(settings.kafka)
    with timed(lambda: "records written"):
        send(settings.kafka, estate(containers, workloads))
    file = settings.state_directory / "view" / "view.sqlite"
    with timed(lambda: f"view built, {file.stat().st_size >> 20} MiB"), following(settings, TOPICS_READ):
        pass
    with timed(lambda: "view followed, nothing new"), following(settings, TOPICS_READ):
        pass
    changed = [container(f"{number:012x}", stopped="2026-06-02T00:00:00.000000000Z") for number in range(1_000)]
    send(settings.kafka, iter(changed))
    with timed(lambda: "view followed, 1000 containers changed"), following(settings, TOPICS_READ):
        pass
    with following(settings, TOPICS_READ) as view:
        for kind, rows_of in KINDS.items():
            rows: list[Any] = []
            with timed(lambda kind=kind, rows=rows: f"{kind}: {len(rows)} rows, {len(dumps(rows)) >> 20} MiB of JSON"):  # type: ignore[misc]  # bound now
                rows += rows_of(Estate(view))


def main(containers: int, workloads: int) -> None:
    with running("kafka") as stack, tempfile.TemporaryDirectory() as directory:
        kafka = KafkaSettings(bootstrap_servers=stack.kafka, topic_prefix="measure.", partitions=PARTITIONS)
        measure(Settings(kafka=kafka, state_directory=Path(directory)), containers, workloads)


if __name__ == "__main__":
    main(*map(int, [*sys.argv[1:3], *("100000", "10000")[len(sys.argv) - 1 :]]))
