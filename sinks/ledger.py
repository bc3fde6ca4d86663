"""The marks of a sink's group in Kafka: read when partitions come, written as they advance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic, sleep
from typing import Final, TypeVar

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.telemetry import count, gauge
from sinks.mark import Mark, Start, resolve_start
from sinks.offsets import PartitionOffsets

__all__ = ["PASSING", "Ledger", "patiently"]

_log = structlog.get_logger(__name__)

_Answer = TypeVar("_Answer")

_KAFKA_SECONDS: Final = 30.0
_AGAIN_SECONDS: Final = 0.1

PASSING: Final = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - the names of librdkafka's own codes begin so
        KafkaError._MAX_POLL_EXCEEDED,  # noqa: SLF001
        KafkaError._RESOLVE,  # noqa: SLF001
        KafkaError._TIMED_OUT,  # noqa: SLF001
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError._WAIT_COORD,  # noqa: SLF001
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REQUEST_TIMED_OUT,
    }
)
"""Errors that librdkafka itself recovers from."""

_NOT_OURS: Final = frozenset(
    {
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError._ASSIGNMENT_LOST,  # noqa: SLF001
    }
)


class Ledger:
    """Reads and writes the marks of the partitions that ``consumer`` is assigned; blocks until Kafka answers."""

    def __init__(self, consumer: Consumer, topic: str, process: str) -> None:
        self._consumer = consumer
        self._topic = topic
        self._process = process
        self._is_well = True

    def starts(self, partitions: Sequence[TopicPartition]) -> dict[int, Start]:
        """Return where to begin in each partition; raise ``KafkaException`` when Kafka does not answer."""
        if not partitions:
            return {}
        committed = patiently(lambda: self._consumer.committed(list(partitions), timeout=_KAFKA_SECONDS))
        return {place.partition: self._start(place) for place in committed}

    def write(self, marks: Mapping[int, Mark]) -> bool:
        """Return whether the marks are committed; if not, the next commit may succeed, or others have the partitions."""
        places = [
            TopicPartition(self._topic, number, mark.offset, metadata=mark.text()) for number, mark in marks.items()
        ]
        try:
            self._consumer.commit(offsets=places, asynchronous=False)
        except KafkaException as failure:
            error: KafkaError = failure.args[0]
            if error.code() not in PASSING | _NOT_OURS:
                raise
            if self._is_well:
                _log.warning("offsets cannot be committed now, trying again", sink=self._process, error=error.str())
            self._is_well = False
            return False
        self._is_well = True
        return True

    def measure(self, offsets: Mapping[int, PartitionOffsets]) -> None:
        """Set the metric of the lag, as far as Kafka has told the client of the ends of the partitions."""
        lag = 0
        for number, partition in offsets.items():
            high = self._consumer.get_watermark_offsets(TopicPartition(self._topic, number), cached=True)[1]
            lag += max(0, high - partition.next_offset)
        gauge("lag_events", lag, process=self._process)

    def _start(self, committed: TopicPartition) -> Start:
        low, high = patiently(lambda: self._consumer.get_watermark_offsets(committed, timeout=_KAFKA_SECONDS))
        start = resolve_start(Mark.read(committed.offset, committed.metadata), low, high)
        if start.fault is not None:
            count("gaps", process=self._process, cause=start.fault)
            _log.error(
                "records were never delivered",
                sink=self._process,
                cause=start.fault,
                topic=self._topic,
                partition=committed.partition,
                committed_offset=committed.offset,
                goes_on_at_offset=start.offset,
                topic_ends_at_offset=high,
                advice="keep records longer than a receiver may be away (retention.ms); what is missing is in the archive",
            )
        return start


def patiently(ask: Callable[[], _Answer]) -> _Answer:
    """Return the answer, asking again after errors that pass, such as a partition whose leader is not yet elected."""
    deadline = monotonic() + _KAFKA_SECONDS
    while True:
        try:
            return ask()
        except KafkaException as failure:
            if failure.args[0].code() not in PASSING or monotonic() >= deadline:
                raise
        sleep(_AGAIN_SECONDS)
