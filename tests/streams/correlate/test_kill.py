"""Two workers are killed again and again: the state of all shards ends as it does in an undisturbed run, byte for byte.

The suite runs a small one; ``TIDEWAITER_KILL_ROWS=200000 TIDEWAITER_KILLS=20 pytest tests/streams/correlate/test_kill.py`` the whole.
"""

from __future__ import annotations

import os
from typing import Final

import pytest
from confluent_kafka import Producer

from tests.streams.correlate.killing import Fate, Sender, Workers
from tests.streams.correlate.lab import Lab, lab_of, wait_for

pytestmark = pytest.mark.services

ROWS: Final = int(os.environ.get("TIDEWAITER_KILL_ROWS", "10000"))
KILLS: Final = int(os.environ.get("TIDEWAITER_KILLS", "3"))
SECONDS_A_KILL: Final = 6.0
ROWS_A_DECISION: Final = 4_000
KEYS: Final = 5_000
PRINCIPALS: Final = 50


def row(number: int) -> tuple[bytes, bytes]:
    """Return a row; each of the keys comes again and again, with a higher count."""
    key = number * 7919 % KEYS
    return b"principal-%d|%d" % (key % PRINCIPALS, key), b"count %d" % number


def sender_of(lab: Lab, seconds: float) -> Sender:
    """Return what writes all rows, and now and then a decision."""

    def write(producer: Producer, numbers: range, fate: Fate) -> None:
        rows = map(row, numbers)
        lab.send_rows([(key, b"aborted" if fate == "aborted" else value) for key, value in rows], producer)
        if fate == "committed" and numbers.start % ROWS_A_DECISION == 0:
            lab.decide(b"principal-%d" % (numbers.start % 47), b"decision %d" % numbers.start)

    return Sender(lab, ROWS, seconds, write)


def test_killed_workers_end_with_the_state_of_an_undisturbed_run(kafka: str, prefix: str) -> None:
    lab, undisturbed = lab_of(kafka, f"{prefix}-a", partitions=4), lab_of(kafka, f"{prefix}-b", partitions=4)
    sender = sender_of(lab, KILLS * SECONDS_A_KILL)
    with Workers(lab) as workers:
        sender.thread.start()
        workers.suffer(KILLS, SECONDS_A_KILL)
        sender.thread.join()
        workers.keep_running()
        wait_for(lambda: lab.digests() == lab.expected())
        workers.end()
    assert workers.killed == KILLS
    assert workers.faults == []
    sender_of(undisturbed, 0).thread.run()
    with undisturbed.running():
        wait_for(lambda: undisturbed.digests() == undisturbed.expected())
    assert undisturbed.digests() == lab.digests()
    assert sender.aborted > 0
