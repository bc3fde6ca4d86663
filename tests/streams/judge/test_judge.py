"""One session of a judge on a real Kafka: transactions that die, partitions that are lost, policies that change."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka import KafkaException

from schemas.codec import Event, encode_event
from schemas.deadletter import MAX_BYTES, decode_deadletter
from streams.judge.judge import Judge
from tests.streams.judge.broker import Broker, Died, broker_of, session, wait_for
from tests.streams.judge.lab import FORBID_NGINX, HEARTBEAT, does, facts, parsed

pytestmark = pytest.mark.services

ENTITIES = ["0123456789ab", "aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc", "host:node-1"]
POINTS = ("before begin", "verdicts produced", "state produced", "offsets sent", "committed")


def some_events(broker: Broker, times: int = 1, seconds: float = 0.0) -> list[Event]:
    deeds = [does("/bin/sh"), does("/usr/bin/nginx"), does("/opt/x"), does("/opt/x"), HEARTBEAT]
    return [broker.event(entity, deed, seconds=seconds) for _ in range(times) for entity in ENTITIES for deed in deeds]


def some_facts(broker: Broker, entities: list[str] | None = None) -> list[Event]:
    return [broker.event(entity, facts()) for entity in entities or ENTITIES[:3]]


def fails_at(point: str) -> Callable[[str], None]:
    """Return a hook that fails when a judge comes by a point."""

    def fail(reached: str) -> None:
        if reached == point:
            raise Died(point)

    return fail


def test_a_failure_at_every_point_loses_and_doubles_nothing(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, batch_events=10)
    broker.send(some_facts(broker, ENTITIES[:1]))
    broker.judge()
    for number, point in enumerate(POINTS):
        broker.send([*some_events(broker), *(some_facts(broker) if number == 2 else [])])
        before = broker.offsets(), broker.committed("verdicts")
        with pytest.raises(Died, match=point):
            broker.judge(at=fails_at(point))
        assert ((broker.offsets(), broker.committed("verdicts")) == before) == (point != "committed")
    broker.judge()
    broker.check()


def test_after_every_failure_the_next_session_begins_where_nothing_is_skipped(kafka: str, prefix: str) -> None:
    """One session after another dies in its third transaction, so each has judged a little more."""
    broker = broker_of(kafka, prefix, batch_events=5)
    broker.send([*some_events(broker, 2), *some_facts(broker), *some_events(broker, 2)])
    deaths = 0
    for point in POINTS * 2:
        passed = 0

        def third(reached: str, point: str = point) -> None:
            nonlocal passed
            passed += reached == point
            if passed == 3:
                raise Died(point)

        try:
            broker.judge(at=third)
        except Died:
            deaths += 1
    assert deaths >= 5
    broker.judge()
    broker.check()


def test_garbage_goes_to_dead_letters_in_the_same_transaction(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix)
    key, good = ENTITIES[0].encode(), encode_event(broker.event(ENTITIES[0], does("/bin/sh")))
    garbage = [b"\x00\xff garbage", b"{}", good[:-2], good.replace(b"event.dataset", b"event.nothing")]
    garbage.append(good[:-1] + b',"url.path":"' + b"x" * 900_000 + b'"}')
    broker.send_raw([(key, garbage[0]), (key, good), *((key, value) for value in garbage[1:]), (key, None)])
    for point in ("state produced", "offsets sent"):
        with pytest.raises(Died):
            broker.judge(at=fails_at(point))
    assert broker.values("deadletters") == []
    broker.judge()
    letters = [decode_deadletter(value) for value in broker.values("deadletters")]
    assert [letter.data for letter in letters] == [*(value[:MAX_BYTES] for value in garbage), key]
    partition = next(number for number, records in broker.sent.items() if records)
    assert [letter.place for letter in letters] == [
        f"{broker.kafka.topic('events')}/{partition}/{offset}" for offset in (0, 2, 3, 4, 5, 6)
    ]
    assert {(letter.stage, letter.process) for letter in letters} == {("judge", "judge-0")}
    broker.check()


def test_events_of_foreign_producers_are_judged_alike(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix)
    broker.send(some_facts(broker))
    own = [broker.event(ENTITIES[0], does("/bin/sh")) for _ in range(2)]
    foreign = {"verdict.outcome": "authorized", "workload.name": "x", **own[0], "ecs.version": "8.0.0"}
    broker.send([own[0]])
    broker.send_raw([(ENTITIES[0].encode(), str(dict(reversed(foreign.items()))).replace("'", '"').encode())])
    broker.send([own[1]])
    broker.judge()
    broker.check()
    first, second = (value for value in broker.values("verdicts") if own[0]["event.id"].encode() in value)
    assert first == second


def test_a_judge_that_has_lost_a_partition_in_mid_batch_cannot_commit_it(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, client={"max.poll.interval.ms": 6_000})
    broker.send([*some_events(broker), *some_facts(broker), *some_events(broker)])

    def lose(point: str) -> None:
        if point == "before begin":
            broker.judge(slot=1)

    with pytest.raises(KafkaException) as refused:
        broker.judge(at=lose)
    assert not isinstance(refused.value, Died)
    broker.check()
    broker.send(some_events(broker))
    broker.judge()
    broker.check()


def test_a_judge_that_has_lost_its_partitions_cannot_write_their_state_when_it_stops(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, client={"max.poll.interval.ms": 6_000}, flush_seconds=1_000)
    broker.send([*some_facts(broker), *some_events(broker)])
    with session(broker.slot(0)) as stalled:
        while not broker.done():
            stalled.step()
        broker.send(some_events(broker))
        broker.judge(slot=1)
        with pytest.raises(KafkaException):
            stalled.run(lambda: True)
    broker.check()
    broker.send(some_events(broker))
    broker.judge()
    broker.check()


def test_a_judge_that_is_stopped_before_it_has_partitions_just_stops(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix)
    with session(broker.settings) as judge:
        judge.run(lambda: True)
    with session(broker.settings):
        wait_for(lambda: broker.members() == 1)
    assert broker.members() == 0
    assert broker.values("judge-state") == []


def test_a_stop_commits_everything_and_leaves_the_group_at_once(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, flush_seconds=1_000, batch_events=10)
    broker.send([*some_facts(broker), *some_events(broker, 3)])
    broker.judge()
    assert broker.members() == 0
    broker.check()


def test_two_judges_share_the_partitions_and_one_takes_over(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, partitions=4, batch_events=20)
    broker.send([*some_facts(broker), *some_events(broker, 3)])
    with broker.running(0):
        wait_for(broker.done)
        with broker.running(1):
            wait_for(lambda: broker.members() == 2)
            for _ in range(5):
                broker.send(some_events(broker))
            wait_for(broker.done)
        broker.send([*some_facts(broker, ENTITIES[3:4]), *some_events(broker, 2)])
        wait_for(broker.done)
    broker.check()


def test_a_policy_set_is_adopted_between_transactions_and_decides_from_there(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, batch_events=7, policy=None)
    old = broker.publish(FORBID_NGINX.replace("deny", "allow"))
    broker.send(some_facts(broker))
    with broker.running():
        for _ in range(4):
            broker.send(some_events(broker))
        wait_for(broker.done)
        new = broker.publish(FORBID_NGINX)
        for _ in range(20):
            broker.send(some_events(broker))
        wait_for(broker.done)
        wait_for(lambda: len([one for one in broker.verdicts() if one.get("adoption.hash") == new]) == 2)
    for number, records in broker.committed("verdicts").items():
        judged = [parsed(value) for _, value in records]
        adoptions = [one for one in judged if one["event.action"] == "adoption"]
        assert [one["adoption.hash"] for one in adoptions if one["adoption.subject"] == "policies"] == [old, new]
        in_force, offset = "", -1
        for one in judged:
            if one["event.action"] == "adoption":
                in_force = one["adoption.hash"] if one["adoption.subject"] == "policies" else in_force
                assert one["adoption.offset"] == offset + 1
                continue
            offset += 1
            if "verdict.outcome" in one:
                assert one["verdict.policy_hash"] == in_force
            if one.get("process.executable") == "/usr/bin/nginx":
                assert one["verdict.outcome"] == ("authorized" if in_force == old else "unauthorized")
        assert offset + 1 == len(broker.sent[number])


def test_events_deleted_before_they_were_judged_are_a_gap_and_judging_goes_on(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix)
    broker.send(some_facts(broker))
    broker.judge()
    broker.send(some_events(broker, 2))
    ends = {number: len(records) for number, records in broker.sent.items()}
    firsts = broker.offsets()
    broker.delete_before({0: ends[0] - 1, 1: ends[1]})
    broker.send(some_events(broker))
    broker.judge()
    broker.judge()
    broker.send(some_events(broker))
    broker.judge()
    gaps = [one for one in broker.verdicts() if one["event.action"] == "telemetry-gap"]
    assert {(one["event.id"][:10], one["gap.first"], one["gap.last"], one["gap.count"]) for one in gaps} == {
        ("judge:0000", f"offset {firsts[0]}", f"offset {ends[0] - 2}", ends[0] - 1 - firsts[0]),
        ("judge:0001", f"offset {firsts[1]}", f"offset {ends[1] - 1}", ends[1] - firsts[1]),
    }
    assert len(gaps) == 2
    assert {(one["verdict.outcome"], one["event.kind"]) for one in gaps} == {("unauthorized", "alert")}
    counted = sum(row["activity.count"] for row in broker.rows().values())
    beats = len([one for one in broker.verdicts() if one["event.action"] == "heartbeat"])
    adoptions = 4  # of policies and of rules, in each partition
    assert counted == len(broker.verdicts()) - beats - adoptions


def test_a_judge_whose_next_events_are_deleted_while_it_runs_finds_the_gap(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, partitions=1)
    broker.send(some_facts(broker))
    with session(broker.settings) as judge:
        while not broker.done():
            judge.step()
        with judge.paused():
            broker.send(some_events(broker))
            broker.delete_before({0: broker.total - 3})
        with pytest.raises(KafkaException):
            step_until_done(judge, broker)
    with broker.running():
        wait_for(broker.done)
    (gap,) = [one for one in broker.verdicts() if one["event.action"] == "telemetry-gap"]
    assert gap["gap.count"] == broker.total - 3 - 3


def step_until_done(judge: Judge, broker: Broker) -> None:
    while not broker.done():
        judge.step()


def test_counts_that_changed_are_flushed_though_nothing_comes(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, partitions=1)
    broker.send([*some_facts(broker), *some_events(broker)])
    with broker.running():
        wait_for(broker.done)
        wait_for(lambda: sum(row["activity.count"] for row in broker.rows().values()) == broker.total - len(ENTITIES))
    broker.check()
