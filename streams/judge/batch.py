"""Judging a batch of Kafka messages without Kafka: what must be written, and up to where it was read.

``judge_batch`` is the firehose: what its loop does for an event that is known is all that is done for it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from confluent_kafka import KafkaException

from schemas.codec import ACTIVITY_MARK
from schemas.errors import Invalid
from schemas.event import timestamp
from streams.judge.envelopes import MAX_BYTES, VARYING, Envelopes
from streams.judge.hours import moment_in
from streams.judge.partition import Partition
from streams.kafka import Consumed

__all__ = ["Batch", "Produced", "judge_batch"]

Produced = dict[int, list[dict[str, Any]]]
"""Messages as ``Producer.produce_batch`` takes them, by partition: of several at once it heeds no message's own (seen with 2.16.1)."""

_MARK_BYTES: Final = len(ACTIVITY_MARK)


@dataclass(slots=True)
class Batch:
    """What came of a batch: records for ``verdicts``, what was no event, the last message of each partition."""

    produced: Produced
    latest: dict[int, Consumed] = field(default_factory=dict)
    dead: list[tuple[Consumed, Invalid]] = field(default_factory=list)
    misses: int = 0

    def admit(self, message: Consumed, partition: Partition) -> None:
        """Judge an event that the memo does not know; what is no event becomes a dead letter of this transaction."""
        if message.error():
            raise KafkaException(message.error())
        partition.ledger.append(_appended(message))
        try:
            records, counter = partition.admit(message.key(), message.value())
        except Invalid as error:
            self.dead.append((message, error))
            return
        self.misses += 1
        self.produced[partition.number] += [{"key": key, "value": value} for key, value in records]
        if counter is not None:
            counter.count += 1
            partition.ledger.touched[counter] = records[0][1]

    def settle(self, partitions: Mapping[int, Partition]) -> None:
        """Let the partitions note what was counted."""
        for number, message in self.latest.items():
            partitions[number].ledger.settle(_appended(message))


def judge_batch(
    messages: Iterable[Consumed], partitions: Mapping[int, Partition], envelopes: Envelopes, produced: Produced
) -> Batch:
    """Judge messages of these partitions in the order of offsets and return the batch, whose records follow those of ``produced``.

    Raises ``KafkaException`` for a message that is an error of the consumer; the partitions are void then.
    """
    batch = Batch({number: produced.get(number, []) for number in partitions})
    for number, grouped in groupby(messages, lambda message: message.partition()):
        run = list(grouped)
        if number not in partitions:
            raise KafkaException(run[0].error())
        partitions[number].ledger.append(_appended(run[0]))
        _judge_run(run, partitions[number], envelopes.outlines, batch)
        batch.latest[number] = run[-1]
    batch.settle(partitions)
    return batch


def _appended(message: Consumed) -> str:
    return timestamp(message.timestamp()[1] * 1_000_000)


def _judge_run(run: Iterable[Consumed], partition: Partition, outlines: Container[bytes], batch: Batch) -> None:
    """Judge messages that follow each other in one partition.

    It guesses before it searches: the activity that followed the entity's last one the time before, the entity's mark where it
    stood in the last event, the outline and the hour of the last event.
    """
    entities, touched, hours = partition.entities.by_key, partition.ledger.touched, partition.ledger.hours
    write = batch.produced[partition.number].append
    place, time_at, last_outline = 0, 0, b""
    for message in run:
        value, key = message.value(), message.key()
        try:
            entity = entities[key]
            known = entity.last.following
            if not value.endswith(known.activity):
                known = entity.memo[value[value.index(ACTIVITY_MARK) + _MARK_BYTES :]]
                entity.last.following = known
            head = value[: -len(known.activity)]
            if not head.startswith(entity.mark, place):
                place = head.index(entity.mark)
        except (KeyError, ValueError, AttributeError, TypeError):  # it is not known, or no event at all
            batch.admit(message, partition)
            continue
        outline = head.translate(None, VARYING)
        if len(head) > MAX_BYTES or (outline != last_outline and outline not in outlines):
            batch.admit(message, partition)
            continue
        if not head.startswith(hours.mark, time_at):
            time_at = head.find(hours.mark)
            if time_at < 0:
                partition.ledger.append(_appended(message))
                partition.turn(moment_in(head))
        entity.last, counter, last_outline = known, known.counter, outline
        counter.count += 1
        touched[counter] = value
        write({"value": b"%b%b%b" % (value[:-1], entity.suffix, known.tail), "key": key})
