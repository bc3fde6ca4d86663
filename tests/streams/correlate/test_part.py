"""One partition without Kafka: what is taken, what is passed over, and when it counts as taken."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from threading import Event as Flag
from typing import Any, cast

import pytest
from faust.types import Message

from schemas.deadletter import DeadLetter
from schemas.policyset import PolicySet
from streams.applied import Applied
from streams.correlate.output import Output
from streams.correlate.part import Part, appended_ms
from streams.correlate.restore import LIVE, Restored
from streams.correlate.types import Record
from streams.rules.ruleset import RuleSet
from tests.streams.correlate.lab import BAD, StandIn

PATIENCE_SECONDS = 10.0
IN_FORCE = Applied(PolicySet.empty(), RuleSet.empty())


class Writer:
    """An output that keeps what it is given; it takes its time, or fails, if told so."""

    def __init__(self) -> None:
        self.written: list[Record] = []
        self.letters: list[DeadLetter] = []
        self.fails = False
        self.begun = Flag()
        self.go_on = Flag()
        self.go_on.set()

    def write(self, records: Sequence[Record], letters: Sequence[DeadLetter] = ()) -> None:
        if self.fails:
            raise ConnectionError
        self.begun.set()
        assert self.go_on.wait(PATIENCE_SECONDS)
        self.written += records
        self.letters += letters


class Lab:
    """A live part whose chains have fetched ten records of each topic."""

    def __init__(self) -> None:
        self.shard = StandIn(0, PolicySet.empty())
        self.writer = Writer()
        restored = Restored(self.shard, cast("Output", self.writer), positions=dict.fromkeys(LIVE, 0))
        self.part = Part("correlate-0", restored, IN_FORCE)
        self.part.live = True
        self.part.rows.fetched(range(10))
        self.part.decisions.fetched(range(10))
        self.part.hits.fetched(range(10))


def message(offset: int, value: bytes | None = b"value", key: bytes | None = b"principal|1") -> Message:
    return Message("topic", 0, offset, 1_700_000_000.123, 1, None, key, value, None)


def run(steps: Any) -> Any:
    return asyncio.run(asyncio.wait_for(steps, PATIENCE_SECONDS))


def test_records_are_taken_in_order_and_once() -> None:
    async def steps() -> None:
        lab = Lab()
        assert await lab.part.take_row(message(0)) == "taken"
        assert await lab.part.take_row(message(0, b"again")) == "passed over"
        assert await lab.part.take_row(message(2, b"too early")) == "passed over"
        assert await lab.part.take_decision(message(1)) == "passed over"
        assert await lab.part.take_decision(message(0)) == "taken"
        assert lab.shard.rows == {b"principal|1": b"value"}
        assert list(lab.shard.decisions) == [0]
        assert (lab.part.rows.position, lab.part.decisions.position) == (1, 1)
        assert lab.shard.times == [1_700_000_000_123] * 2

    run(steps())


def test_a_decision_is_taken_when_what_follows_is_written() -> None:
    async def steps() -> None:
        lab = Lab()
        lab.writer.go_on.clear()
        taking = asyncio.create_task(lab.part.take_decision(message(0)))
        assert await asyncio.to_thread(lab.writer.begun.wait, PATIENCE_SECONDS)
        assert lab.part.decisions.position == 0
        lab.writer.go_on.set()
        assert await taking == "taken"
        assert lab.part.decisions.position == 1
        assert lab.writer.written == [("baselines", b"principal|1", b"0")]

    run(steps())


def test_what_fails_to_be_written_is_not_taken() -> None:
    async def steps() -> None:
        lab = Lab()
        lab.writer.fails = True
        with pytest.raises(ConnectionError):
            await lab.part.take_decision(message(0))
        assert lab.part.decisions.position == 0

    run(steps())


def test_a_hit_is_taken_once_and_what_it_leads_to_is_said_by_a_tick() -> None:
    async def steps() -> None:
        lab = Lab()
        assert await lab.part.take_hit(message(0)) == "taken"
        assert await lab.part.take_hit(message(0)) == "passed over"
        assert lab.shard.hits == [b"value"]
        assert lab.part.hits.position == 1
        assert lab.writer.written == []

    run(steps())


def test_a_halt_waits_for_what_is_being_written_and_lets_nothing_follow() -> None:
    async def steps() -> None:
        lab = Lab()
        lab.writer.go_on.clear()
        first = asyncio.create_task(lab.part.take_decision(message(0)))
        assert await asyncio.to_thread(lab.writer.begun.wait, PATIENCE_SECONDS)
        waiting = [
            asyncio.create_task(lab.part.take_decision(message(1))),
            asyncio.create_task(lab.part.tick(IN_FORCE, 0)),
        ]
        await asyncio.sleep(0)
        halt = asyncio.create_task(lab.part.halt())
        await asyncio.sleep(0.1)
        assert not halt.done()
        lab.writer.go_on.set()
        await halt
        assert await first == "taken"
        assert await asyncio.gather(*waiting) == ["passed over", None]
        assert await lab.part.take_row(message(0)) == "passed over"
        assert lab.part.decisions.position == 1
        assert lab.shard.ticks == []
        assert lab.writer.written == [("baselines", b"principal|1", b"0")]

    run(steps())


@pytest.mark.parametrize("topic", ["rows", "decisions", "hits"])
def test_what_cannot_be_read_is_buried_and_passed(topic: str) -> None:
    async def steps() -> None:
        lab = Lab()
        take = {"rows": lab.part.take_row, "decisions": lab.part.take_decision, "hits": lab.part.take_hit}[topic]
        assert await take(message(0, BAD)) == "dead"
        assert getattr(lab.part, topic).position == 1
        assert [(letter.place, letter.data) for letter in lab.writer.letters] == [("topic/0/0", BAD)]
        lab.part.live = False
        assert await take(message(1, BAD)) == "passed over"

    run(steps())


def test_a_decision_without_key_or_value_is_buried() -> None:
    async def steps() -> None:
        lab = Lab()
        assert await lab.part.take_decision(message(0, None)) == "dead"
        assert await lab.part.take_decision(message(1, b"value", None)) == "dead"
        assert [letter.data for letter in lab.writer.letters] == [b"principal|1", b"value"]

    run(steps())


def test_a_tick_adopts_what_has_changed_first_and_only_a_live_part_ticks() -> None:
    async def steps() -> None:
        lab = Lab()
        changed = Applied(PolicySet.empty(), IN_FORCE.rules)
        lab.part.live = False
        await lab.part.tick(changed, 1)
        assert lab.shard.ticks == []
        lab.part.live = True
        await lab.part.tick(changed, 2)
        await lab.part.tick(changed, 3)
        assert lab.shard.ticks == [2, 3]
        assert (len(lab.shard.policies), len(lab.shard.rules)) == (2, 0)
        await lab.part.tick(Applied(changed.policies, replace(IN_FORCE.rules)), 4)
        assert (len(lab.shard.policies), len(lab.shard.rules)) == (2, 1)
        assert [topic for topic, *_ in lab.writer.written] == ["baselines"]

    run(steps())


@pytest.mark.parametrize("milliseconds", [0, 1, 999, 1_700_000_000_001, 1_790_000_000_999, 4_102_444_800_123])
def test_the_time_of_appending_survives_fausts_seconds(milliseconds: int) -> None:
    assert appended_ms(Message("topic", 0, 0, milliseconds / 1000.0, 1, None, b"", b"", None)) == milliseconds
