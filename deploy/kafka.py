"""The only module of ``deploy`` that makes Kafka clients: topics, what people put in force, and what they ask for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from schemas.errors import ConfigurationError
from schemas.settings import KafkaSettings
from schemas.topics import TOPICS, Name, Topic, partition_of
from streams.kafka import watermarks

__all__ = [
    "Follower",
    "Place",
    "count_records",
    "create_topics",
    "delete_records",
    "delete_topics",
    "following",
    "generations_of",
    "partitions_of",
    "publish",
    "publish_all",
    "read_all",
    "read_partition",
    "read_since",
]

_TIMEOUT_SECONDS: Final = 30.0
_ANSWER_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.2
_REASON_SECONDS: Final = 2.0
_SILENCE: Final = 0
"""Syslog's severity that nothing has: librdkafka would print each of its attempts to connect."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies; ``str`` of it is how dead letters name it."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


def _configuration(settings: KafkaSettings) -> dict[str, Any]:
    """Return the settings of a client that lives for one question: what it cannot do is an exception, and need not be printed too."""
    return settings.client_configuration() | {"log_level": settings.client.get("log_level", _SILENCE)}


def create_topics(settings: KafkaSettings) -> list[str]:
    """Create what is missing of the table's topics and return the names; raise ``ConfigurationError`` where one has another shape.

    The partition count of ``events`` never changes: hashing entities to partitions depends on it.
    """
    admin = AdminClient(_configuration(settings))
    existing = admin.list_topics(timeout=_TIMEOUT_SECONDS).topics
    missing = []
    for topic in TOPICS.values():
        name = settings.topic(topic.name)
        if name not in existing:
            missing.append(_new_topic(settings, topic))
        elif len(existing[name].partitions) != (topic.partitions or settings.partitions):
            raise ConfigurationError(
                f"topic {name} has {len(existing[name].partitions)} partitions, not {topic.partitions or settings.partitions}: set "
                "kafka.partitions to what it has, or kafka.topic_prefix to begin a new generation of topics"
            )
    if missing:
        _create(admin, missing)
    return [topic.topic for topic in missing]


def _new_topic(settings: KafkaSettings, topic: Topic) -> NewTopic:
    return NewTopic(
        settings.topic(topic.name),
        num_partitions=topic.partitions or settings.partitions,
        replication_factor=settings.replication_factor,
        config=topic.configuration(),
    )


def _create(admin: AdminClient, topics: list[NewTopic]) -> None:
    for future in admin.create_topics(topics).values():
        try:
            future.result(_TIMEOUT_SECONDS)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise


def delete_topics(settings: KafkaSettings) -> None:
    """Delete the topics of the table, with all they hold."""
    admin = AdminClient(_configuration(settings))
    for future in admin.delete_topics([settings.topic(topic.name) for topic in TOPICS.values()]).values():
        future.result(_TIMEOUT_SECONDS)


def delete_records(settings: KafkaSettings, names: Iterable[Name]) -> None:
    """Delete everything that topics hold now; the topics and their offsets stay."""
    admin = AdminClient(_configuration(settings))
    places = [
        TopicPartition(settings.topic(name), number, OFFSET_END)
        for name in names
        for number in admin.list_topics(settings.topic(name), timeout=_TIMEOUT_SECONDS)
        .topics[settings.topic(name)]
        .partitions
    ]
    for future in admin.delete_records(places).values():
        future.result(_TIMEOUT_SECONDS)


def publish(settings: KafkaSettings, topic: Name, key: str, value: bytes) -> Place:
    """Write one record, as ``publish_all`` does, and return where it lies."""
    return publish_all(settings, topic, [(key, value)])[0]


def publish_all(settings: KafkaSettings, topic: Name, records: Sequence[tuple[str, bytes]]) -> list[Place]:
    """Write records, each into the partition of its key, wait until the broker has all, and return where they lie.

    Raises ``KafkaException`` where it does not take one, and ``ConfigurationError`` where there is no such topic or one is too large.
    Some may be written then.
    """
    limit = max(topic.max_message_bytes or 0 for topic in TOPICS.values())
    configuration = {"message.max.bytes": limit} | _configuration(settings) | {"enable.idempotence": True}
    producer = Producer(configuration)
    sent = [_Sent(key, value) for key, value in records]
    partitions = _partition_count(producer, settings, topic)
    for one in sent:
        one.produce(producer, settings.topic(topic), partition_of(one.key.encode(), partitions))
    producer.flush(_TIMEOUT_SECONDS)
    return [one.place for one in sent]


class _Sent:
    """A record that is being written."""

    def __init__(self, key: str, value: bytes) -> None:
        self.key = key
        self._value = value
        self._error: KafkaError | None = KafkaError(KafkaError._TIMED_OUT)  # noqa: SLF001 - librdkafka's own code
        self._message: Message | None = None

    def produce(self, producer: Producer, topic: str, partition: int) -> None:
        try:
            producer.produce(topic, key=self.key, value=self._value, partition=partition, on_delivery=self._delivered)
        except KafkaException as error:
            raise self._failure(error.args[0]) from error
        producer.poll(0)

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        self._error, self._message = error, message

    @property
    def place(self) -> Place:
        """Return where the record lies; raise what kept it from being written."""
        if self._error is not None or self._message is None:
            raise self._failure(self._error)
        message = self._message
        return Place(message.topic() or "", cast("int", message.partition()), cast("int", message.offset()))

    def _failure(self, error: KafkaError | None) -> Exception:
        if error is None or error.code() != KafkaError.MSG_SIZE_TOO_LARGE:
            return KafkaException(error)
        return ConfigurationError(
            f"the record of {self.key} has {len(self._value)} bytes, more than Kafka takes: raise message.max.bytes in kafka.client, "
            "and max.message.bytes of the topic"
        )


def partitions_of(settings: KafkaSettings, topic: Name) -> int:
    """Return how many partitions a topic has; raise ``ConfigurationError`` where Kafka does not answer or has no such topic."""
    return _partition_count(AdminClient(_configuration(settings)), settings, topic)


def generations_of(settings: KafkaSettings, topics: Iterable[Name]) -> dict[Name, tuple[str, int]]:
    """Return of each topic its id, which another of the same name does not have, and how many partitions it has.

    Raises ``ConfigurationError`` where Kafka does not answer or has no such topic.
    """
    admin, found = AdminClient(_configuration(settings)), {}
    for topic in topics:
        _partition_count(admin, settings, topic, known=True)
        name = settings.topic(topic)
        described = admin.describe_topics(TopicCollection([name]), request_timeout=_TIMEOUT_SECONDS)[name].result()
        found[topic] = str(described.topic_id), len(described.partitions)
    return found


def _partition_count(
    client: Producer | Consumer | AdminClient, settings: KafkaSettings, topic: Name, *, known: bool = False
) -> int:
    """Ask until the topic is there: a broker may not know yet what was created a moment ago.

    What the table of topics says is not asked for, unless it must be ``known`` that the topic is there.
    """
    fixed, name, deadline = TOPICS[topic].partitions, settings.topic(topic), time.monotonic() + _ANSWER_SECONDS
    if fixed is not None and not known:
        return fixed
    while not (found := _metadata(client, settings, name)):
        if time.monotonic() > deadline:
            raise ConfigurationError(
                f"there is no topic {name} on {settings.bootstrap_servers}: `tidewaiter up` creates the topics; "
                "or set kafka.topic_prefix to what they begin with"
            )
        time.sleep(_LOOK_SECONDS)
    return found


def _metadata(client: Producer | Consumer | AdminClient, settings: KafkaSettings, name: str) -> int:
    try:
        return len(client.list_topics(name, timeout=_ANSWER_SECONDS).topics[name].partitions)
    except KafkaException as error:
        raise ConfigurationError(
            f"Kafka does not answer at {settings.bootstrap_servers} ({_reason(settings, error)}): `tidewaiter up` starts one here; "
            "or set kafka.bootstrap_servers to where it is"
        ) from error


def _reason(settings: KafkaSettings, error: KafkaException) -> str:
    """Return why there is no answer, as another client is told; the error that a caller gets says only that there is none."""
    said: list[KafkaError] = []
    AdminClient(_configuration(settings) | {"error_cb": said.append}).poll(_REASON_SECONDS)
    return (said[0] if said else error.args[0]).str()


def read_all(settings: KafkaSettings, topic: Name) -> dict[tuple[int, bytes | None], bytes | None]:
    """Return the latest committed value of every key of a topic, by partition and key, as of now."""
    return {(number, key): value for number, key, value in _records(settings, topic)}


def count_records(settings: KafkaSettings, topic: Name) -> Counter[str]:
    """Return how many committed records a topic holds now, by key."""
    counts: Counter[str] = Counter()
    for _, key, _ in _records(settings, topic):
        counts[(key or b"").decode(errors="replace")] += 1
    return counts


def read_partition(settings: KafkaSettings, topic: Name, partition: int) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield key and value of every committed record that one partition holds now, in the order of the log; None is a tombstone."""
    with _reader(settings) as consumer:
        _partition_count(consumer, settings, topic)  # a client that knows the leader need not wait for its next look
        for _, key, value in _until_ends(consumer, settings.topic(topic), {partition}):
            yield key or b"", value


def read_since(settings: KafkaSettings, topic: Name, since_ms: int) -> Iterator[tuple[Place, bytes | None]]:
    """Yield place and value of every committed record that a topic holds now and was appended since; partition by partition.

    Records of one partition come in the order of the log.
    """
    with _reader(settings) as consumer:
        name, count = settings.topic(topic), _partition_count(consumer, settings, topic)
        for number in range(count):
            asked = TopicPartition(name, number, since_ms)
            (start,) = consumer.offsets_for_times([asked], timeout=_TIMEOUT_SECONDS)
            for message in _messages_until_ends(consumer, [start]):
                yield Place(name, number, cast("int", message.offset())), message.value()


class Follower:
    """Reads what is committed to topics from the moment on in which it was made."""

    def __init__(self, consumer: Consumer, settings: KafkaSettings, topics: Iterable[Name]) -> None:
        self._consumer = consumer
        self._names = {settings.topic(topic): topic for topic in topics}
        consumer.assign(
            [
                TopicPartition(name, number, watermarks(consumer, TopicPartition(name, number))[1])
                for name, topic in self._names.items()
                for number in range(_partition_count(consumer, settings, topic))
            ]
        )

    def poll(self, seconds: float) -> Iterator[tuple[Name, bytes, bytes | None]]:
        """Yield topic, key and value of what has come, after at most ``seconds``."""
        for message in self._consumer.consume(1_000, timeout=seconds):
            error = message.error()
            if error is None:
                yield self._names[message.topic() or ""], message.key() or b"", message.value()
            elif error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own code
                raise KafkaException(error)


@contextmanager
def following(settings: KafkaSettings, topics: Iterable[Name]) -> Iterator[Follower]:
    """Follow topics while the context lasts."""
    with _reader(settings) as consumer:
        yield Follower(consumer, settings, topics)


def _records(settings: KafkaSettings, topic: Name) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Yield partition, key and value of the committed records that a topic holds now."""
    with _reader(settings) as consumer:
        name = settings.topic(topic)
        yield from _until_ends(consumer, name, set(range(_metadata(consumer, settings, name))))


@contextmanager
def _reader(settings: KafkaSettings) -> Iterator[Consumer]:
    consumer = Consumer(
        _configuration(settings)
        | {
            "group.id": "tidewaiter-reader",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 50,
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()


def _until_ends(consumer: Consumer, topic: str, unread: set[int]) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Yield until the end of every partition was seen once; librdkafka tells each end as an error of its own code."""
    places = [TopicPartition(topic, number, OFFSET_BEGINNING) for number in sorted(unread)]
    for message in _messages_until_ends(consumer, places):
        yield cast("int", message.partition()), message.key(), message.value()


def _messages_until_ends(consumer: Consumer, places: list[TopicPartition]) -> Iterator[Message]:
    """Yield what stands from these places on, until the end of every partition was seen once."""
    consumer.assign(places)
    unread = {place.partition for place in places}
    while unread:
        for message in consumer.consume(10_000, timeout=0.1):
            error, number = message.error(), message.partition()
            if error is None:
                yield message
            elif error is not None and error.code() == KafkaError._PARTITION_EOF and number is not None:  # noqa: SLF001 - as above
                unread.discard(number)
            else:
                raise KafkaException(error)
