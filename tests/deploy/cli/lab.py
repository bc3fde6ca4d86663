"""Commands on a real Kafka: topics of a test's own, rows in them, and someone who does what ``correlate`` does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from time import time
from typing import Any, Final

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from typer.testing import CliRunner, Result

from deploy.baselines.operators import enrolment
from deploy.cli import app
from deploy.kafka import create_topics, publish, publish_all
from deploy.pipeline import apply_policies
from schemas.deadletter import encode_deadletter
from schemas.errors import Invalid
from schemas.keys import create_key, public_key_of
from schemas.policyset import Document, PolicySet, parse_policies
from schemas.settings import KafkaSettings, Settings
from schemas.topics import partition_of
from streams.correlate.restore import letter_of
from streams.correlate.types import Record
from streams.correlate.whole import WholeShard
from streams.judge.memo import principal_of_row
from tests.deploy.baselines.lab import policies

__all__ = ["Estate", "estate_of"]

PARTITIONS: Final = 2
QUIET: Final[dict[str, str | int | bool]] = {"log_level": 2}


@dataclass(slots=True)
class Estate:
    """Topics, shards of ``correlate`` beside them, and the command line of a person who is enrolled."""

    kafka: KafkaSettings
    policies: PolicySet
    shards: list[WholeShard] = field(init=False)
    sent: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.shards = [WholeShard(number, self.policies) for number in range(PARTITIONS)]

    # What judges and correlate do

    def see(self, rows: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Write rows as judges do, and let the shards have them."""
        producer = Producer(self.kafka.client_configuration())
        for key, value in rows:
            number = partition_of(principal_of_row(key), PARTITIONS)
            producer.produce(self.kafka.topic("activities"), key=key, value=value, partition=number)
            self.shards[number].take_row(key, value, self.sent[number], round(time() * 1000))
            self.sent[number] += 1
        assert producer.flush(30) == 0
        for shard in self.shards:
            self._write(shard.tick(round(time() * 1000) + 5_000))

    @contextmanager
    def correlating(self) -> Iterator[None]:
        """Carry decisions out meanwhile."""
        stop = Flag()
        thread = Thread(target=self._carry_out, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _carry_out(self, stop: Flag) -> None:
        consumer = Consumer(
            self.kafka.client_configuration() | {"group.id": "shards", "isolation.level": "read_committed"}
        )
        consumer.assign([TopicPartition(self.kafka.topic("control"), number, 0) for number in range(PARTITIONS)])
        while not stop.is_set():
            for message in consumer.consume(100, timeout=0.05):
                assert message.error() is None
                place = (message.partition() or 0, message.offset() or 0)
                self._decide(place, message.key() or b"", message.value() or b"", message.timestamp()[1])
        consumer.close()

    def _decide(self, place: tuple[int, int], key: bytes, value: bytes, appended_ms: int) -> None:
        try:
            self._write(self.shards[place[0]].take_decision(key, value, place[1], appended_ms))
        except Invalid as error:
            letter = letter_of("shards", f"{self.kafka.topic('control')}/{place[0]}/{place[1]}", error, value)
            publish(self.kafka, "deadletters", letter.stage, encode_deadletter(letter))

    def _write(self, records: list[Record]) -> None:
        for topic in sorted({topic for topic, _, _ in records}):
            written = [(key.decode(), value) for name, key, value in records if name == topic]
            publish_all(self.kafka, topic, written)

    # What a person does

    def run(self, *arguments: str, about: str = "baseline") -> Result:
        return CliRunner().invoke(app, [about, *arguments])

    def ask(self, *arguments: str, about: str = "baseline") -> Any:
        """Return what a command prints as JSON."""
        command, *rest = arguments
        result = self.run(command, "--json", *rest, about=about)
        return [json.loads(line) for line in result.stdout.splitlines()]


def estate_of(kafka: str, prefix: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Estate:
    """Return an estate with topics of its own; commands run in ``directory`` find its settings in variables."""
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=f"{prefix}.", partitions=PARTITIONS, client=QUIET)
    create_topics(settings)
    person = enrolment("alice", public_key_of(create_key(directory / "alice.key")))
    shop = next(one for one in policies().documents if one.path == "shop.yaml")
    found = parse_policies([shop, Document("people.yaml", person)], policies().as_of)
    apply_policies(Settings(kafka=settings), found)
    monkeypatch.chdir(directory)
    for name, value in {
        "KAFKA__BOOTSTRAP_SERVERS": kafka,
        "KAFKA__TOPIC_PREFIX": f"{prefix}.",
        "KAFKA__PARTITIONS": str(PARTITIONS),
        "KAFKA__CLIENT": json.dumps(QUIET),
        "OPERATOR__NAME": "alice",
        "OPERATOR__KEY_FILE": str(directory / "alice.key"),
    }.items():
        monkeypatch.setenv(f"TIDEWAITER_{name}", value)
    return Estate(settings, found)
