"""Topics, collectors and committed readers on a real Kafka."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from deploy.kafka import create_topics
from schemas.codec import Event, decode
from schemas.settings import KafkaSettings
from schemas.topics import Name

ROOT: Final = Path(__file__).parent.parent.parent
PARTITIONS: Final = 4


@dataclass(frozen=True, slots=True)
class Bench:
    """One test's topics, and a directory for the state of its collectors."""

    kafka: KafkaSettings
    directory: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, options: dict[str, Any], collector: dict[str, Any] | None = None) -> subprocess.Popen[bytes]:
        arguments = {
            "kafka": {**self.kafka.model_dump(exclude={"password", "client"})},
            "collector": {"heartbeat_seconds": 0.5} | (collector or {}),
            "state_directory": str(self.directory / "state"),
            "options": {"collector_id": "shop"} | options,
        }
        command = [sys.executable, "-m", "tests.producers.collect_process", json.dumps(arguments)]
        pipe = subprocess.PIPE
        self.processes.append(subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe))
        return self.processes[-1]

    def close(self) -> None:
        """End what a failed test has left running."""
        for process in self.processes:
            process.kill()
            process.communicate()

    def committed(self, name: Name) -> dict[int, list[bytes]]:
        """Return the values of a topic by partition, as a committed reader sees them now."""
        consumer = Consumer(
            self.kafka.client_configuration()
            | {"group.id": "check", "isolation.level": "read_committed", "auto.offset.reset": "error"}
        )
        try:
            topic = self.kafka.topic(name)
            partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
            return {number: _values(consumer, topic, number) for number in partitions}
        finally:
            consumer.close()

    def events(self) -> list[Event]:
        """Return all committed events, after checking that they are numbered densely."""
        found: list[Event] = []
        for partition, values in self.committed("events").items():
            numbers: dict[str, list[int]] = defaultdict(list)
            for event in map(decode, values):
                collector, in_partition, number = event["event.id"].split(":")
                assert int(in_partition) == partition
                numbers[collector].append(int(number))
                found.append(event)
            for given in numbers.values():
                assert given == list(range(1, len(given) + 1))
        return found

    def said(self) -> list[str]:
        """Return what the events that came from lines say, collectors' own events apart."""
        return [event["process.executable"] for event in self.events() if event["event.dataset"] == "lines"]


@contextmanager
def make_bench(bootstrap_servers: str, prefix: str, directory: Path) -> Iterator[Bench]:
    kafka = KafkaSettings(bootstrap_servers=bootstrap_servers, topic_prefix=f"{prefix}.", partitions=PARTITIONS)
    create_topics(kafka)
    bench = Bench(kafka, directory)
    try:
        yield bench
    finally:
        bench.close()


def _values(consumer: Consumer, topic: str, partition: int) -> list[bytes]:
    place = TopicPartition(topic, partition)
    low, end = _bounds(consumer, place)
    consumer.assign([TopicPartition(topic, partition, low)])
    values: list[bytes] = []
    while low < end:
        for message in consumer.consume(10_000, timeout=0.1):
            assert message.error() is None
            values.append(message.value() or b"")
        low = max(low, consumer.position([place])[0].offset)
    return values


def _bounds(consumer: Consumer, place: TopicPartition) -> tuple[int, int]:
    """Return where a partition begins and ends; one that was made a moment ago may not have its leader yet."""
    while True:
        try:
            low, end = consumer.get_watermark_offsets(place, timeout=30)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION:
                raise
        else:
            return low, end
