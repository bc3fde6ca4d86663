"""What a judge begins with while another one's transaction is still open."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.errors import ConfigurationError
from streams.judge.restore import Restored, restore
from streams.judge.state import Marks, marks_record
from streams.kafka import group_consumer, transactional_producer
from tests.streams.judge.broker import Broker, broker_of
from tests.streams.judge.lab import does

pytestmark = pytest.mark.services

A = "0123456789ab"
EARLY_SECONDS = 0.7


@contextmanager
def member(broker: Broker) -> Iterator[Consumer]:
    """Give a judge's consumer that has all partitions, and nobody who judges."""
    consumer = group_consumer(broker.kafka, f"{broker.kafka.topic_prefix}judge", "judge-0")
    consumer.subscribe([broker.kafka.topic("events")])
    while not consumer.assignment():
        consumer.poll(0.1)
    yield consumer
    consumer.close()


def producer_of(broker: Broker) -> Producer:
    producer = transactional_producer(broker.kafka, f"{broker.kafka.topic_prefix}judge-0")
    producer.init_transactions(30)
    return producer


def write(broker: Broker, producer: Producer, consumer: Consumer | None, number: int) -> None:
    """Write the state of partition 0 and, for a consumer, the offset that it speaks of, in an open transaction."""
    producer.begin_transaction()
    key, value = marks_record(Marks(number=number), [])
    producer.produce(broker.kafka.topic("judge-state"), key=key, value=value, partition=0)
    producer.flush()
    if consumer is not None:
        offsets = [TopicPartition(broker.kafka.topic("events"), 0, number)]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), 30)


def restored(broker: Broker, consumer: Consumer) -> Restored:
    return restore(broker.kafka, consumer, "judge-1", [0])[0]


def waits(found: Future[Any]) -> bool:
    try:
        found.result(EARLY_SECONDS)
    except TimeoutError:
        return True
    return False


@pytest.mark.parametrize("with_offset", [True, False])
@pytest.mark.parametrize("commits", [True, False])
def test_the_restore_waits_for_the_end_of_an_open_transaction(
    kafka: str, prefix: str, *, with_offset: bool, commits: bool
) -> None:
    """Also if only its state is open: the markers that end a transaction come to one partition after the other."""
    broker = broker_of(kafka, prefix, partitions=1)
    broker.send(broker.event(A, does("/bin/sh")) for _ in range(5))
    with member(broker) as consumer, ThreadPoolExecutor(1) as pool:
        producer = producer_of(broker)
        write(broker, producer, consumer, 2)
        producer.commit_transaction(30)
        write(broker, producer, consumer if with_offset else None, 4)
        found = pool.submit(restored, broker, consumer)
        assert waits(found)
        (producer.commit_transaction if commits else producer.abort_transaction)(30)
        result = found.result()
        assert result.state.marks.number == (4 if commits else 2)
        assert result.offset == (4 if with_offset and commits else 2)
        assert result.gone is None


def test_a_state_that_was_compacted_or_never_written_is_read_to_its_end(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, partitions=3)
    with member(broker) as consumer:
        found = restore(broker.kafka, consumer, "judge-1", [0, 1, 2])
        assert restore(broker.kafka, consumer, "judge-1", []) == {}
    assert sorted(found) == [0, 1, 2]
    assert all(one.offset == 0 and one.gone is None and not one.state.counters for one in found.values())


def test_offsets_behind_the_end_of_the_topic_are_a_fault_of_the_set_up(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, partitions=1)
    with member(broker) as consumer:
        consumer.commit(offsets=[TopicPartition(broker.kafka.topic("events"), 0, 7)], asynchronous=False)
        with pytest.raises(ConfigurationError, match="judged up to 7"):
            restored(broker, consumer)
