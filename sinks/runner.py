"""Brings the records of a topic to a sink: reads, batches, sends, and commits what is concluded without a hole.

The order is: the receiver has the records → Kafka has the dead letters → the offsets are committed. A crash in between
repeats records and never loses one; the committed mark (``sinks.mark``) says which ones to look up first.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from time import monotonic, sleep
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from schemas.errors import ConfigurationError, DeliveryError
from sinks.assignment import Assignment, UnderWay
from sinks.batch import Waiting
from sinks.brake import Brake
from sinks.conclude import Conclusion
from sinks.concurrency import AdaptiveLimit
from sinks.deadletters import DeadLetterLimit, DeadLetters
from sinks.ledger import PASSING, Ledger
from sinks.mark import Totals
from sinks.offsets import PartitionOffsets
from sinks.types import Record, Sink

__all__ = ["Pace", "Runner"]

_log = structlog.get_logger(__name__)

_READ_AT_ONCE: Final = 500
"""Records taken from the client at a time; what waits may be larger than a batch by these."""
_IDLE_SECONDS: Final = 0.2
_BUSY_SECONDS: Final = 0.01
_HOLD_SECONDS: Final = 0.05
_AGAIN_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Pace:
    """How often is committed, how much may be open, and how long a departure may take."""

    commit_seconds: float = 1.0
    requests_under_way: int = 8
    outstanding_records: int = 500_000
    pause_after_seconds: float = 1.0
    drain_seconds: float = 10.0


class Runner:
    """One member of a sink's consumer group; ``run`` is called once and owns the consumer.

    At least once: what is not committed is sent again after a crash or a rebalance. Exactly once where the sink honours
    ``Batch.maybe_sent``. Not covered: a process that was cut off from Kafka, yet lives on, may still send what it has read
    after its successor has looked the same records up.
    """

    def __init__(
        self,
        consumer: Consumer,
        dead_letters: DeadLetters,
        sink: Sink,
        topic: str,
        *,
        pace: Pace | None = None,
        limit: DeadLetterLimit | None = None,
    ) -> None:
        self._pace = pace or Pace()
        self._consumer = consumer
        self._sink = sink
        self._topic = topic
        self._ledger = Ledger(consumer, topic, sink.name)
        self._brake = Brake(consumer, self._pace.pause_after_seconds, sink.name)
        self._conclusion = Conclusion(dead_letters, limit or DeadLetterLimit(), sink.name)
        self._concurrency = AdaptiveLimit(self._pace.requests_under_way)
        self._threads = ThreadPoolExecutor(self._pace.requests_under_way, thread_name_prefix=f"deliver-{sink.name}")
        self._assignment: Assignment | None = None
        self._committed_at = 0.0
        self._commit_not_before = 0.0
        self._totals = Totals()

    def run(self, stop: Event) -> Totals:
        """Deliver until ``stop`` is set; then finish what was read, commit, and return the totals of the partitions held.

        Raises ``DeliveryError`` when the sink refuses for good: what was concluded until then is committed. Anything that
        is not foreseen is raised as it is, and nothing more is committed.
        """
        self._consumer.subscribe([self._topic], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._lose)
        try:
            while not stop.is_set():
                self._turn()
            self._drain()
        except DeliveryError:
            self._commit(last=True)
            raise
        finally:
            self._drop()
            self._threads.shutdown(wait=True, cancel_futures=True)
            self._consumer.close()
        return self._totals

    def _turn(self) -> None:
        self._read()
        self._conclude(0.0)
        self._send()
        if monotonic() - self._committed_at >= self._pace.commit_seconds and self._assignment is not None:
            self._ledger.measure(self._assignment.offsets)
            self._commit()

    def _read(self) -> None:
        if self._has_room():
            self._brake.release()
            self._take(_IDLE_SECONDS if self._is_idle() else _BUSY_SECONDS)
            return
        self._brake.hold()
        if self._brake.is_paused:
            self._take(0.0)
        self._wait()

    def _has_room(self) -> bool:
        assignment = self._assignment
        return assignment is None or not (
            assignment.waiting.is_full or assignment.outstanding >= self._pace.outstanding_records
        )

    def _is_idle(self) -> bool:
        return self._assignment is None or not (self._assignment.under_way or self._assignment.waiting)

    def _take(self, timeout_seconds: float) -> None:
        """Take what is there, waiting for the first record only.

        One by one: partitions may change hands within a call, and of records that ``consume`` gathered around such a change
        nobody knows to which assignment they belong.
        """
        message = self._consumer.poll(timeout_seconds)
        taken = 0
        while message is not None:
            self._accept(message)
            taken += 1
            message = self._consumer.poll(0.0) if taken < _READ_AT_ONCE else None

    def _accept(self, message: Message) -> None:
        error = message.error()
        if error is not None:
            self._handle(error, message)
        elif self._assignment is not None:
            self._assignment.take(_record_of(message))

    def _handle(self, error: KafkaError, message: Message) -> None:
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the names of librdkafka's own codes begin so
            self._reach_end(message)
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001
            _log.error("the next record is not in the topic any more", sink=self._sink.name, error=error.str())
            partitions = self._consumer.assignment()
            self._revoke(self._consumer, partitions)
            self._assign(self._consumer, partitions)
        elif error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise ConfigurationError(f"topic {self._topic} does not exist; `tidewaiter up` creates the topics")
        elif error.code() in PASSING:
            _log.warning("kafka is not well", sink=self._sink.name, error=error.str())
        else:
            raise KafkaException(error)

    def _reach_end(self, message: Message) -> None:
        partition, offset = message.partition(), message.offset()
        if self._assignment is not None and partition is not None and offset is not None:
            self._assignment.offsets[partition].reach_end(offset)

    def _wait(self) -> None:
        if self._assignment is not None and self._assignment.under_way:
            self._conclude(_HOLD_SECONDS)
        else:
            sleep(_HOLD_SECONDS)

    def _send(self) -> None:
        """Send what may go; a promise that does not reach far enough is renewed first."""
        assignment = self._assignment
        if assignment is None or not self._may_send(assignment):
            return
        if not assignment.keeps_promises and monotonic() >= self._commit_not_before:
            self._commit()
        while assignment.keeps_promises and self._may_send(assignment):
            self._deliver(assignment)

    def _may_send(self, assignment: Assignment) -> bool:
        """Return whether a batch goes now: when it is full or old, and at once when nothing else is under way."""
        free = len(assignment.under_way) < self._concurrency.current
        return free and (assignment.waiting.is_due or bool(assignment.waiting and not assignment.under_way))

    def _deliver(self, assignment: Assignment) -> None:
        since = assignment.waiting.since
        batch = assignment.waiting.cut()
        future = self._threads.submit(self._sink.deliver, batch, assignment.cancelled)
        assignment.under_way[future] = UnderWay(batch, since)

    def _conclude(self, timeout_seconds: float) -> None:
        assignment = self._assignment
        if assignment is None or not assignment.under_way:
            return
        for under_way, future in assignment.finished(timeout_seconds):
            delivered = future.result()
            if delivered.throttled:
                self._concurrency.throttled()
            else:
                self._concurrency.succeeded(len(assignment.under_way) + 1)
            self._conclusion.of(under_way, delivered)
            assignment.conclude(under_way.batch, delivered)

    def _commit(self, *, last: bool = False) -> None:
        """Commit what is concluded and wait for the answer: a promise counts from then on."""
        self._committed_at = monotonic()
        assignment = self._assignment
        if assignment is not None:
            marks = assignment.marks(last=last)
            if not marks or self._ledger.write(marks):
                assignment.acknowledge(marks)
            else:
                self._commit_not_before = self._committed_at + _AGAIN_SECONDS

    def _assign(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        starts = self._ledger.starts(partitions)
        self._assignment = Assignment(
            {number: PartitionOffsets(start) for number, start in starts.items()}, Waiting(self._sink.limits)
        )
        self._brake.forget()
        consumer.assign([TopicPartition(self._topic, number, start.offset) for number, start in starts.items()])
        _log.info("partitions are assigned", sink=self._sink.name, partitions=sorted(starts))

    def _revoke(self, _consumer: Consumer, _partitions: Sequence[TopicPartition]) -> None:
        self._drain()
        self._drop()

    def _lose(self, _consumer: Consumer, _partitions: Sequence[TopicPartition]) -> None:
        _log.warning("partitions are lost to another process", sink=self._sink.name)
        self._drop()

    def _drain(self) -> None:
        """Send what waits, finish what is under way as far as time allows, and commit."""
        assignment = self._assignment
        if assignment is None:
            return
        deadline = monotonic() + self._pace.drain_seconds
        while (assignment.waiting or assignment.under_way) and monotonic() < deadline:
            self._send()
            self._wait()
        self._commit(last=True)

    def _drop(self) -> None:
        """Call deliveries back and forget the partitions; what is not committed is read again by whoever is next."""
        if self._assignment is not None:
            self._assignment.cancelled.set()
            self._totals = self._assignment.totals()
        self._assignment = None
        self._brake.forget()


def _record_of(message: Message) -> Record:
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise TypeError("a message without an error has a place")
    return Record(topic, partition, offset, message.key(), message.value() or b"")
