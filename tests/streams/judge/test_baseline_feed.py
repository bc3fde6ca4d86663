"""Baselines on a real Kafka: read before anything is decided, adopted by all judges, their lives told once."""

from __future__ import annotations

from collections import Counter as Tally
from statistics import median
from threading import Thread
from time import sleep, time_ns

import pytest
from confluent_kafka import Producer

from deploy.kafka import publish
from schemas.baseline import Elements, Profile
from schemas.codec import Event
from schemas.errors import ConfigurationError
from schemas.event import parse_time
from schemas.topics import partition_of
from streams.baseline.seen import is_gap
from streams.judge.baselines import BaselineFeed
from streams.kafka import transactional_producer
from tests.streams.judge.broker import Broker, broker_of, session, wait_for
from tests.streams.judge.lab import does, facts, parsed
from tests.streams.judge.test_baselines import change, profile_of

pytestmark = pytest.mark.services

WEB, DB = "container:/shop/web/", "container:/shop/db/"
ENTITIES = ["0123456789ab", "aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc", "dddddddddddd", "eeeeeeeeeeee"]
NGINX = does("/usr/bin/httpd")
"""A program of which the policy of all brokers says nothing."""

KNOWN: Elements = {"exec": (("/usr/bin/httpd",),)}


def put(broker: Broker, profile: Profile) -> None:
    publish(broker.kafka, "baselines", profile.principal, profile.encode())


def write(producer: Producer, broker: Broker, profile: Profile) -> None:
    """Produce a profile within a transaction that is open."""
    number = partition_of(profile.principal.encode(), broker.kafka.partitions)
    producer.produce(broker.kafka.topic("baselines"), key=profile.principal, value=profile.encode(), partition=number)
    assert producer.flush(30) == 0


def writer(broker: Broker) -> Producer:
    producer = transactional_producer(broker.kafka, f"{broker.kafka.topic_prefix}writer")
    producer.init_transactions(30)
    return producer


def versions(feed: BaselineFeed, *principals: str) -> list[int | None]:
    found = [feed.current.of(principal) for principal in principals]
    return [one.baseline.version if one else None for one in found]


def test_everything_is_read_before_anything_is_decided_and_nothing_that_was_aborted(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, partitions=4)
    producer, many = writer(broker), [f"container:/shop/{number}/" for number in range(200)]
    for version, commits in ((1, True), (2, False), (3, True), (4, False)):
        producer.begin_transaction()
        for principal in many if version < 3 else many[::2]:
            write(producer, broker, profile_of(principal, KNOWN, version))
        if commits:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)
    feed = BaselineFeed(broker.kafka, "feed")
    assert versions(feed, *many) == [3, 1] * 100
    assert feed.poll() == {}
    put(broker, profile_of(many[1], None))
    put(broker, profile_of(many[0], KNOWN, 3, [change(1)]))
    moved: dict[str, bool] = {}
    collect(feed, moved, 2)
    assert moved == {many[0]: False, many[1]: True}
    assert versions(feed, *many[:2]) == [3, None]
    feed.close()


def collect(feed: BaselineFeed, moved: dict[str, bool], count: int) -> None:
    def have_all() -> bool:
        moved.update(feed.poll())
        return len(moved) == count

    wait_for(have_all)


def test_a_version_that_is_being_written_is_waited_for(kafka: str, prefix: str) -> None:
    """A judge that begins then must not decide by what was in force before, and adopt a moment later what was there already."""
    broker = broker_of(kafka, prefix)
    put(broker, profile_of(WEB, KNOWN, 1))
    producer, feeds = writer(broker), list[BaselineFeed]()
    producer.begin_transaction()
    write(producer, broker, profile_of(WEB, {"exec": ()}, 2))
    reading = Thread(target=lambda: feeds.append(BaselineFeed(broker.kafka, "feed")))
    reading.start()
    sleep(1.5)
    assert reading.is_alive()
    producer.commit_transaction(30)
    reading.join(60)
    (feed,) = feeds
    assert versions(feed, WEB) == [2]
    feed.close()


def test_a_profile_that_cannot_be_read_stops_the_judge(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix)
    publish(broker.kafka, "baselines", WEB, b"garbage")
    with pytest.raises(ConfigurationError, match=f"the baseline of {WEB}"):
        BaselineFeed(broker.kafka, "feed")


def some_facts(broker: Broker) -> list[Event]:
    return [broker.event(entity, facts("web" if number % 2 else "db")) for number, entity in enumerate(ENTITIES)]


def some_events(broker: Broker) -> list[Event]:
    return [broker.event(entity, NGINX) for entity in ENTITIES]


def adoptions(broker: Broker) -> list[Event]:
    return [one for one in broker.verdicts() if one.get("adoption.subject") == "baselines"]


def test_a_new_version_takes_effect_on_all_judges_within_a_second(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, partitions=4)
    broker.send(some_facts(broker))
    delays: list[float] = []
    with broker.running(0), broker.running(1):
        wait_for(lambda: broker.members() == 2)
        wait_for(broker.done)
        for version in range(1, 6):
            before, published = len(adoptions(broker)), time_ns()
            put(broker, profile_of(WEB, KNOWN if version % 2 else {"exec": ()}, version))
            wait_for(lambda before=before: len(adoptions(broker)) == before + 4)  # type: ignore[misc]  # bound at once
            latest = max(parse_time(one["@timestamp"]) for one in adoptions(broker))
            delays.append((latest - published) / 1e9)
            broker.send(some_events(broker))
            wait_for(broker.done)
    assert median(delays) < 1.0
    judged = [one for one in broker.verdicts() if one.get("verdict.principal") == WEB and one["event.action"] == "exec"]
    given = Tally((one["verdict.baseline.version"], one["verdict.outcome"]) for one in judged)
    assert given == {(version, "authorized" if version % 2 else "unauthorized"): 3 for version in range(1, 6)}


def test_the_version_that_decides_was_adopted_before_in_every_partition_and_once(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, batch_events=5)
    put(broker, profile_of(WEB, KNOWN, 1))
    broker.send([*some_facts(broker), *some_events(broker)])
    broker.judge()
    put(broker, profile_of(WEB, {"exec": ()}, 2))
    broker.send(some_events(broker))
    broker.judge()
    broker.send(some_events(broker))
    broker.judge()
    for records in broker.committed("verdicts").values():
        judged = [parsed(value) for _, value in records]
        hashes = [one["adoption.hash"] for one in judged if one.get("adoption.subject") == "baselines"]
        assert len(hashes) == len(set(hashes)) == 2
        adopted = 0
        for one in judged:
            adopted += one.get("adoption.subject") == "baselines"
            if one["event.action"] == "exec" and one["verdict.principal"] == WEB:
                assert one["verdict.baseline.version"] == adopted
    assert {one["verdict.baseline.version"] for one in broker.verdicts() if "verdict.baseline.version" in one} == {1, 2}


def told(broker: Broker) -> Tally[tuple[str, int]]:
    changes = [one for one in broker.verdicts() if one["event.action"] == "baseline-change"]
    return Tally((one["baseline.principal"], one["baseline.version"]) for one in changes)


def test_every_step_of_a_life_is_told_once_whoever_judges_and_dies(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, partitions=4)
    principals = [f"container:/shop/{number}/" for number in range(8)]
    steps = [change(number) for number in range(1, 8)]

    def live(count: int) -> None:
        for principal in principals:
            put(broker, profile_of(principal, KNOWN, count, steps[:count]))

    live(1)
    with broker.running(0):
        wait_for(lambda: told(broker).total() == 8)
        live(2)
        wait_for(lambda: told(broker).total() == 16)
    live(3)
    live(4)
    with broker.running(0), broker.running(1):
        wait_for(lambda: broker.members() == 2)
        wait_for(lambda: told(broker).total() >= 32)
        live(5)
        live(6)
        wait_for(lambda: told(broker).total() >= 48)
    with broker.running(1):
        live(7)
        wait_for(lambda: told(broker).total() >= 56)
        sleep(1)
    assert told(broker) == {(principal, number): 1 for principal in principals for number in range(1, 8)}
    for number, records in broker.committed("verdicts").items():
        names = [principal for principal in principals if partition_of(principal.encode(), 4) == number]
        content = b"".join(value for _, value in records)
        assert [name for name in principals if f'"baseline.principal":"{name}"'.encode() in content] == names


def test_a_step_whose_transaction_dies_is_told_by_the_next_session(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix)
    put(broker, profile_of(WEB, KNOWN, 1, [change(1)]))

    def die(point: str) -> None:
        if point == "offsets sent":
            raise RuntimeError(point)

    broker.send(some_facts(broker))
    with pytest.raises(RuntimeError, match="offsets sent"):
        broker.judge(at=die)
    assert told(broker) == {}
    broker.judge()
    assert told(broker) == {(WEB, 1): 1}
    with session(broker.settings) as judge:
        for _ in range(20):
            judge.step()
    assert told(broker) == {(WEB, 1): 1}


def test_the_row_of_a_gap_stands_in_every_partition_whoever_tells_of_it(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, partitions=4)
    lost = {"event.kind": "alert", "event.action": "telemetry-gap", "gap.cause": "audit records lost"}
    broker.send([broker.event(entity, does("", **lost)) for entity in ("host:node-1", "collector:shop")])
    broker.send(some_events(broker))
    broker.judge()
    broker.send(some_events(broker))
    broker.delete_before({number: len(records) for number, records in broker.sent.items() if number == 0})
    broker.judge()
    broker.judge()
    for records in broker.committed("activities").values():
        gaps = {key.partition(b"|")[0] for key, value in records if is_gap(value)}
        assert gaps == {b"host:node-1", b"collector:shop", b"unknown:judge"}
