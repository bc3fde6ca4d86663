"""Hits on a real Kafka, as judges write them, and what undisturbed correlation finds of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from textwrap import dedent
from typing import Final

from confluent_kafka import Producer

from deploy.kafka import publish
from schemas.event import timestamp
from schemas.finding import Finding
from schemas.hit import Hit
from schemas.policyset import Document
from schemas.topics import partition_of
from streams.rules.correlator import findings_of
from streams.rules.hits import Counting
from streams.rules.ruleset import RuleSet, parse_rules
from tests.streams.correlate.killing import Fate, Sender
from tests.streams.correlate.lab import Lab, produce

START: Final = 1_764_000_000
SECOND: Final = 1_000_000_000
_ID: Final = "5f0b6a0e-0000-4000-8000-00000000000"
_RULE: Final = """
    title: Rule {name}
    id: {id}{number}
    name: {name}
    level: low
    logsource: {{category: process_creation, product: linux}}
    detection:
      selection: {{Image|endswith: /{name}}}
      condition: selection
"""


def _correlation(number: int, text: str) -> str:
    body = "\n".join(f"      {line}" for line in text.split("; "))
    return f"    title: Correlation {number}\n    id: {_ID}{number}\n    level: high\n    correlation:\n{body}\n"


TEXTS: Final = (
    _RULE.format(name="alpha", id=_ID, number=1),
    _RULE.format(name="beta", id=_ID, number=2),
    _correlation(3, "type: event_count; rules: [alpha]; group-by: [entity.id]; timespan: 10s; condition: {gte: 25}"),
    _correlation(4, "type: temporal; rules: [alpha, beta]; group-by: [user.name]; timespan: 2s"),
    _correlation(
        5,
        "type: value_count; rules: [beta]; group-by: [user.name]; timespan: 30s; condition: {field: entity.id, gte: 3}",
    ),
    _correlation(6, f"type: event_count; rules: [{_ID}3]; timespan: 60s; condition: {{gte: 3}}"),
    _correlation(7, f"type: temporal_ordered; rules: [{_ID}6, beta]; timespan: 60s"),
)


def rule_set() -> RuleSet:
    """Return rules, correlations of several types, and chains of which every link is in a partition of its own."""
    rules = parse_rules([Document(f"{number}.yml", dedent(text)) for number, text in enumerate(TEXTS)])
    assert not rules.refused, rules.refused
    return rules


def hits_of(numbers: Sequence[int], rules: RuleSet) -> list[Hit]:
    """Return the hits of events with these numbers; entities and users come in bursts, at times that nearly follow each other."""
    counting, found = Counting.of(rules), list[Hit]()
    for number in numbers:
        chance = random.Random(number)
        burst = number // 40
        entity, user = f"{burst * 7919 % 50:012x}", f"user-{chance.randrange(200)}"
        moment = timestamp(START * SECOND + number * SECOND // 15 + chance.randrange(3 * SECOND))
        label = f"{_ID}{chance.choice([1, 1, 1, 2])}"
        record = {"user.name": user, "verdict.principal": f"principal-{user}"}
        for template in counting.templates(record, [label]):
            hit = template.hit(f"judge:0:{number:012d}", moment, entity, {})
            if hit is not None:
                found.append(hit)
    return found


def apply(lab: Lab, rules: RuleSet) -> None:
    """Put a rule set in force."""
    publish(lab.kafka, "policies", "rules", rules.manifest())


def content(findings: Sequence[Finding]) -> dict[str, tuple[object, ...]]:
    """Return by id what a finding says in the end; not on which way it came to that."""
    latest: dict[str, Finding] = {}
    for one in findings:
        if one.id not in latest or latest[one.id].revision < one.revision:
            latest[one.id] = one
    return {
        one.id: (one.first, one.last, one.count, one.events, one.event, one.entity, one.principal, one.continues)
        for one in latest.values()
    }


def written(lab: Lab) -> list[Finding]:
    """Return all revisions of findings that stand in the topic now."""
    return [Finding.decode(value or b"") for *_, value in lab.records("findings")]


def expected(hits: Sequence[Hit], rules: RuleSet) -> dict[str, tuple[object, ...]]:
    """Return what is found of hits by code that knows no Kafka."""
    return content(findings_of(hits, rules))


def sender_of(lab: Lab, hits: Sequence[Hit], seconds: float) -> Sender:
    """Return what writes hits as judges do; what is aborted are hits of events that never were, so that none may be counted."""

    def write(producer: Producer, numbers: range, fate: Fate) -> None:
        for number in numbers:
            hit = replace(hits[number], event=f"aborted:{number}") if fate == "aborted" else hits[number]
            place = partition_of(hit.key, lab.kafka.partitions)
            produce(producer, lab.kafka.topic("rule-hits"), hit.key, hit.encode(), place)

    return Sender(lab, len(hits), seconds, write)
