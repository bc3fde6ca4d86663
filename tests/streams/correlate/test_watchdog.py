"""What a watchdog rings for: with a made-up worker and time, then with real workers that are stopped at one point."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from threading import Event as Flag
from typing import Any

import pytest
from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP, Message

from schemas.topics import Name
from streams.correlate.chain import Chain
from streams.correlate.driver import App
from streams.correlate.part import Outcome, Part
from streams.correlate.watchdog import Stalled, Watchdog
from streams.kafka import transactional_producer
from tests.streams.correlate.lab import Lab, StandIn, lab_of, some_rows, wait_for

pytestmark = pytest.mark.services


class Worker:
    """A worker that has one partition and takes what the test says."""

    def __init__(self) -> None:
        self.beat = 0.0
        self.unsettled_since: float | None = None
        self.chain = Chain(0)

    def places(self) -> Mapping[tuple[Name, int], Chain]:
        return {("activities", 0): self.chain}

    def fail(self, error: BaseException) -> None:
        raise error


def watched(kafka: str, prefix: str) -> tuple[Lab, Worker, Watchdog]:
    lab, worker = lab_of(kafka, prefix, partitions=1, stall_seconds=20, settle_seconds=60), Worker()
    return lab, worker, Watchdog(lab.settings, worker)


def check(watchdog: Watchdog, worker: Worker, *times: float) -> None:
    for now in times:
        worker.beat = now
        watchdog.check(now)


def test_a_record_that_waits_too_long_rings(kafka: str, prefix: str) -> None:
    lab, worker, watchdog = watched(kafka, prefix)
    check(watchdog, worker, 0, 100, 200)
    lab.send_rows(some_rows(2))
    check(watchdog, worker, 300, 319)
    with pytest.raises(Stalled, match="activities/0: a record at 0 or behind has waited for 21 s"):
        check(watchdog, worker, 321)


def test_progress_and_an_empty_partition_do_not_ring(kafka: str, prefix: str) -> None:
    lab, worker, watchdog = watched(kafka, prefix)
    lab.send_rows(some_rows(3))
    check(watchdog, worker, 0, 2)
    for position in (1, 2, 3):
        worker.chain.position = position
        check(watchdog, worker, position * 100, position * 100 + 2, position * 100 + 19)
    check(watchdog, worker, 1_000, 2_000)


def test_markers_and_aborted_rows_are_no_records_but_what_lies_behind_them_is(kafka: str, prefix: str) -> None:
    lab, worker, watchdog = watched(kafka, prefix)
    producer = transactional_producer(lab.kafka, f"{prefix}-judge")
    producer.init_transactions(30)
    producer.begin_transaction()
    lab.send_rows(some_rows(5), producer)
    producer.abort_transaction(30)
    check(watchdog, worker, 0, 100, 200, 300)
    lab.send_rows(some_rows(1))
    wait_for(lambda: len(lab.records("activities")) == 1)
    check(watchdog, worker, 400, 419)
    with pytest.raises(Stalled):
        check(watchdog, worker, 421)


def test_an_open_transaction_makes_nothing_wait(kafka: str, prefix: str) -> None:
    lab, worker, watchdog = watched(kafka, prefix)
    producer = transactional_producer(lab.kafka, f"{prefix}-judge")
    producer.init_transactions(30)
    producer.begin_transaction()
    lab.send_rows(some_rows(5), producer)
    check(watchdog, worker, 0, 100, 200)
    producer.commit_transaction(30)
    wait_for(lambda: len(lab.records("activities")) == 5)  # the broker says so before the marker is there
    check(watchdog, worker, 300, 319)
    with pytest.raises(Stalled):
        check(watchdog, worker, 321)


def test_a_loop_that_stands_still_rings(kafka: str, prefix: str) -> None:
    _, worker, watchdog = watched(kafka, prefix)
    watchdog.check(20)
    with pytest.raises(Stalled, match="stood still for 21 s"):
        watchdog.check(21)
    assert worker.beat == 0


def test_a_rebalance_without_end_rings_and_one_with_progress_does_not(kafka: str, prefix: str) -> None:
    _, worker, watchdog = watched(kafka, prefix)
    for since in (0.0, 50.0, 100.0):
        worker.unsettled_since = since
        check(watchdog, worker, since + 60)
    with pytest.raises(Stalled, match="no progress in getting them for 61 s"):
        check(watchdog, worker, 161)


# Real workers


def stalled(lab: Lab, broken: Flag) -> str:
    """Return why a worker ends to which rows come when something in it is broken."""
    with lab.running() as worker:
        wait_for(lambda: len(worker.made) == 2 and all(shard.ticks for shard in worker.made))
        lab.send_rows(some_rows(50))
        wait_for(lambda: worker.rows == 50)
        broken.set()
        time.sleep(1.5)  # what is being waited for meanwhile comes yet
        lab.send_rows(some_rows(50, 50))
        error = worker.failure()
    assert isinstance(error, Stalled)
    return str(error)


def has_all(lab: Lab, rows: int) -> bool:
    with lab.running() as worker:
        wait_for(lambda: worker.rows == rows)
    return True


def test_a_stopped_agent_ends_the_worker(kafka: str, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lab, broken = lab_of(kafka, prefix, stall_seconds=1.0), Flag()
    take_row = Part.take_row

    async def stop(part: Part, message: Message) -> Outcome:
        if broken.is_set():
            await asyncio.Event().wait()
        return await take_row(part, message)

    with monkeypatch.context() as patch:
        patch.setattr(Part, "take_row", stop)
        assert "a record at" in stalled(lab, broken)
    assert has_all(lab, 100)


def test_a_partition_that_is_fetched_no_more_ends_the_worker(
    kafka: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, broken = lab_of(kafka, prefix, stall_seconds=1.0), Flag()
    fetch = AIOKafkaConsumerThread._fetch_records

    async def fetch_nothing(thread: AIOKafkaConsumerThread, *arguments: Any, **options: Any) -> Any:
        if broken.is_set():
            await asyncio.sleep(0.1)
            return {}
        return await fetch(thread, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(AIOKafkaConsumerThread, "_fetch_records", fetch_nothing)
        assert "a record at" in stalled(lab, broken)
    assert has_all(lab, 100)


def test_a_record_that_faust_loses_ends_the_worker_and_is_not_lost(
    kafka: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, broken = lab_of(kafka, prefix, stall_seconds=1.0), Flag()
    getmany = Consumer.getmany

    async def lose(consumer: Consumer, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109 - Faust's
        async for place, message in getmany(consumer, timeout):
            if message.value != b"row 70":
                yield place, message

    with monkeypatch.context() as patch:
        patch.setattr(Consumer, "getmany", lose)
        assert "a record at" in stalled(lab, broken)
    assert has_all(lab, 100)


def test_an_assignment_that_faust_does_not_finish_ends_the_worker(
    kafka: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab_of(kafka, prefix, stall_seconds=1.0, settle_seconds=4.0)

    async def never(app: App, *_: Any) -> None:
        await app.wait_until_stopped()  # else its thread would not end for a minute; a process is halted before

    monkeypatch.setattr(App, "_on_partitions_assigned", never)
    with lab.running() as worker:
        error = worker.failure()
    assert "no partitions and no progress" in str(error)


class Blocking(StandIn):
    """A stand-in that keeps the loop."""

    def take_row(self, key: bytes, value: bytes | None, offset: int, appended_ms: int) -> None:
        super().take_row(key, value, offset, appended_ms)
        if self.ticks:
            time.sleep(5)


def test_a_loop_that_is_kept_is_halted_from_outside(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix, stall_seconds=1.0, end_seconds=1.0)
    with lab.running(make=Blocking) as worker:
        wait_for(lambda: len(worker.made) == 2 and all(shard.ticks for shard in worker.made))
        lab.send_rows(some_rows(1))
        error = worker.failure()
    assert "stood still" in str(error)
    assert worker.halted == [1]
