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
from streams.judge.envelopes import MAX_BYTES, VARYING, Envelopes
from streams.judge.partition import Partition
from streams.kafka import Consumed

__all__ = ["Batch", "Produced", "judge_batch"]

Produced = dict[int, list[dict[str, Any]]]
"""Messages as ``Producer.produce_batch`` takes them, by partition: of several at once it heeds no message's own (seen with 2.16.1)."""


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
        self.produced[partition.number] += [{"key": key, "value": value} for key, value in records]
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
    """Judge messages of these partitions in the order of offsets and return the batch, whose records follow those of ``produced``.

    Raises ``KafkaException`` for a message that is an error of the consumer; the partitions are void then.
    """
    batch = Batch({number: produced.get(number, []) for number in partitions})
    latest, outlines = batch.latest, envelopes.outlines
    lanes = {
        number: (partition.entities, partition.touched, batch.produced[number].append)
        for number, partition in partitions.items()
    }
    place = 0
    for message in messages:
        value, key, number = message.value(), message.key(), message.partition()
        latest[number] = message
        try:
            head, _, activity = value.partition(ACTIVITY_MARK)
            entities, touched, write = lanes[number]
            entity = entities[key]
            tail, counter = entity.memo[activity]
        except (KeyError, AttributeError):
            batch.admit(message, partitions.get(number))
            continue
        if not head.startswith(
            entity.mark, place
        ):  # where the entity stood in the last event, it mostly stands in this one
            place = head.find(entity.mark)
        if place < 0 or len(head) > MAX_BYTES or head.translate(None, VARYING) not in outlines:
            batch.admit(message, partitions[number])
            continue
        counter.count += 1
        touched[counter] = value
        write({"value": value[:-1] + entity.suffix + tail, "key": key})
    batch.settle(partitions)
    return batch
