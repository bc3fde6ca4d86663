"""The only module of ``deploy`` that makes Kafka clients: topics, the policy set in force, and counts for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from schemas.errors import ConfigurationError
from schemas.settings import KafkaSettings
from schemas.topics import TOPICS, Name, Topic

__all__ = ["count_records", "create_topics", "delete_records", "delete_topics", "publish", "read_all"]

_TIMEOUT_SECONDS: Final = 30.0


def create_topics(settings: KafkaSettings) -> list[str]:
    """Create what is missing of the table's topics and return the names; raise ``ConfigurationError`` where one has another shape.

    The partition count of ``events`` never changes: hashing entities to partitions depends on it.
    """
    admin = AdminClient(settings.client_configuration())
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
    admin = AdminClient(settings.client_configuration())
    for future in admin.delete_topics([settings.topic(topic.name) for topic in TOPICS.values()]).values():
        future.result(_TIMEOUT_SECONDS)


def delete_records(settings: KafkaSettings, names: Iterable[Name]) -> None:
    """Delete everything that topics hold now; the topics and their offsets stay."""
    admin = AdminClient(settings.client_configuration())
    places = [
        TopicPartition(settings.topic(name), number, OFFSET_END)
        for name in names
        for number in admin.list_topics(settings.topic(name), timeout=_TIMEOUT_SECONDS)
        .topics[settings.topic(name)]
        .partitions
    ]
    for future in admin.delete_records(places).values():
        future.result(_TIMEOUT_SECONDS)


def publish(settings: KafkaSettings, topic: Name, key: str, value: bytes) -> None:
    """Write one record and wait until the broker has it; raise ``KafkaException`` otherwise."""
    failures: list[KafkaError] = []
    producer = Producer(settings.client_configuration() | {"enable.idempotence": True})
    producer.produce(
        settings.topic(topic),
        key=key,
        value=value,
        on_delivery=lambda error, _: failures.append(error) if error else None,
    )
    if producer.flush(_TIMEOUT_SECONDS) or failures:
        raise KafkaException(failures[0] if failures else KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - librdkafka's own code


def read_all(settings: KafkaSettings, topic: Name) -> dict[tuple[int, bytes | None], bytes | None]:
    """Return the latest committed value of every key of a topic, by partition and key, as of now."""
    return {(number, key): value for number, key, value in _records(settings, topic)}


def count_records(settings: KafkaSettings, topic: Name) -> Counter[str]:
    """Return how many committed records a topic holds now, by key."""
    counts: Counter[str] = Counter()
    for _, key, _ in _records(settings, topic):
        counts[(key or b"").decode(errors="replace")] += 1
    return counts


def _records(settings: KafkaSettings, topic: Name) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Yield partition, key and value of the committed records that a topic holds now."""
    consumer = Consumer(
        settings.client_configuration()
        | {
            "group.id": "tidewaiter-reader",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 50,
        }
    )
    try:
        name = settings.topic(topic)
        yield from _until_ends(
            consumer, name, set(consumer.list_topics(name, timeout=_TIMEOUT_SECONDS).topics[name].partitions)
        )
    finally:
        consumer.close()


def _until_ends(consumer: Consumer, topic: str, unread: set[int]) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Yield until the end of every partition was seen once; librdkafka tells each end as an error of its own code."""
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in unread])
    while unread:
        for message in consumer.consume(10_000, timeout=0.1):
            error, number = message.error(), message.partition()
            if error is None and number is not None:
                yield number, message.key(), message.value()
            elif error is not None and error.code() == KafkaError._PARTITION_EOF and number is not None:  # noqa: SLF001 - as above
                unread.discard(number)
            else:
                raise KafkaException(error)
