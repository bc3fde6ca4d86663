"""Partitions move between workers while rows are written: nothing is lost, and nobody writes what he no longer has."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event as Flag
from threading import Thread

import pytest

from tests.streams.correlate.lab import Lab, Loud, Running, all_taken, lab_of, made_by, some_rows, wait_for

pytestmark = pytest.mark.services


@contextmanager
def load(lab: Lab, rows_a_second: int = 3_000) -> Iterator[None]:
    """Keep writing rows meanwhile, each with a key of its own and now and then a decision."""
    stop = Flag()

    def write() -> None:
        start = 1_000_000
        while not stop.wait(0.05):
            lab.send_rows(some_rows(rows_a_second // 20, start))
            lab.decide(b"principal-%d" % (start % 20), b"decision %d" % start)
            start += rows_a_second // 20

    thread = Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def has_made(worker: Running, shards: int) -> bool:
    return len(worker.made) == shards


def test_nothing_between_restore_and_live_reading_is_lost_under_load(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix)
    lab.send_rows(some_rows(2_000))
    with load(lab):
        for _ in range(3):
            with lab.running() as worker:
                wait_for(lambda: worker.rows > 0)
                time.sleep(1)
    with lab.running() as worker:
        wait_for(lambda: all_taken(lab, worker))
        wait_for(lambda: lab.digests() == lab.expected())


def test_rebalances_under_load_lose_nothing(kafka: str, prefix: str) -> None:
    """The second worker comes and goes while rows are written; the first one keeps the state of what stays with it."""
    lab = lab_of(kafka, prefix, partitions=4)
    lab.send_rows(some_rows(2_000))
    with lab.running(0) as first:
        wait_for(lambda: len(first.made) == 4)
        with load(lab):
            for expected in (6, 8, 10):
                with lab.running(1) as second:
                    wait_for(lambda: len(second.made) == 2)
                    time.sleep(1)
                wait_for(partial(has_made, first, expected))
        wait_for(lambda: all_taken(lab, first))
        wait_for(lambda: lab.digests() == lab.expected())
    assert len(first.made) == 10


def test_partitions_of_both_topics_go_together(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix, partitions=5)
    with lab.running(0) as first, lab.running(1) as second:
        wait_for(lambda: bool(first.shards) and bool(second.shards))
        for number in range(40):
            lab.send_rows([(b"principal-%d|0" % number, b"row")])
            lab.decide(b"principal-%d" % number, b"yes")
        wait_for(lambda: lab.digests() == lab.expected())
    for shard in made_by(first, second):
        assert all(key.partition(b"|")[0] in {decided for decided, _ in shard.decisions.values()} for key in shard.rows)
    assert {shard.partition for shard in made_by(first, second)} == set(lab.partitions)


def test_the_partitions_of_a_killed_worker_are_taken_over_with_complete_state(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix, partitions=4)
    lab.send_rows(some_rows(1_000))
    killed = lab.start(0)
    wait_for(lambda: lab.digests() == lab.expected())
    with lab.running(1) as heir:
        wait_for(lambda: len(heir.shards) == 2)
        lab.send_rows(some_rows(1_000, 1_000))
        lab.decide(b"principal-1", b"yes")
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        lab.send_rows(some_rows(1_000, 2_000))
        wait_for(lambda: all_taken(lab, heir))
        wait_for(lambda: lab.digests() == lab.expected())


def test_a_worker_without_partitions_waits_until_it_is_needed(kafka: str, prefix: str) -> None:
    lab = lab_of(kafka, prefix, partitions=1, stall_seconds=1.0, settle_seconds=6.0)
    lab.send_rows(some_rows(100))
    with lab.running(1) as second:
        with lab.running(0) as first:
            wait_for(lambda: len(made_by(first, second)) >= 1)
            time.sleep(12)
            assert len({shard.partition for shard in made_by(first, second)}) == 1
        lab.send_rows(some_rows(100, 100))
        wait_for(lambda: lab.digests() == lab.expected())
        assert second.rows == 200


def test_a_worker_that_was_halted_too_long_writes_nothing_over_what_its_heir_wrote(kafka: str, prefix: str) -> None:
    """It wakes with a state that is out of date, and would publish it with its next tick."""
    lab = lab_of(kafka, prefix)
    lab.send_rows(some_rows(1_000))
    sleeper = lab.start(0, Loud)
    wait_for(lambda: lab.digests() == lab.expected())
    sleeper.send_signal(signal.SIGSTOP)
    lab.send_rows(some_rows(1_000, 1_000))
    expected = lab.expected()
    with lab.running(1) as heir:
        wait_for(lambda: all_taken(lab, heir))
        wait_for(lambda: lab.digests() == expected)
        written = len(lab.records("baselines"))
        sleeper.send_signal(signal.SIGCONT)
        time.sleep(4)
    published = [value for _, _, key, value in lab.records("baselines")[written:] if key == b"digest"]
    assert set(published) <= set(expected.values())
    sleeper.terminate()
    said = sleeper.communicate(timeout=60)[0].decode()
    assert sleeper.returncode == 0 or "fenced" in said
