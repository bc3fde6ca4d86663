"""The load that benchmarks and soak tests put on Kafka: events as a collector of a busy shop would send them.

200 containers, replicas of 20 workloads with 10 activities each, so 200 activities in all; events of 0.8 kB that leave the judge as
1.4 kB.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from confluent_kafka import Producer

from schemas.codec import Event, encode_event
from schemas.event import timestamp
from schemas.facts import FACTS_ACTION
from schemas.settings import KafkaSettings
from schemas.topics import partition_of

__all__ = ["ACTIVITIES", "ENTITIES", "PRINCIPALS", "Load", "example"]

ENTITIES: Final = 200
ACTIVITIES: Final = 200

_WORKLOADS: Final = 20
PRINCIPALS: Final = tuple(f"container:production/shop/shop-{number:02d}/main" for number in range(_WORKLOADS))
_START: Final = 1_764_000_000_000_000_000
_BATCH: Final = 10_000
_COLLECTOR: Final = "load"


def _container(entity: int) -> str:
    return f"{entity * 0x9E3779B97F4A7C15 % 2**48:012x}"


def _facts(entity: int) -> dict[str, Any]:
    workload = f"shop-{entity % _WORKLOADS:02d}"
    return {
        "event.kind": "state",
        "event.action": FACTS_ACTION,
        "event.dataset": "docker.facts",
        "facts.authority": "engine",
        "container.id": _container(entity) * 5 + "abcd",
        "container.name": f"{workload}-{entity // _WORKLOADS}",
        "container.image.name": f"registry.shop.example/shop/{workload}:1.4.2",
        "workload.cluster": "production",
        "workload.namespace": "shop",
        "workload.name": workload,
        "workload.container": "main",
        "host.name": f"node-{entity % 7}",
    }


def _activity(entity: int, number: int, novelty: str) -> dict[str, Any]:
    workload, slot = entity % _WORKLOADS, number % (ACTIVITIES // _WORKLOADS)
    program = f"/srv/shop-{workload:02d}/bin/worker-{slot}{novelty}"
    return {
        "event.kind": "event",
        "event.category": ["process"],
        "event.type": ["start"],
        "event.action": "exec",
        "event.outcome": "success",
        "event.module": "auditd",
        "event.dataset": "auditd.log",
        "process.executable": program,
        "process.name": f"worker-{slot}",
        "process.args": [program, "--queue", f"orders-{slot}", "--once", "--log-format=json"],
        "process.working_directory": f"/srv/shop-{workload:02d}",
        "process.parent.executable": "/usr/bin/supervisor",
        "user.id": "1000",
    }


def example() -> tuple[Event, Event]:
    """Return the facts of a container, and an activity of it."""
    return _facts(0), _activity(0, 0, "")


class Load:
    """Events numbered like a collector's; ``novel_percent`` of them do what was never done before."""

    def __init__(self, settings: KafkaSettings, novel_percent: int = 0) -> None:
        self._settings = settings
        self._novel_percent = novel_percent
        self._numbers = [0] * settings.partitions
        self._made = 0
        self._producer = Producer(
            settings.client_configuration()
            | {
                "enable.idempotence": True,
                "linger.ms": 20,
                "compression.type": "lz4",
                "queue.buffering.max.messages": 1_000_000,
            }
        )

    def send_facts(self) -> None:
        """Send what is known of every entity."""
        self._send(self._event(entity, _facts(entity)) for entity in range(ENTITIES))

    def send(self, events: int) -> None:
        """Send the next ``events`` events and wait until the broker has them."""
        for begin in range(0, events, _BATCH):
            self._send(self._next() for _ in range(min(_BATCH, events - begin)))

    def _next(self) -> tuple[bytes, int, bytes]:
        self._made += 1
        entity, number = self._made % ENTITIES, self._made // ENTITIES
        novel = self._made * 37 % 100 < self._novel_percent
        return self._event(entity, _activity(entity, number, f"-{self._made}" if novel else ""))

    def _event(self, entity: int, fields: Event) -> tuple[bytes, int, bytes]:
        key = _container(entity).encode()
        partition = partition_of(key, self._settings.partitions)
        self._numbers[partition] += 1
        moment = timestamp(_START + self._made * 50_000)
        envelope = {
            "event.id": f"{_COLLECTOR}:{partition:04d}:{self._numbers[partition]:012d}",
            "@timestamp": moment,
            "event.created": moment,
            "entity.id": key.decode(),
            "event.sequence": self._made,
            "process.pid": 1000 + self._made % 30_000,
            "process.start": moment,
            "process.parent.pid": 1000 + entity,
        }
        return key, partition, encode_event(envelope | fields)

    def _send(self, events: Iterator[tuple[bytes, int, bytes]]) -> None:
        portions: dict[int, list[dict[str, Any]]] = {}
        for key, partition, value in events:
            portions.setdefault(partition, []).append({"key": key, "value": value})
        for partition, messages in portions.items():  # produce_batch heeds the partition of its argument alone
            self._producer.produce_batch(self._settings.topic("events"), messages, partition)
        self._producer.flush()
