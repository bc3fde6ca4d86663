"""The only module of ``producers`` that makes Kafka clients: a collector's ledger on a real broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NoReturn, TypeVar

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)

from producers.ledger import Message
from schemas.errors import ConfigurationError, DeliveryError, TidewaiterError
from schemas.settings import KafkaSettings

__all__ = ["KafkaLedger"]

_TRANSACTION_TIMEOUT_MS: Final = 10_000
_CONNECT_SECONDS: Final = 30.0
_COMMIT_SECONDS: Final = 30.0
_READ_SECONDS: Final = 120.0
"""Longer than any transaction of another collector can stay open and hold back committed readers."""

_FIRST_WINDOW: Final = 1_000
_WINDOW_GROWTH: Final = 16
_QUEUE_FULL_SECONDS: Final = 0.1
_AGAIN_SECONDS: Final = 0.2

_Answer = TypeVar("_Answer")

_TAKEN_OVER: Final = frozenset(
    {KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}  # noqa: SLF001 - librdkafka's own codes have this name
)

_PASSING: Final = frozenset({KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE})
"""What a topic that was made a moment ago says."""


class KafkaLedger:
    """A ledger in Kafka; its ``transactional.id`` belongs to the collector's id, so a second copy shuts out the first.

    Exactly once for committed readers. What librdkafka retries is not seen here; a broker that is away for longer than the
    transaction timeout ends the collector, and its next start goes on from the last commit.
    """

    def __init__(self, settings: KafkaSettings, collector_id: str) -> None:
        self.partitions = settings.partitions
        self._settings = settings
        self._collector_id = collector_id
        self._producer: Producer | None = None

    def open(self) -> bytes | None:
        """Shut out earlier copies, check the topics, and read what was committed last, in this order."""
        try:
            self._producer = self._connected()
            self._check_topics(self._producer)
            return self._last_value(self._collector_id.encode())
        except KafkaException as error:
            raise ConfigurationError(
                f"collector {self._collector_id} cannot use Kafka at {self._settings.bootstrap_servers}: "
                f"{error.args[0].str()}; is it running (tidewaiter up), and are kafka.* settings right?"
            ) from error

    def commit(self, messages: Sequence[Message]) -> None:
        """Write all messages in one transaction, which is open only as long as this takes."""
        producer = self._opened()
        try:
            producer.begin_transaction()
            for message in messages:
                self._produce(producer, message)
            self._commit(producer)
        except KafkaException as error:
            self._give_up(producer, error)

    def close(self) -> None:
        """Forget the client and what it has not sent; a transaction that is still open is aborted by the next copy."""
        if self._producer is not None:
            self._producer.purge()
            self._producer.flush()
            self._producer = None

    def _opened(self) -> Producer:
        if self._producer is None:
            raise RuntimeError("the ledger is not open")
        return self._producer

    def _connected(self) -> Producer:
        producer = Producer(
            self._settings.client_configuration()
            | {
                "client.id": self._collector_id,
                "transactional.id": self._settings.topic_prefix + f"collector-{self._collector_id}",
                "transaction.timeout.ms": _TRANSACTION_TIMEOUT_MS,
                "compression.type": "lz4",
                "linger.ms": 20,
                "batch.size": 1024 * 1024,
                "message.max.bytes": 1_000_000,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        _patiently(lambda: producer.init_transactions(_CONNECT_SECONDS))
        return producer

    def _check_topics(self, producer: Producer) -> None:
        known = producer.list_topics(timeout=_CONNECT_SECONDS).topics
        missing = [name for name in _topics_of(self._settings) if name not in known]
        if missing:
            raise ConfigurationError(
                f"Kafka at {self._settings.bootstrap_servers} has no topic {', '.join(missing)}; "
                "run `tidewaiter up`, or check kafka.topic_prefix"
            )
        found = len(known[self._settings.topic("events")].partitions)
        if found != self.partitions:
            raise ConfigurationError(
                f"topic {self._settings.topic('events')} has {found} partitions but kafka.partitions is {self.partitions}; "
                f"set it to {found}: the number never changes for a generation of topics"
            )

    def _produce(self, producer: Producer, message: Message) -> None:
        topic = self._settings.topic(message.topic)
        while True:
            try:
                producer.produce(topic, message.value, message.key, message.partition, headers=message.headers)
            except BufferError:
                producer.poll(_QUEUE_FULL_SECONDS)
            else:
                return

    def _commit(self, producer: Producer) -> None:
        while True:
            try:
                producer.commit_transaction(_COMMIT_SECONDS)
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise
            else:
                return

    def _give_up(self, producer: Producer, error: KafkaException) -> NoReturn:
        reason: KafkaError = error.args[0]
        if reason.code() in _TAKEN_OVER or (reason.fatal() and "fenced" in reason.str().lower()):
            raise DeliveryError(
                f"another copy of collector {self._collector_id} has taken over (or Kafka was away for longer than "
                f"{_TRANSACTION_TIMEOUT_MS // 1000} s); this one ends. Run one copy, or give each its own id"
            ) from error
        if reason.txn_requires_abort():
            with suppress(KafkaException):  # the next copy aborts it, or its timeout
                producer.abort_transaction(_COMMIT_SECONDS)
        raise TidewaiterError(
            f"Kafka has not taken a batch of collector {self._collector_id}: {reason.str()}; nothing of it is written. "
            "Start the collector again: it goes on from its last commit"
        ) from error

    def _last_value(self, key: bytes) -> bytes | None:
        """Return the last committed value of a key of ``collectors``, looked for backwards in growing windows.

        The end must be the real end of the log: the end that committed readers see can lie before our own last record while
        another collector has a transaction open.
        """
        place = TopicPartition(self._settings.topic("collectors"), 0)
        first, end = self._bounds(place)
        window = _FIRST_WINDOW
        while True:
            start = max(first, end - window)
            value = self._scan(TopicPartition(place.topic, 0, start), end, key)
            if value is not None or start == first:
                return value
            window *= _WINDOW_GROWTH

    def _bounds(self, place: TopicPartition) -> tuple[int, int]:
        consumer = self._reader("read_uncommitted")
        try:
            return _patiently(lambda: consumer.get_watermark_offsets(place, _CONNECT_SECONDS))
        finally:
            consumer.close()

    def _scan(self, start: TopicPartition, end: int, key: bytes) -> bytes | None:
        consumer = self._reader("read_committed")
        try:
            consumer.assign([start])
            return _last_of(consumer, start.offset, end, key)
        finally:
            consumer.close()

    def _reader(self, isolation_level: str) -> Consumer:
        return Consumer(
            self._settings.client_configuration()
            | {
                "group.id": f"{self._settings.topic_prefix}collector-{self._collector_id}",
                "client.id": self._collector_id,
                "isolation.level": isolation_level,
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 50,
            }
        )


def _patiently(call: Callable[[], _Answer]) -> _Answer:
    """Return the answer of a call that fails for a moment while a broker starts or a topic gets its leader."""
    give_up = time.monotonic() + _CONNECT_SECONDS
    while True:
        try:
            return call()
        except KafkaException as error:
            passing = error.args[0].retriable() or error.args[0].code() in _PASSING
            if not passing or time.monotonic() > give_up:
                raise
        time.sleep(_AGAIN_SECONDS)


def _topics_of(settings: KafkaSettings) -> tuple[str, ...]:
    return settings.topic("events"), settings.topic("collectors"), settings.topic("deadletters")


def _last_of(consumer: Consumer, start: int, end: int, key: bytes) -> bytes | None:
    value, reached = None, start
    give_up = time.monotonic() + _READ_SECONDS
    while reached < end:
        if time.monotonic() > give_up:
            raise ConfigurationError(
                f"the topic of collectors cannot be read to its end ({reached} of {end}): a transaction stays open; "
                "find its collector, or wait until its timeout"
            )
        for message in consumer.consume(10_000, 0.5):
            reached, error = message.offset() or reached, message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's name
                raise KafkaException(error)
            if error is None:
                reached += 1
                value = message.value() if message.key() == key else value
    return value
