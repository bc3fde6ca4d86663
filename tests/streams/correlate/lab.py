"""Workers on a real Kafka with shards that record what they are given."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from time import monotonic, sleep
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from deploy.kafka import create_topics, publish, read_all
from schemas.codec import dumps
from schemas.deadletter import DeadLetter, decode_deadletter
from schemas.errors import Invalid
from schemas.policyset import PolicySet
from schemas.settings import CorrelateSettings, KafkaSettings, Settings
from schemas.topics import Name, partition_of
from streams.correlate.run import run
from streams.correlate.types import Record, Shard
from streams.rules.ruleset import RuleSet

ROOT: Final = Path(__file__).parents[3]
PATIENCE_SECONDS: Final = 120.0
QUICK: Final[dict[str, str | int | bool]] = {"log_level": 2}

BAD: Final = b"bad"
"""A value that a stand-in cannot read."""

BROKEN: Final = b"broken"
"""A value that breaks a stand-in."""


class StandIn:
    """A shard that records what it is given, publishes a digest of it on a tick, and answers a decision once."""

    def __init__(self, partition: int, policies: PolicySet) -> None:
        self.partition = partition
        self.policies = [policies.hash]
        self.rows: dict[bytes, bytes | None] = {}
        self.decisions: dict[int, tuple[bytes, bytes]] = {}
        self.heeded: dict[bytes, int] = {}
        self.shared: dict[bytes, bytes] = {}
        self.hits: list[bytes | None] = []
        self.findings: list[bytes] = []
        self.alerts: list[bytes] = []
        self.rules: list[str] = []
        self.times: list[int] = []
        self.ticks: list[int] = []
        self._published = b""

    def adopt(self, policies: PolicySet) -> None:
        self.policies.append(policies.hash)

    def take_profile(self, key: bytes, value: bytes | None) -> None:
        if value == BAD:
            raise Invalid("a bad profile")
        if key.startswith(b"principal") and value is not None:
            self.heeded[key] = int(value)

    def take_shared(self, key: bytes, value: bytes | None) -> None:
        if value == BAD:
            raise Invalid("a bad record of shared facts")
        if value is not None:
            self.shared[key] = value

    def adopt_rules(self, rules: RuleSet) -> None:
        self.rules.append(rules.hash)

    def take_alert(self, value: bytes | None) -> None:
        if value == BAD:
            raise Invalid("a bad alert")
        if value is not None:
            self.alerts.append(value)

    def take_finding(self, value: bytes) -> None:
        self.findings.append(value)

    def take_hit(self, value: bytes | None, appended_ms: int) -> None:
        if value == BAD:
            raise Invalid("a bad hit")
        self.times.append(appended_ms)
        self.hits.append(value)

    def dropped(self) -> Counter[str]:
        return Counter()

    def take_row(self, key: bytes, value: bytes | None, offset: int, appended_ms: int) -> None:
        assert offset >= 0
        if value == BAD:
            raise Invalid("a bad row")
        if value == BROKEN:
            raise ZeroDivisionError("a row that breaks a shard")
        self.rows[key] = value
        self.times.append(appended_ms)

    def take_decision(self, key: bytes, value: bytes, offset: int, appended_ms: int) -> list[Record]:
        if value == BAD:
            raise Invalid("a bad decision")
        if value == BROKEN:
            raise ZeroDivisionError("a decision that breaks a shard")
        self.times.append(appended_ms)
        self.decisions[offset] = (key, value)
        if offset <= self.heeded.get(key, -1):
            return []
        self.heeded[key] = offset
        return [("baselines", key, b"%d" % offset)]

    def tick(self, now_ms: int) -> list[Record]:
        self.ticks.append(now_ms)
        if self.digest == self._published:
            return []
        self._published = self.digest
        return [("baselines", b"digest", self._published)]

    @property
    def digest(self) -> bytes:
        """Return what all that was given comes to, in whichever order and however often it came."""
        found = sorted(self.rows.items()), sorted(self.decisions.values()), sorted(self.heeded.items())
        return blake2b(repr(found).encode()).hexdigest().encode()


class Loud(StandIn):
    """A stand-in that publishes its digest with every tick, whether it has changed or not."""

    def tick(self, now_ms: int) -> list[Record]:
        self.ticks.append(now_ms)
        return [("baselines", b"digest", self.digest)]


def _typed(stand_in: StandIn) -> Shard:
    """Say to mypy that a stand-in is a shard."""
    return stand_in


@dataclass(slots=True)
class Lab:
    """One test's topics, and what was sent into them."""

    settings: Settings
    rows: dict[int, dict[bytes, bytes | None]] = field(default_factory=dict)
    sending: Producer = field(init=False)
    asking: Consumer = field(init=False)

    def __post_init__(self) -> None:
        client = self.kafka.client_configuration()
        self.sending = Producer(client | {"enable.idempotence": True, "linger.ms": 1})
        self.asking = Consumer(client | {"group.id": f"{self.kafka.topic_prefix}correlate"})

    @property
    def kafka(self) -> KafkaSettings:
        return self.settings.kafka

    @property
    def partitions(self) -> range:
        return range(self.kafka.partitions)

    def slot(self, slot: int) -> Settings:
        limits = self.settings.correlate.model_copy(update={"slot": slot})
        return self.settings.model_copy(update={"correlate": limits})

    # What is given

    def send_rows(self, rows: Iterable[tuple[bytes, bytes | None]], producer: Producer | None = None) -> None:
        """Write rows and wait until the broker has them; those of another producer are not counted as sent."""
        for key, value in rows:
            number = partition_of(key.partition(b"|")[0], self.kafka.partitions)
            if producer is None:
                self.rows.setdefault(number, {})[key] = value
            produce(producer or self.sending, self.kafka.topic("activities"), key, value, number)
        assert (producer or self.sending).flush(30) == 0

    def decide(self, principal: bytes, value: bytes | None) -> None:
        number = partition_of(principal, self.kafka.partitions)
        produce(self.sending, self.kafka.topic("control"), principal, value, number)
        assert self.sending.flush(30) == 0

    def publish(self, policies: PolicySet) -> None:
        publish(self.kafka, "policies", "policies", policies.manifest())

    # What came of it

    def baselines(self) -> dict[tuple[int, bytes | None], bytes | None]:
        return read_all(self.kafka, "baselines")

    def digests(self) -> dict[int, bytes]:
        """Return the digest that was published last for each partition."""
        return {number: value or b"" for (number, key), value in self.baselines().items() if key == b"digest"}

    def expected(self) -> dict[int, bytes]:
        """Return the digests of all that stands in the topics now."""
        shards = {number: StandIn(number, PolicySet.empty()) for number in self.partitions}
        for name in ("activities", "control"):
            for number, offset, key, value in self.records(name):
                if name == "activities":
                    shards[number].take_row(key, value, offset, 0)
                else:
                    shards[number].take_decision(key, value or b"", offset, 0)
        return {number: shard.digest for number, shard in shards.items()}

    def records(self, name: Name) -> list[tuple[int, int, bytes, bytes | None]]:
        """Return partition, offset, key and value of what a committed reader sees now."""
        consumer = Consumer(
            self.kafka.client_configuration() | {"group.id": "check", "isolation.level": "read_committed"}
        )
        try:
            return [one for number in self.partitions for one in _read(consumer, self.kafka.topic(name), number)]
        finally:
            consumer.close()

    def letters(self) -> list[DeadLetter]:
        consumer = Consumer(
            self.kafka.client_configuration() | {"group.id": "check", "isolation.level": "read_committed"}
        )
        try:
            return [
                decode_deadletter(value or b"") for *_, value in _read(consumer, self.kafka.topic("deadletters"), 0)
            ]
        finally:
            consumer.close()

    def _checking(self) -> Consumer:
        options = {"group.id": "check", "isolation.level": "read_committed", "fetch.wait.max.ms": 10}
        return Consumer(self.kafka.client_configuration() | options)

    def committed(self) -> list[int]:
        """Return the offsets that the group has committed; below 0 is none."""
        topics = [self.kafka.topic("activities"), self.kafka.topic("control")]
        places = [TopicPartition(topic, number) for topic in topics for number in self.partitions]
        return [place.offset for place in self.asking.committed(places, timeout=30)]

    # Workers

    def start(self, slot: int = 0, shard: type[StandIn] | None = StandIn) -> subprocess.Popen[bytes]:
        """Work in a process of its own, which can be killed; without a stand-in it is that of the command line."""
        limits = self.settings.correlate
        environment = os.environ | {
            "TIDEWAITER_KAFKA__BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "TIDEWAITER_KAFKA__TOPIC_PREFIX": self.kafka.topic_prefix,
            "TIDEWAITER_KAFKA__PARTITIONS": str(self.kafka.partitions),
            "TIDEWAITER_KAFKA__CLIENT": dumps(self.kafka.client).decode(),
            "TIDEWAITER_CORRELATE__SLOT": str(slot),
            "TIDEWAITER_CORRELATE__TICK_SECONDS": str(limits.tick_seconds),
            "TIDEWAITER_CORRELATE__SESSION_SECONDS": str(limits.session_seconds),
            "PYTHONWARNINGS": "error",
        }
        command = ["tests.streams.correlate.worker", shard.__name__] if shard else ["deploy.cli", "correlate"]
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    @contextmanager
    def running(self, slot: int = 0, make: Callable[[int, PolicySet], StandIn] = StandIn) -> Iterator[Running]:
        """Work in a thread; what ended the worker is raised, unless the test has dealt with it."""
        running = Running(self.slot(slot), make)
        running.thread.start()
        try:
            yield running
        finally:
            running.end()
        if running.error is not None:
            raise running.error


class Running:
    """A worker in a thread: the shards it has made, the last one of each partition, and how it ended."""

    def __init__(self, settings: Settings, make: Callable[[int, PolicySet], StandIn]) -> None:
        self.settings = settings
        self.stop = Flag()
        self.error: BaseException | None = None
        self.halted: list[int] = []
        self._made: list[StandIn] = []
        self._make = make
        self.thread = Thread(target=self._run)

    @property
    def made(self) -> list[StandIn]:
        """Return the shards so far; raise what has ended the worker, so that nobody waits for it."""
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        return self._made

    @property
    def shards(self) -> dict[int, StandIn]:
        return {shard.partition: shard for shard in self.made}

    @property
    def rows(self) -> int:
        return sum(len(shard.rows) for shard in self.shards.values())

    def make(self, partition: int, policies: PolicySet) -> Shard:
        self._made.append(self._make(partition, policies))
        return _typed(self._made[-1])

    def _run(self) -> None:
        try:
            run(self.settings, self.stop.is_set, self.make, halt=self.halted.append)
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            self.error = error

    def end(self) -> None:
        self.stop.set()
        self.thread.join(PATIENCE_SECONDS)
        assert not self.thread.is_alive()

    def failure(self) -> BaseException:
        """Wait for the worker to end by itself and return why it did."""
        self.thread.join(PATIENCE_SECONDS)
        assert not self.thread.is_alive()
        assert self.error is not None
        error, self.error = self.error, None
        return error


def lab_of(kafka: str, prefix: str, *, partitions: int = 2, **limits: Any) -> Lab:
    """Return a lab with topics of its own."""
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=f"{prefix}.", partitions=partitions, client=QUICK)
    create_topics(settings)
    correlate = CorrelateSettings(**{"tick_seconds": 0.1, "session_seconds": 6.0} | limits)
    lab = Lab(Settings(kafka=settings, correlate=correlate))
    wait_for(lambda: _has_leaders(lab))
    return lab


def all_taken(lab: Lab, *workers: Running) -> bool:
    """Return whether a shard of each partition holds all of it."""
    return all(
        any(shard.partition == number and shard.rows == lab.rows.get(number, {}) for shard in made_by(*workers))
        for number in lab.partitions
    )


def made_by(*workers: Running) -> list[StandIn]:
    return [shard for worker in workers for shard in worker.made]


def wait_for(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; fail when it does not within a patience that no healthy run needs."""
    deadline = monotonic() + PATIENCE_SECONDS
    while not condition():
        assert monotonic() < deadline, "it never came true"
        sleep(0.05)


def some_rows(count: int, start: int = 0, principals: int = 20) -> list[tuple[bytes, bytes | None]]:
    """Return rows of as many principals, each with a key of its own."""
    return [(b"principal-%d|%d" % (one % principals, one), b"row %d" % one) for one in range(start, start + count)]


def produce(producer: Producer, topic: str, key: bytes, value: bytes | None, partition: int) -> None:
    """Hand a record to a producer, waiting while its queue is full."""
    while True:
        try:
            producer.produce(topic, key=key, value=value, partition=partition)
        except BufferError:
            producer.poll(0.1)
        else:
            return


def _has_leaders(lab: Lab) -> bool:
    """Return whether brokers answer for the topics: just after these are made they may deny it."""
    consumer = Consumer(lab.kafka.client_configuration() | {"group.id": "check"})
    names: tuple[Name, ...] = (
        "policies",
        "baselines",
        "shared-facts",
        "alerts",
        "findings",
        "control",
        "activities",
        "rule-hits",
        "deadletters",
    )
    try:
        for topic in map(lab.kafka.topic, names):
            for number in consumer.list_topics(topic, timeout=30).topics[topic].partitions:
                consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
    except KafkaException:
        return False
    finally:
        consumer.close()
    return True


def _read(consumer: Consumer, topic: str, partition: int) -> list[tuple[int, int, bytes, bytes | None]]:
    place = TopicPartition(topic, partition)
    low, end = consumer.get_watermark_offsets(place, timeout=30)
    consumer.assign([TopicPartition(topic, partition, low)])
    records: list[tuple[int, int, bytes, bytes | None]] = []
    while low < end:
        for message in consumer.consume(10_000, timeout=0.02):
            assert message.error() is None
            records.append((partition, message.offset() or 0, message.key() or b"", message.value()))
        low = max(low, consumer.position([place])[0].offset)
    return records
