"""Two workers are killed again and again while hits flow: what correlations find is what an undisturbed reading of the hits finds.

The suite runs six kills and 22,500 events, which are some 50,000 hits; ``TIDEWAITER_KILLS`` and ``TIDEWAITER_KILL_EVENTS`` change that.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Final

import pytest

from schemas.hit import Hit, hit_key
from schemas.topics import partition_of
from tests.streams.correlate import hits as world
from tests.streams.correlate.killing import Workers
from tests.streams.correlate.lab import Lab, lab_of, wait_for

pytestmark = pytest.mark.services

EVENTS: Final = int(os.environ.get("TIDEWAITER_KILL_EVENTS", "22500"))
KILLS: Final = int(os.environ.get("TIDEWAITER_KILLS", "6"))
SECONDS_A_KILL: Final = 10.0  # shorter than it takes to join again, and nobody works in between
CHAINED: Final = ("6", "7")


def said(lab: Lab) -> Counter[tuple[str, int]]:
    """Return how often each revision of each finding was said."""
    return Counter((one.id, one.revision) for one in world.written(lab))


def links(lab: Lab) -> set[tuple[int, int]]:
    """Return from which partition to which findings went to be counted by others."""
    counted = [Hit.decode(value or b"") for *_, value in lab.records("rule-hits")]
    groups = {one.id: hit_key(one.correlation, one.group) for one in world.written(lab)}
    partitions = lab.kafka.partitions
    return {
        (partition_of(groups[hit.event], partitions), partition_of(hit.key, partitions))
        for hit in counted
        if hit.event in groups
    }


def test_killed_workers_find_what_an_undisturbed_reading_finds(kafka: str, prefix: str) -> None:
    rules = world.rule_set()
    hits = world.hits_of(range(EVENTS), rules)
    expected = world.expected(hits, rules)
    lab = lab_of(kafka, prefix, partitions=4)
    world.apply(lab, rules)
    sender = world.sender_of(lab, hits, KILLS * SECONDS_A_KILL)
    with Workers(lab, None) as workers:
        sender.thread.start()
        workers.keep_running()
        wait_for(lambda: bool(world.written(lab)))  # a worker that has found nothing yet has nothing to lose
        workers.suffer(KILLS, SECONDS_A_KILL)
        sender.thread.join()
        workers.keep_running()
        wait_for(lambda: world.content(world.written(lab)) == expected)
        workers.end()
    assert (workers.killed, workers.faults) == (KILLS, [])
    assert sender.aborted > 0
    assert {one.correlation[-1] for one in world.written(lab)} >= {*CHAINED}
    assert any(inner != outer for inner, outer in links(lab))
    assert set(said(lab).values()) == {1}
