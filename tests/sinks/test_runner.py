"""The runner on a real Kafka, with a sink in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from schemas.deadletter import DeadLetter, decode_deadletter
from schemas.errors import ConfigurationError, DeliveryError, TooManyDeadLetters
from schemas.settings import KafkaSettings
from sinks.deadletters import Allowance, DeadLetterLimit, DeadLetters
from sinks.kafka import group_consumer, group_of, producer
from sinks.mark import Mark, Totals
from sinks.runner import Pace, Runner
from sinks.testing import MemorySink
from sinks.types import Batch, BatchLimits, Delivered
from tests.sinks.world import wait_for, world_of

pytestmark = pytest.mark.services

PARTITIONS = 4
PACE = Pace(commit_seconds=0.05, pause_after_seconds=0.1, drain_seconds=5)


class Broker:
    """Topics of one test, and what runs on them."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.settings = settings

    @property
    def topic(self) -> str:
        return self.settings.topic("verdicts")

    def write(self, *values: bytes, partition: int = 0) -> None:
        client = Producer(self.settings.client_configuration())
        for value in values:
            client.produce(self.topic, value, b"key", partition=partition)
        assert client.flush(30) == 0

    def runner(self, sink: MemorySink, **options: Any) -> Runner:
        letters = DeadLetters(producer(self.settings, sink.name), self.settings.topic("deadletters"), sink.name)
        consumer = group_consumer(self.settings, sink.name, options.pop("instance", None))
        return Runner(consumer, letters, sink, self.topic, pace=PACE, **options)

    @contextmanager
    def running(self, sink: MemorySink, **options: Any) -> Iterator[list[Totals]]:
        stop, totals, errors = Event(), list[Totals](), list[BaseException]()
        runner = self.runner(sink, **options)

        def run() -> None:
            try:
                totals.append(runner.run(stop))
            except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
                errors.append(error)

        thread = Thread(target=run)
        thread.start()
        try:
            yield totals
        finally:
            stop.set()
            thread.join(60)
        if errors:
            raise errors[0]

    def run_until_error(self, sink: MemorySink, **options: Any) -> None:
        self.runner(sink, **options).run(Event())

    def mark(self, sink: MemorySink, partition: int = 0) -> Mark | None:
        place = self.committed(sink, partition)
        return Mark.read(place.offset, place.metadata)

    def committed(self, sink: MemorySink, partition: int = 0) -> TopicPartition:
        """Return up to where the group has committed; a mark may be there before anything was delivered."""
        consumer = Consumer(self.settings.client_configuration() | {"group.id": group_of(self.settings, sink.name)})
        place = consumer.committed([TopicPartition(self.topic, partition)], timeout=10)[0]
        consumer.close()
        return place

    def letters(self, expected: int) -> list[DeadLetter]:
        topic = self.settings.topic("deadletters")
        consumer = Consumer(
            self.settings.client_configuration() | {"group.id": "test", "auto.offset.reset": "earliest"}
        )
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        messages = consumer.consume(expected, 20)
        consumer.close()
        return [decode_deadletter(message.value() or b"") for message in messages]


@pytest.fixture
def broker(kafka: str, prefix: str) -> Broker:
    world = world_of(kafka, "", prefix)
    world.create_topics(PARTITIONS)
    return Broker(world.settings.kafka)


def values(*numbers: int) -> list[bytes]:
    return [b"value %d" % number for number in numbers]


def test_all_records_arrive_and_are_committed(broker: Broker) -> None:
    sink = MemorySink()
    broker.write(*values(*range(50)), partition=0)
    broker.write(*values(*range(50, 120)), partition=1)
    with broker.running(sink) as totals:
        wait_for(lambda: len(sink.records) == 120)
    assert totals == [Totals(indexed=120)]
    assert broker.mark(sink) == Mark(50, 50, Totals(indexed=50))
    assert broker.mark(sink, 1) == Mark(70, 70, Totals(indexed=70))


def test_a_first_start_takes_everything_there_is_for_in_doubt(broker: Broker) -> None:
    sink = MemorySink()
    broker.write(*values(1))
    with broker.running(sink):
        wait_for(lambda: len(sink.records) == 1)
        broker.write(*values(2))
        wait_for(lambda: len(sink.records) == 2)
    assert [batch.maybe_sent for batch in sink.batches] == [True, False]


def test_an_orderly_restart_goes_on_where_it_stopped(broker: Broker) -> None:
    sink = MemorySink()
    broker.write(*values(1))
    with broker.running(sink):
        wait_for(lambda: len(sink.records) == 1)
    broker.write(*values(2))
    with broker.running(sink) as totals:
        wait_for(lambda: len(sink.records) == 2)
    assert not sink.repeats
    assert not sink.batches[-1].maybe_sent
    assert totals == [Totals(indexed=2)]


def test_a_record_goes_at_once_when_nothing_is_under_way(broker: Broker) -> None:
    sink = MemorySink(BatchLimits(records=1000, value_bytes=1_000_000, seconds=3600))
    with broker.running(sink):
        broker.write(*values(1))
        wait_for(lambda: len(sink.records) == 1)


def test_bad_records_are_dead_letters_with_their_bytes(broker: Broker) -> None:
    sink = MemorySink(refuses=lambda record: "odd" if record.value.startswith(b"bad") else None)
    broker.write(b"good", b"bad \x00\xff", b"fine")
    with broker.running(sink) as totals:
        wait_for(lambda: broker.mark(sink) is not None and len(sink.records) == 2)
    assert totals == [Totals(indexed=2, deadletters=1)]
    letter = broker.letters(1)[0]
    assert (letter.stage, letter.process, letter.error) == ("deliver", "memory", "odd")
    assert (letter.data, letter.place) == (b"bad \x00\xff", f"{broker.topic}/0/1")


def test_too_many_bad_records_stop_before_any_is_written_off(broker: Broker) -> None:
    sink = MemorySink(refuses=lambda record: "odd" if record.value.startswith(b"bad") else None)
    broker.write(b"good")
    with broker.running(sink):
        wait_for(lambda: len(sink.records) == 1)
    broker.write(*[b"bad"] * 10)
    limit = DeadLetterLimit(Allowance(consecutive=5))
    with pytest.raises(TooManyDeadLetters):
        broker.run_until_error(sink, limit=limit)
    mark = broker.mark(sink)
    assert mark is not None
    assert mark.offset <= 6
    assert mark.totals.deadletters <= 5


def test_a_sink_that_refuses_for_good_keeps_what_was_concluded(broker: Broker) -> None:
    class Refusing(MemorySink):
        def deliver(self, batch: Batch, cancelled: Event) -> Delivered:
            if any(record.value == b"last" for record in batch.records):
                raise DeliveryError("no")
            return super().deliver(batch, cancelled)

    sink = Refusing(BatchLimits(records=1, value_bytes=1_000_000, seconds=0.01))
    broker.write(b"one", b"two", b"last")
    with pytest.raises(DeliveryError):
        broker.run_until_error(sink)
    mark = broker.mark(sink)
    assert mark is not None
    assert mark.offset == mark.totals.indexed
    assert mark.maybe_sent_below is not None
    assert mark.maybe_sent_below >= 3


def test_an_unforeseen_error_is_raised_as_it_is(broker: Broker) -> None:
    class Broken(MemorySink):
        def deliver(self, _batch: Batch, _cancelled: Event) -> Delivered:
            raise ZeroDivisionError

    broker.write(b"one")
    with pytest.raises(ZeroDivisionError):
        broker.run_until_error(Broken())


def test_while_the_receiver_is_away_reading_stops_and_the_group_stays(
    broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    sink = MemorySink(BatchLimits(records=10, value_bytes=1_000_000, seconds=0.01))
    sink.gate.clear()
    broker.write(*values(*range(2000)))
    printed: list[str] = []

    def is_paused() -> bool:
        printed.append(capsys.readouterr().out)
        return "reading is paused" in "".join(printed)

    with broker.running(sink) as totals:
        wait_for(is_paused)
        sink.gate.set()
        wait_for(lambda: len(sink.records) == 2000)
    assert totals == [Totals(indexed=2000)]
    assert not sink.repeats
    assert "reading goes on" in "".join(printed) + capsys.readouterr().out


def test_stopping_while_the_receiver_is_away_loses_nothing(broker: Broker) -> None:
    sink = MemorySink()
    broker.write(*values(*range(300)))
    sink.gate.clear()
    runner = broker.runner(sink)
    runner._pace = Pace(commit_seconds=0.05, drain_seconds=0.2)
    stop = Event()
    thread = Thread(target=runner.run, args=(stop,))
    thread.start()
    wait_for(lambda: runner._assignment is not None and runner._assignment.under_way)
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert not sink.records
    sink.gate.set()
    with broker.running(sink):
        wait_for(lambda: len(sink.records) == 300)
    assert sink.batches[0].maybe_sent


def test_two_share_the_partitions_and_hand_them_over(broker: Broker) -> None:
    one, two = MemorySink(), MemorySink()
    with broker.running(one):
        broker.write(*values(*range(100)), partition=0)
        broker.write(*values(*range(100, 200)), partition=1)
        wait_for(lambda: len(one.records) == 200)
        with broker.running(two):
            written = 200
            while not two.records:
                broker.write(*values(written), partition=written % 4)
                written += 1
            wait_for(lambda: len(one.records) + len(two.records) >= written)
        broker.write(*values(5000), partition=0)
        broker.write(*values(5001), partition=3)
        wait_for(lambda: {b"value 5000", b"value 5001"} <= one.records.keys())
    assert not one.records.keys() & two.records.keys()
    assert len(one.records) + len(two.records) == written + 2


def test_a_topic_that_does_not_exist_is_said(kafka: str, prefix: str) -> None:
    nowhere = Broker(world_of(kafka, "", prefix).settings.kafka)
    with pytest.raises(ConfigurationError, match="tidewaiter up"):
        nowhere.run_until_error(MemorySink())


def test_the_second_of_one_name_stops_the_first(broker: Broker) -> None:
    one, two = MemorySink(), MemorySink()
    fenced = Thread(target=lambda: stopped.append(error_of(lambda: broker.run_until_error(one, instance="same"))))
    stopped: list[BaseException | None] = []
    fenced.start()
    broker.write(*values(1))
    wait_for(lambda: broker.committed(one).offset > 0)  # what is not committed when it is fenced comes twice
    with broker.running(two, instance="same"):
        fenced.join(60)
        broker.write(*values(2))
        wait_for(lambda: b"value 2" in two.records)
    assert "fenced" in str(stopped[0])
    assert not one.records.keys() & two.records.keys()


def error_of(run: Callable[[], None]) -> BaseException | None:
    try:
        run()
    except KafkaException as error:
        return error
    return None
