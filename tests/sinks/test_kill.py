"""Killed at random moments, while the stream rolls over: every document stands there once."""

from __future__ import annotations

from random import Random
from time import sleep

import pytest

from sinks.mark import Totals
from tests.sinks.world import event_id, record_value, wait_for, world_of

pytestmark = pytest.mark.services

RECORDS = 20_000
LAST = 100
PARTITIONS = 4
KILLS = 8


def test_no_document_twice_or_missing_after_kills_and_rollovers(kafka: str, elasticsearch: str, prefix: str) -> None:
    world = world_of(kafka, elasticsearch, prefix, batch_events=200)
    world.create_topics(PARTITIONS)
    random = Random(prefix)

    for kill in range(KILLS):
        first = kill * RECORDS // KILLS
        world.produce((record_value(event_id(first + n)) for n in range(RECORDS // KILLS)), PARTITIONS)
        before = world.documents()
        process = world.start("one")
        if kill % 2:  # among what it delivers, however slow the machine
            wait_for(lambda before=before: world.documents() > before)
            sleep(random.random() / 2)
        else:  # at any moment, also while it starts
            sleep(random.random() * 3)
        process.kill()
        process.wait()
        if kill % 2:
            world.roll_over()
    # The killed ones may have delivered all of that, so this is what shows that the last one is up before it is stopped.
    world.produce((record_value(event_id(RECORDS + n)) for n in range(LAST)), PARTITIONS)
    process = world.start("one")
    world.wait_until_done()
    process.terminate()
    assert process.wait(60) == 0

    assert world.ids() == {event_id(number): 1 for number in range(RECORDS + LAST)}
    totals = world.totals()
    assert totals == Totals(indexed=RECORDS + LAST - totals.repeats, repeats=totals.repeats)
    assert len(world.backing_indices()) > 1


def test_a_second_process_takes_over_without_copies(kafka: str, elasticsearch: str, prefix: str) -> None:
    world = world_of(kafka, elasticsearch, prefix, batch_events=100)
    world.create_topics(PARTITIONS)
    world.produce((record_value(event_id(number)) for number in range(3000)), PARTITIONS)
    one, two = world.start("one"), world.start("two")
    world.wait_until_done()
    one.kill()
    one.wait()
    world.produce((record_value(event_id(number)) for number in range(3000, 6000)), PARTITIONS)
    world.wait_until_done()
    two.terminate()
    assert two.wait(60) == 0

    assert world.ids() == {event_id(number): 1 for number in range(6000)}


def test_an_orderly_restart_looks_up_nothing_and_repeats_nothing(kafka: str, elasticsearch: str, prefix: str) -> None:
    world = world_of(kafka, elasticsearch, prefix)
    world.create_topics(PARTITIONS)
    world.produce((record_value(event_id(number)) for number in range(500)), PARTITIONS)
    world.run_until_done()
    searches = world.searches()
    world.produce((record_value(event_id(number)) for number in range(500, 1000)), PARTITIONS)
    assert world.run_until_done() == Totals(indexed=1000)
    assert world.searches() == searches


def test_group_offsets_moved_back_by_hand_make_no_copies(kafka: str, elasticsearch: str, prefix: str) -> None:
    world = world_of(kafka, elasticsearch, prefix)
    world.create_topics(1)
    world.produce((record_value(event_id(number)) for number in range(1000)), 1)
    world.run_until_done()
    world.roll_over()
    world.commit(0, 100)
    totals = world.run_until_done()
    assert totals == Totals(repeats=900)
    assert world.ids() == {event_id(number): 1 for number in range(1000)}


def test_deleted_records_are_reported_and_the_rest_delivered(
    kafka: str, elasticsearch: str, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world = world_of(kafka, elasticsearch, prefix)
    world.create_topics(1)
    world.produce((record_value(event_id(number)) for number in range(100)), 1)
    world.run_until_done()
    world.produce((record_value(event_id(number)) for number in range(100, 1000)), 1)
    world.delete_records_before(0, 500)
    world.run_until_done()
    found = world.ids()
    assert set(found.values()) == {1}
    assert event_id(999) in found
    assert event_id(300) not in found
    assert "records were never delivered" in capsys.readouterr().out


def test_records_deleted_under_a_running_sink(
    kafka: str, elasticsearch: str, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world = world_of(kafka, elasticsearch, prefix)
    world.create_topics(1)
    world.produce((record_value(event_id(number)) for number in range(100)), 1)
    with world.running():
        world.wait_until_done()
        # a large transaction is invisible until it commits, so its beginning can be deleted before it is read
        with world.transaction() as producer:
            for number in range(100, 300):
                producer.produce(world.topic, record_value(event_id(number)), partition=0)
            producer.flush()
            world.delete_records_before(0, 150)
        wait_for(lambda: event_id(299) in world.ids())
        world.wait_until_done()
    assert set(world.ids().values()) == {1}
    assert "the next record is not in the topic any more" in capsys.readouterr().out
