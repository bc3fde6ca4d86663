"""One worker on a real Kafka, from its start to its end."""

from __future__ import annotations

import signal
import time
from datetime import date

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from deploy.kafka import publish
from schemas.errors import ConfigurationError
from schemas.policyset import Document, PolicySet, parse_policies
from schemas.settings import KafkaSettings, Settings
from schemas.telemetry import registry
from streams.correlate.run import run
from streams.correlate.types import Record
from streams.kafka import transactional_producer
from tests.streams.correlate.lab import BAD, BROKEN, QUICK, StandIn, all_taken, lab_of, made_by, some_rows, wait_for

pytestmark = pytest.mark.services


def test_a_worker_takes_what_is_there_and_what_comes(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix)
    lab.send_rows(some_rows(500))
    lab.decide(b"principal-1", b"yes")
    with lab.running() as worker:
        wait_for(lambda: all_taken(lab, worker))
        lab.send_rows([*some_rows(500, 500), (b"principal-3|3", None)])
        lab.decide(b"principal-2", b"no")
        wait_for(lambda: all_taken(lab, worker))
        wait_for(lambda: lab.digests() == lab.expected())
        answers = {key for _, key in lab.baselines() if key and key.startswith(b"principal")}
    assert answers == {b"principal-1", b"principal-2"}
    assert len(worker.made) == 2
    assert set(lab.committed()) == {-1001}
    assert worker.halted == []


def test_rows_of_aborted_transactions_never_reach_a_shard(kafka: str, prefix: str) -> None:
    """Before and behind the restore; Faust itself would read them. The watchdog is not deceived by the markers at the end."""
    lab = lab_of(kafka, prefix, stall_seconds=1.0)
    producer = transactional_producer(lab.kafka, f"{prefix}-judge")
    producer.init_transactions(30)

    def write(start: int) -> None:
        producer.begin_transaction()
        lab.send_rows(some_rows(50, start), producer)
        producer.commit_transaction()
        producer.begin_transaction()
        lab.send_rows([(key, b"aborted") for key, _ in some_rows(50, start + 25)], producer)
        producer.abort_transaction()

    write(0)
    with lab.running() as worker:
        wait_for(lambda: worker.rows == 50)
        write(1_000)
        lab.send_rows(some_rows(50, 2_000))
        write(3_000)
        wait_for(lambda: worker.rows == 200)
        time.sleep(4)
        seen = {value for shard in made_by(worker) for value in shard.rows.values()}
    assert seen == {b"row %d" % number for start in (0, 1_000, 2_000, 3_000) for number in range(start, start + 50)}


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("what", ["row", "decision"])
def test_an_error_ends_the_worker_and_its_record_is_given_again(
    kafka: str, prefix: str, *, live: bool, what: str
) -> None:
    lab = lab_of(kafka, prefix)

    def send() -> None:
        if what == "row":
            lab.send_rows([(b"principal-1|broken", BROKEN), *some_rows(100)])
        else:
            lab.decide(b"principal-1", BROKEN)
            lab.send_rows(some_rows(100))

    if not live:
        send()
    with lab.running() as worker:
        if live:
            wait_for(lambda: all(shard.ticks for shard in worker.made) and len(worker.made) == 2)
            send()
        assert isinstance(worker.failure(), ZeroDivisionError)
    with lab.running() as again:
        assert isinstance(again.failure(), ZeroDivisionError)
    with lab.running(make=Mended) as mended:
        wait_for(lambda: mended.rows == (101 if what == "row" else 100))
        wait_for(lambda: bool(what == "row" or any(shard.decisions for shard in mended.made)))


class Mended(StandIn):
    """A stand-in that bears what breaks others."""

    def take_row(self, key: bytes, value: bytes | None, offset: int, appended_ms: int) -> None:
        super().take_row(key, b"mended" if value == BROKEN else value, offset, appended_ms)

    def take_decision(self, key: bytes, value: bytes, offset: int, appended_ms: int) -> list[Record]:
        return super().take_decision(key, b"mended" if value == BROKEN else value, offset, appended_ms)


def test_an_error_gives_the_process_an_exit_code_that_is_not_0(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix)
    worker = lab.start()
    wait_for(lambda: set(lab.digests()) == set(lab.partitions))
    lab.send_rows([(b"principal-1|broken", BROKEN)])
    said = worker.communicate(timeout=60)[0]
    assert worker.returncode == 1
    assert b"ZeroDivisionError" in said


def test_what_cannot_be_read_is_a_dead_letter_and_the_rest_goes_on(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix)
    lab.send_rows([(b"principal-1|1", BAD), *some_rows(100)])
    lab.decide(b"principal-2", BAD)
    publish(lab.kafka, "baselines", "principal-3", BAD)
    with lab.running() as worker:
        wait_for(lambda: worker.rows == 100)
        wait_for(lambda: len(lab.letters()) == 3)
        lab.send_rows([(b"principal-1|2", BAD), (b"principal-1|3", b"good")])
        lab.decide(b"principal-2", None)
        lab.decide(b"principal-2", BAD)
        lab.decide(b"principal-2", b"good")
        wait_for(lambda: worker.rows == 101 and any(shard.decisions for shard in worker.made))
        letters = lab.letters()
    assert {letter.stage for letter in letters} == {"correlate"}
    assert {letter.process for letter in letters} == {"correlate-0"}
    assert sorted((letter.error, letter.data) for letter in letters) == [
        ("a bad decision", BAD),
        ("a bad decision", BAD),
        ("a bad profile", BAD),
        ("a bad row", BAD),
        ("a bad row", BAD),
        ("a decision without a principal or without content", b"principal-2"),
    ]
    assert all(letter.place.startswith(f"{prefix}.") and letter.place.count("/") == 2 for letter in letters)


def test_a_changed_policy_set_reaches_the_shards(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix)
    first, second = policies("a"), policies("b")
    lab.publish(first)
    with lab.running() as worker:
        wait_for(lambda: len(worker.made) == 2 and all(shard.ticks for shard in worker.made))
        lab.publish(second)
        wait_for(lambda: all(shard.policies == [first.hash, second.hash] for shard in worker.made))


def policies(name: str) -> PolicySet:
    text = f"policy: {name}\nexec:\n  deny:\n    - path: /bin/sh\n"
    return parse_policies([Document(f"{name}.yaml", text)], date(2026, 1, 1))


def test_a_record_that_is_no_policy_set_ends_the_worker(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix)
    with lab.running() as worker:
        wait_for(lambda: len(worker.made) == 2)
        publish(lab.kafka, "policies", "policies", b"{}")
        assert isinstance(worker.failure(), ConfigurationError)
    with lab.running() as worker:
        assert "tidewaiter policy apply" in str(worker.failure())


def test_topics_of_different_partition_counts_are_refused(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix)
    admin, topic = AdminClient(lab.kafka.client_configuration()), lab.kafka.topic("control")
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(30)
    wait_for(lambda: len(lab.asking.list_topics(timeout=30).topics[topic].partitions) == 3)
    with lab.running() as worker:
        assert "as many partitions" in str(worker.failure())


def test_missing_topics_are_refused_with_what_to_do(kafka: str, prefix: str) -> None:
    settings = Settings(kafka=KafkaSettings(bootstrap_servers=kafka, topic_prefix=f"{prefix}.", client=QUICK))
    with pytest.raises(ConfigurationError, match="tidewaiter up"):
        run(settings, lambda: False, StandIn)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_at_once_and_cleanly(kafka: str, prefix: str, number: signal.Signals) -> None:
    lab = lab_of(kafka, prefix)
    lab.send_rows(some_rows(100))
    worker = lab.start()
    wait_for(lambda: lab.digests() == lab.expected())
    began = time.monotonic()
    worker.send_signal(number)
    said = worker.communicate(timeout=60)[0]
    assert worker.returncode == 0, said.decode()
    assert time.monotonic() - began < 3
    with lab.running() as heir:
        wait_for(lambda: heir.rows == 100)
    assert time.monotonic() - began < 5.5, "it has not left the group, others waited for its session"


def test_the_command_works_with_the_shard_of_baselines(kafka: str, prefix: str) -> None:
    """It buries what is no row, which shows that it has taken it."""
    lab = lab_of(kafka, prefix)
    worker = lab.start(shard=None)
    lab.send_rows([(b"no key of a row", b"no row")])
    wait_for(lambda: [letter.data for letter in lab.letters()] == [b"no row"])
    worker.send_signal(signal.SIGTERM)
    said = worker.communicate(timeout=60)[0]
    assert worker.returncode == 0, said.decode()


def test_a_worker_that_is_told_to_stop_during_a_restore_stops(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix)
    lab.send_rows(some_rows(100_000))
    with lab.running(make=Slow) as worker:
        wait_for(lambda: worker.rows > 10)
        began = time.monotonic()
        worker.end()
    assert time.monotonic() - began < 5
    assert worker.halted == []


class Slow(StandIn):
    """A stand-in that a batch of the restore takes some seconds with."""

    def take_row(self, key: bytes, value: bytes | None, offset: int, appended_ms: int) -> None:
        super().take_row(key, value, offset, appended_ms)
        time.sleep(0.0002)


def test_the_metrics_count_what_was_taken(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix)
    lab.send_rows(some_rows(10))
    with lab.running(slot=77) as worker:
        wait_for(lambda: worker.rows == 10)
        lab.send_rows(some_rows(20, 10))
        lab.decide(b"principal-1", b"yes")
        wait_for(lambda: lab.digests() == lab.expected())
    label = {"process": "correlate-77"}
    assert registry().get_sample_value("tidewaiter_rows_total", label) == 20
    assert registry().get_sample_value("tidewaiter_decisions_total", label) == 1
    assert registry().get_sample_value("tidewaiter_restore_seconds_count", label) == 1
    assert (registry().get_sample_value("tidewaiter_tick_seconds_count", label) or 0) > 0


def test_ticks_tell_the_time_of_the_broker(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix)
    with lab.running() as worker:
        wait_for(lambda: len(worker.made) == 2 and all(shard.ticks for shard in worker.made))
        lab.send_rows(some_rows(10))
        wait_for(lambda: worker.rows == 10)
        time.sleep(0.5)
        now = time.time() * 1000
        latest = [shard.ticks[-1] for shard in worker.made]
    assert all(abs(now - tick) < 2_000 for tick in latest)
    assert all(tick >= max(shard.times) for shard, tick in zip(worker.made, latest, strict=True) if shard.times)
