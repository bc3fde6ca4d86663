"""Judges as processes: killed at random moments, fenced, stopped."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from random import Random
from time import sleep

import pytest

from schemas.codec import Event
from schemas.errors import ConfigurationError
from tests.streams.judge.broker import PATIENCE_SECONDS, Broker, Running, broker_of, wait_for
from tests.streams.judge.lab import HEARTBEAT, does, facts

pytestmark = pytest.mark.services

HOURS = 7
KILLS = int(os.environ.get("TIDEWAITER_KILLS", "4"))
EVENTS_A_KILL = 3_000
ENTITIES = [f"{number:012x}" for number in range(1, 20)]

DIES = """
import os, sys
from schemas.settings import load_settings
from streams.judge.judge import Judge
Judge(load_settings(), at=lambda point: point == sys.argv[1] and os._exit(9)).run(lambda: False)
"""


def load(broker: Broker, random: Random, events: int) -> Iterator[Event]:
    """Yield what containers do over hours, some of it before their facts come, some of it never done before."""
    for number in range(events):
        entity, seconds = random.choice(ENTITIES), number / 100 + number * HOURS // events * 3600
        kind = random.random()
        if kind < 0.01:
            fields = facts(random.choice(["web", "db"]), **{"container.name": f"n{number}"})
        elif kind < 0.02:
            fields = HEARTBEAT
        elif kind < 0.025:
            fields = does("", **{"event.action": "container-destroy"})
        elif kind < 0.05:
            fields = does(f"/opt/new-{random.random()}")
        else:
            fields = does(random.choice(["/bin/sh", "/usr/bin/nginx", "/opt/a", "/opt/b"]))
        yield broker.event(entity, fields, collector=random.choice(["shop", "node"]), seconds=seconds)


def test_judges_that_are_killed_at_random_moments_lose_and_double_nothing(kafka: str, prefix: str) -> None:
    broker, random = broker_of(kafka, prefix, partitions=4, batch_events=50), Random(prefix)
    judges = {slot: broker.start(slot) for slot in (0, 1)}
    try:
        for _ in range(KILLS):
            broker.send(load(broker, random, EVENTS_A_KILL))
            before = broker.offsets()
            wait_for(lambda before=before: broker.offsets() != before)  # type: ignore[misc]  # a default of a lambda
            sleep(random.uniform(0, 0.4))
            slot = random.choice([0, 1])
            judges[slot].kill()
            judges[slot].communicate()
            judges[slot] = broker.start(slot)
        broker.send(load(broker, random, EVENTS_A_KILL))
        wait_for(broker.done)
        for judge in judges.values():
            judge.send_signal(signal.SIGTERM)
        assert [(judge.communicate(timeout=PATIENCE_SECONDS), judge.returncode)[1] for judge in judges.values()] == [
            0,
            0,
        ]
    finally:
        for judge in judges.values():
            judge.kill()
            judge.communicate()
    assert broker.members() == 0
    broker.check()


@pytest.mark.parametrize(("point", "successor"), [("state produced", 1), ("offsets sent", 0), ("offsets sent", 1)])
def test_a_judge_that_dies_in_a_transaction_is_succeeded(kafka: str, prefix: str, point: str, successor: int) -> None:
    """The same slot ends the open transaction at once; another one waits until it times out."""
    broker = broker_of(kafka, prefix)
    broker.send(load(broker, Random(point), 300))
    broker.judge()
    broker.send(load(broker, Random(point), 300))
    dying = broker.start(0, "-c", DIES, point)
    dying.communicate(timeout=PATIENCE_SECONDS)
    assert dying.returncode == 9
    broker.send(load(broker, Random(point), 300))
    broker.judge(slot=successor)
    broker.check()


def test_a_second_judge_of_a_slot_ends_the_first_with_one_clear_error(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix)
    broker.send(load(broker, Random(1), 200))
    first = Running(broker.settings)
    first.thread.start()
    wait_for(broker.done)
    with broker.running():
        # If a flush was due, the first has been told before the second is a member.
        wait_for(lambda: broker.members() == 2 or not first.thread.is_alive())
        broker.send(load(broker, Random(2), 200))
        first.thread.join(PATIENCE_SECONDS)
        assert isinstance(first.error, ConfigurationError)
        assert "another judge runs with slot 0" in str(first.error)
        assert "TIDEWAITER_JUDGE__SLOT" in str(first.error)
        broker.send(load(broker, Random(3), 200))
        wait_for(broker.done)
    broker.check()


def test_a_process_that_is_fenced_says_so_and_ends(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, partitions=1)
    first = broker.start(0)
    try:
        broker.send(load(broker, Random(1), 50))
        wait_for(broker.done)
        broker.judge()
        broker.send(load(broker, Random(2), 50))
        with broker.running():
            said, _ = first.communicate(timeout=PATIENCE_SECONDS)
            wait_for(broker.done)
    finally:
        first.kill()
    assert first.returncode != 0
    assert b"another judge runs with slot 0" in said
    assert b"Traceback" not in said
    broker.check()
