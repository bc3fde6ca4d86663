"""What correlations find is told once, by the judge of the entity, and judged like the finding of any sensor."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from confluent_kafka import KafkaException, Producer

from schemas.finding import Finding
from schemas.hit import Hit
from schemas.topics import partition_of
from streams.judge.correlated import tell_findings
from streams.judge.policy import CompiledPolicies
from tests.schemas.test_finding import FINDING
from tests.streams.judge.broker import Broker, Died, broker_of, session, wait_for
from tests.streams.judge.lab import Lab, at, does, envelope, facts, message, policies

ENTITIES = ["0123456789ab", "aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"]
EXCEPTED = """
policy: excepted
findings:
  level: high
exceptions:
  - rule: Many shells
    principal: "*"
    reason: a load test
    owner: ada@example.com
    expires: 2030-01-01
"""


def finding(number: int, entity: str = ENTITIES[0]) -> Finding:
    return replace(FINDING, id=f"{number:024x}", entity=entity, told=entity, time=at(number))


def test_what_is_news_is_told_of_the_entity_that_fulfilled_it() -> None:
    lab = Lab()
    lab.judge([message(0, envelope(1, ENTITIES[0]) | facts())])
    (told,) = lab.commit(tell_findings([(0, finding(7))], lab.partition))
    assert (told["event.id"], told["entity.id"], told["@timestamp"]) == ("judge:0000:000000000001", ENTITIES[0], at(7))
    assert (told["event.kind"], told["event.action"]) == ("alert", "correlation")
    assert (told["rule.name"], told["rule.level"], told["threat.technique.id"]) == ("Many shells", "high", ["T1059"])
    assert (told["finding.count"], told["finding.group"]) == (3, ["user.name=root"])
    assert (told["verdict.outcome"], told["verdict.rule.name"]) == ("unauthorized", "Many shells")
    assert told["workload.name"] == "web"


def test_an_exception_sets_a_finding_aside() -> None:
    lab = Lab(CompiledPolicies.compile(policies(EXCEPTED)))
    (told,) = lab.commit(tell_findings([(0, finding(7))], lab.partition))
    assert (told["verdict.outcome"], "verdict.exception" in told) == ("undetermined", True)


def test_what_goes_on_was_told_or_only_feeds_others_is_passed_over() -> None:
    lab = Lab()
    others = [replace(finding(1), revision=2), replace(finding(2), continues=True), replace(finding(3), reported=False)]
    assert tell_findings(enumerate(others), lab.partition) == []
    assert len(tell_findings([(2, finding(4)), (3, finding(5))], lab.partition)) == 1
    assert lab.partition.ledger.marks.findings == 4


def test_a_judge_that_begins_anew_knows_what_was_told() -> None:
    lab = Lab()
    lab.commit(tell_findings([(0, finding(1))], lab.partition))
    lab.restart()
    assert lab.commit(tell_findings([(0, finding(1))], lab.partition)) == []
    assert len(lab.commit(tell_findings([(1, finding(2))], lab.partition))) == 1


def test_what_is_told_makes_no_hits() -> None:
    lab = Lab()
    lab.commit(tell_findings([(0, finding(1))], lab.partition))
    assert lab.hits == list[Hit]()


# On a real Kafka


def put(broker: Broker, *findings: Finding) -> None:
    producer = Producer(broker.kafka.client_configuration())
    for one in findings:
        number = partition_of(one.told.encode(), broker.kafka.partitions)
        producer.produce(broker.kafka.topic("findings"), key=one.key, value=one.encode(), partition=number)
    assert producer.flush(30) == 0


def told(broker: Broker) -> Tally[str]:
    return Tally(one["finding.id"] for one in broker.verdicts() if one["event.action"] == "correlation")


@pytest.mark.services
def test_each_finding_is_told_once_whenever_a_judge_dies_and_whichever_of_two_has_its_partition(
    kafka: str, prefix: str
) -> None:
    broker = broker_of(kafka, prefix)
    broker.send(broker.event(entity, does("/usr/bin/nginx")) for entity in ENTITIES)
    findings = [finding(number, entity) for number, entity in enumerate(ENTITIES)]
    put(broker, *findings, *(replace(one, revision=2) for one in findings))
    deaths = 0
    for due in range(4):
        seen = count()

        def at_point(point: str, due: int = due, seen: Iterator[int] = seen) -> None:
            if next(seen) == due:
                raise Died(point)

        with session(broker.slot(0), at=at_point) as judge, pytest.raises(KafkaException):
            judge.run(lambda: False)
        deaths += 1
    more = [finding(number + 10, entity) for number, entity in enumerate(ENTITIES)]
    with broker.running(0), broker.running(1):
        wait_for(lambda: len(told(broker)) == len(findings))
        put(broker, *more)
        wait_for(lambda: len(told(broker)) == len(findings) + len(more))
    assert told(broker) == dict.fromkeys((one.id for one in (*findings, *more)), 1)
    assert deaths == 4
    keys = {key.decode(): number for number, records in broker.committed("verdicts").items() for key, _ in records}
    assert all(partition_of(entity.encode(), broker.kafka.partitions) == keys[entity] for entity in ENTITIES)
