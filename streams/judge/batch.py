"""Judging a batch of Kafka messages without Kafka: what must be written, and up to where it was read.

``judge_batch`` is the firehose: what its loop does for an event that is known is all that is done for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaException

from schemas.codec import ACTIVITY_MARK
from schemas.errors import Invalid
from schemas.event import timestamp
from streams.judge.envelopes import VARYING, Envelopes, is_of
from streams.judge.partition import Partition
from streams.kafka import Consumed

__all__ = ["Batch", "Produced", "judge_batch"]

Produced = list[dict[str, Any]]
"""Messages as ``Producer.produce_batch`` takes them."""


@dataclass(slots=True)
class Batch:
    """What came of a batch: records for ``verdicts``, what was no event, the last message of each partition."""

    produced: Produced
    latest: dict[int, Consumed] = field(default_factory=dict)
    dead: list[tuple[Consumed, Invalid]] = field(default_factory=list)
    misses: int = 0

    def admit(self, message: Consumed, partition: Partition | None) -> None:
        """Judge an event that the memo does not know; what is no event becomes a dead letter of this transaction."""
        if message.error() or partition is None:
            raise KafkaException(message.error())
        try:
            records, counter = partition.admit(message.key(), message.value())
        except Invalid as error:
            self.dead.append((message, error))
            return
        self.misses += 1
        self.produced += [{"key": key, "value": value, "partition": partition.number} for key, value in records]
        if counter is not None:
            counter.count += 1
            partition.touched[counter] = records[0][1]

    def settle(self, partitions: Mapping[int, Partition]) -> None:
        """Let the partitions note what was counted."""
        for number, message in self.latest.items():
            partitions[number].settle(timestamp(message.timestamp()[1] * 1_000_000))


def judge_batch(
    messages: Iterable[Consumed], partitions: Mapping[int, Partition], envelopes: Envelopes, produced: Produced
) -> Batch:
    """Judge messages of these partitions in the order of offsets and return the batch, whose records are added to ``produced``.

    Raises ``KafkaException`` for a message that is an error of the consumer; the partitions are void then.
    """
    batch = Batch(produced)
    latest, outlines, write = batch.latest, envelopes.outlines, produced.append
    for message in messages:
        value, key, number = message.value(), message.key(), message.partition()
        latest[number] = message
        try:
            head, _, activity = value.partition(ACTIVITY_MARK)
            partition = partitions[number]
            entity = partition.entities[key]
            tail, counter = entity.memo[activity]
        except (KeyError, AttributeError):
            batch.admit(message, partitions.get(number))
            continue
        if not is_of(head, entity.mark) or head.translate(None, VARYING) not in outlines:
            batch.admit(message, partition)
            continue
        counter.count += 1
        partition.touched[counter] = value
        write({"value": value[:-1] + entity.suffix + tail, "key": key, "partition": number})
    batch.settle(partitions)
    return batch
