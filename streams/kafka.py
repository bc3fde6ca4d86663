"""The only module of ``streams`` that makes Kafka clients."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Final, Protocol, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from schemas.settings import KafkaSettings

__all__ = [
    "TRANSACTION_TIMEOUT_SECONDS",
    "Consumed",
    "consume",
    "group_consumer",
    "is_fenced",
    "reader",
    "transactional_producer",
    "uncommitted_reader",
    "watermarks",
]

TRANSACTION_TIMEOUT_SECONDS: Final = 10
"""A dead judge's open transaction blocks every committed reader of its partitions this long."""

_ANSWER_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.2

_FETCH: Final = {
    "fetch.max.bytes": 64 * 1024 * 1024,
    "max.partition.fetch.bytes": 8 * 1024 * 1024,
    "queued.max.messages.kbytes": 256 * 1024,
    "fetch.wait.max.ms": 50,
    "fetch.queue.backoff.ms": 5,
}
_PRODUCE: Final = {
    "linger.ms": 20,
    "compression.type": "lz4",
    "batch.size": 1024 * 1024,
    "batch.num.messages": 10_000,
    "queue.buffering.max.messages": 1_000_000,
    "queue.buffering.max.kbytes": 1024 * 1024,
}
_GROUP: Final = {"session.timeout.ms": 10_000, "heartbeat.interval.ms": 2_000, "max.poll.interval.ms": 300_000}
_EXACT: Final = {"isolation.level": "read_committed", "enable.auto.commit": False, "auto.offset.reset": "error"}
"""What counts are exact by; ``kafka.client`` may tune the rest, not these."""


class Consumed(Protocol):
    """A message as ``consume`` gives it: unless it is an error, it has a place and a time; a key and a value if its sender gave them."""

    def error(self) -> KafkaError | None: ...
    def topic(self) -> str: ...
    def partition(self) -> int: ...
    def offset(self) -> int: ...
    def timestamp(self) -> tuple[int, int]: ...
    def key(self) -> bytes: ...
    def value(self) -> bytes: ...


def consume(consumer: Consumer, limit: int, seconds: float) -> list[Consumed]:
    """Return up to ``limit`` messages, after ``seconds`` those that have come; some may be errors of the consumer."""
    return cast("list[Consumed]", consumer.consume(limit, timeout=seconds))


def group_consumer(settings: KafkaSettings, group: str, client_id: str) -> Consumer:
    """Return a consumer of committed records that is a member of ``group`` and commits nothing by itself.

    The eager range assignor gives every rebalance one assign callback, on which group metadata is taken.
    """
    return Consumer(
        _FETCH
        | _GROUP
        | settings.client_configuration()
        | _EXACT
        | {"group.id": group, "client.id": client_id, "partition.assignment.strategy": "range"}
    )


def reader(settings: KafkaSettings, client_id: str) -> Consumer:
    """Return a consumer of committed records that is assigned by hand and never commits."""
    names = {"group.id": client_id, "client.id": client_id}
    return Consumer(_FETCH | settings.client_configuration() | _EXACT | names)


def uncommitted_reader(settings: KafkaSettings, client_id: str) -> Consumer:
    """Return a consumer whose ends of partitions lie behind open transactions, too."""
    names = {"group.id": client_id, "client.id": client_id, "isolation.level": "read_uncommitted"}
    return Consumer(_FETCH | settings.client_configuration() | _EXACT | names)


def watermarks(consumer: Consumer, place: TopicPartition) -> tuple[int, int]:
    """Return where a partition begins and ends; ask until a broker knows that it leads it, which was perhaps made a moment ago."""
    deadline = monotonic() + _ANSWER_SECONDS
    while True:
        try:
            return consumer.get_watermark_offsets(place, timeout=_ANSWER_SECONDS, cached=False)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION or monotonic() > deadline:
                raise
        sleep(_LOOK_SECONDS)


def transactional_producer(settings: KafkaSettings, transactional_id: str) -> Producer:
    """Return a producer that fences every earlier one of the same id once its transactions are initialised."""
    exact = {"transactional.id": transactional_id, "transaction.timeout.ms": TRANSACTION_TIMEOUT_SECONDS * 1000}
    return Producer(_PRODUCE | settings.client_configuration() | exact)


def is_fenced(error: KafkaException) -> bool:
    """Return whether a transaction failed because a later producer of its id has taken over, or the broker ended it for its age."""
    cause = error.args[0]
    return isinstance(cause, KafkaError) and cause.code() == KafkaError._FENCED  # noqa: SLF001 - librdkafka's own codes begin so
