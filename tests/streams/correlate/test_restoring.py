"""Reading topics back, as correlate does it; the judge's restore has tests of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag

import pytest

from streams.kafka import Consumed, transactional_producer
from streams.restoring import Interrupted, read_to_end
from tests.streams.correlate.lab import lab_of, some_rows

pytestmark = pytest.mark.services


def test_every_committed_record_is_given_in_order_and_the_positions_are_behind_the_last(
    kafka: str, prefix: str
) -> None:
    lab = lab_of(kafka, prefix, partitions=3)
    lab.send_rows(some_rows(500, principals=5))
    producer = transactional_producer(lab.kafka, f"{prefix}-judge")
    producer.init_transactions(30)
    producer.begin_transaction()
    lab.send_rows([(b"principal-1|x", b"aborted")], producer)
    producer.abort_transaction(30)
    found: list[Consumed] = []
    positions = read_to_end(lab.kafka, "test", "activities", [0, 1, 2], found.append)
    expected = lab.records("activities")
    for number in lab.partitions:
        ours = [(one.offset(), one.key(), one.value()) for one in found if one.partition() == number]
        assert ours == [(offset, key, value) for partition, offset, key, value in expected if partition == number]
        assert positions[number] >= len(ours)
    assert sum(positions.values()) >= 500 + 1
    again: list[Consumed] = []
    assert read_to_end(lab.kafka, "test", "baselines", [0, 1, 2], again.append) == {0: 0, 1: 0, 2: 0}
    assert read_to_end(lab.kafka, "test", "activities", [], again.append) == {}
    assert again == []


def test_a_record_of_an_open_transaction_is_waited_for(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix, partitions=1)
    producer = transactional_producer(lab.kafka, f"{prefix}-judge")
    producer.init_transactions(30)
    producer.begin_transaction()
    lab.send_rows(some_rows(1), producer)
    found: list[Consumed] = []
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_to_end, lab.kafka, "test", "activities", [0], found.append)
        with pytest.raises(TimeoutError):
            reading.result(1)
        producer.commit_transaction(30)
        assert reading.result(30) == {0: 2}
    assert [one.value() for one in found] == [b"row 0"]


def test_what_is_no_longer_wanted_is_not_read_on(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix, partitions=1)
    producer = transactional_producer(lab.kafka, f"{prefix}-judge")
    producer.init_transactions(30)
    producer.begin_transaction()
    lab.send_rows(some_rows(1), producer)
    wanted_no_more = Flag()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(
            read_to_end, lab.kafka, "test", "activities", [0], print, interrupted=wanted_no_more.is_set
        )
        with pytest.raises(TimeoutError):
            reading.result(0.5)
        wanted_no_more.set()
        with pytest.raises(Interrupted):
            reading.result(5)
    producer.abort_transaction(30)
