"""Policies and rules change while events flow and judges are killed: no event is judged by a half-loaded set."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from textwrap import dedent
from time import sleep

import pytest

from deploy.kafka import publish
from schemas.codec import Event, loads
from schemas.hit import Hit
from schemas.policyset import Document, PolicySet
from streams.judge.policy import CompiledPolicies
from streams.judge.rules import RulesInForce
from streams.judge.state import MARKS
from streams.rules.ruleset import RuleSet, parse_rules
from tests.streams.judge.broker import PATIENCE_SECONDS, Broker, broker_of, wait_for
from tests.streams.judge.lab import Lab, does, facts, parsed, policies
from tests.streams.judge.test_rules import CURL_RULE, DENIED_RULE, DOWNLOADS, REFUSALS, SHELL_RULE

pytestmark = pytest.mark.services

CHANGES = int(os.environ.get("TIDEWAITER_CHANGES", "100"))
KILL_EVERY = 20
EVENTS_A_CHANGE = 60
ENTITIES = [f"{number:012x}" for number in range(1, 12)]
PROGRAMS = ["/bin/sh", "/usr/bin/nginx", "/usr/bin/curl", "/opt/a"]

POLICIES = [
    policies(text)
    for text in (
        "policy: p\nfindings: {level: medium}\n",
        "policy: p\nfindings: {level: critical}\nexec: {deny: /usr/bin/nginx}\n",
        "policy: p\nfindings: {level: low}\nexec: {allow: '/**'}\n",
        "policy: p\nfindings: {level: low}\nexceptions: {rule: Shell*, principal: '*', reason: x, owner: o, expires: never}\n",
    )
]


def rule_set(*texts: str) -> RuleSet:
    return parse_rules(Document(f"{number}.yml", dedent(text)) for number, text in enumerate(texts))


RULES = [
    rule_set(),
    rule_set(SHELL_RULE),
    rule_set(SHELL_RULE.replace("high", "low"), CURL_RULE, DOWNLOADS),
    rule_set(SHELL_RULE, CURL_RULE, DENIED_RULE, DOWNLOADS, REFUSALS),
]


@dataclass(slots=True)
class Change:
    """Two judges, and what is changed and killed around them."""

    broker: Broker
    random: Random
    judges: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def apply(self) -> None:
        """Put another policy set or another rule set in force."""
        if self.random.random() < 0.5:
            publish(self.broker.kafka, "policies", "policies", self.random.choice(POLICIES).manifest())
        else:
            publish(self.broker.kafka, "policies", "rules", self.random.choice(RULES).manifest())

    def events(self) -> Iterator[Event]:
        for _ in range(EVENTS_A_CHANGE):
            done = does(self.random.choice(PROGRAMS)) if self.random.random() < 0.97 else facts()
            yield self.broker.event(self.random.choice(ENTITIES), done)

    def kill(self) -> None:
        wait_for(lambda: self.broker.members() == 2)
        slot = self.random.choice([0, 1])
        self.judges[slot].kill()
        self.judges[slot].communicate()
        self.judges[slot] = self.broker.start(slot)

    def is_said(self) -> bool:
        """Return whether nothing is left to be said anew, also of partitions whose judge was killed when it had judged the last event."""
        latest = [dict(records)[MARKS] for records in self.broker.committed("judge-state").values() if records]
        return not any(loads(marks)["doubtful"] for marks in latest)

    def run(self) -> None:
        for number in range(CHANGES):
            self.apply()
            self.broker.send(self.events())
            sleep(self.random.uniform(0, 0.3))
            if number % KILL_EVERY == KILL_EVERY - 1:
                self.kill()
        wait_for(self.broker.done)
        wait_for(self.is_said)
        for judge in self.judges.values():
            judge.send_signal(signal.SIGTERM)
            judge.communicate(timeout=PATIENCE_SECONDS)
            assert judge.returncode in (0, -signal.SIGTERM)  # one that was started last may not have begun


@dataclass(slots=True)
class Replay:
    """One partition judged again, each event by exactly the sets that the adoption records say were in force."""

    broker: Broker
    number: int
    lab: Lab = field(init=False)
    offset: int = 0
    adopted: dict[str, str] = field(default_factory=dict)
    waiting: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lab = Lab(CompiledPolicies.compile(PolicySet.empty()), number=self.number)

    def take(self, value: bytes) -> None:
        record = parsed(value)
        if record["event.action"] == "adoption":
            self._adopt(record)
            return
        if not self.waiting:
            self.waiting = self.lab.feed([self.broker.sent[self.number][self.offset]])
            self.offset += 1
        assert parsed(self.waiting.pop(0)) | {"event.id": ""} == record | {"event.id": ""}
        if record["event.action"] != "amendment":
            assert record["event.id"] == parsed(self.broker.sent[self.number][self.offset - 1].value())["event.id"]
        assert record["verdict.policy_hash"] == self.adopted["policies"]
        assert record["verdict.rules_hash"] == self.adopted["rules"]

    def _adopt(self, record: Event) -> None:
        subject, name = record["adoption.subject"], record["adoption.hash"]
        assert record["adoption.offset"] == self.offset
        assert not self.waiting
        assert self.adopted.get(subject) != name
        self.adopted[subject] = name
        if subject == "policies":
            chosen = next(one for one in [PolicySet.empty(), *POLICIES] if one.hash == name)
            self.lab.partition.adoptions.policies(CompiledPolicies.compile(chosen), self.offset, "")
        else:
            rules = next(one for one in RULES if one.hash == name)
            self.lab.partition.adoptions.rules(RulesInForce.compile(rules), self.offset, "")


def test_policies_and_rules_change_while_events_flow_and_judges_are_killed(kafka: str, prefix: str) -> None:
    broker = broker_of(kafka, prefix, policy=None, batch_events=40)
    change = Change(broker, Random(prefix), {slot: broker.start(slot) for slot in (0, 1)})
    try:
        change.run()
    finally:
        for judge in change.judges.values():
            judge.kill()
            judge.communicate()
    hits: Tally[Hit] = Tally()
    adoptions = 0
    adopted = {}
    for number, records in broker.committed("verdicts").items():
        replay = Replay(broker, number)
        for _, value in records:
            replay.take(value)
        assert replay.offset == len(broker.sent[number])
        hits.update(replay.lab.hits)
        adopted[number] = replay.adopted["policies"], replay.adopted["rules"]
        adoptions += sum(b'"event.action":"adoption"' in value for _, value in records)
    assert Tally(map(Hit.decode, broker.values("rule-hits"))) == hits
    assert hits
    unauthorized = [row for row in broker.rows().values() if row["activity.unauthorized"]]
    assert unauthorized
    for row in unauthorized:  # what an alert may be open for is said as it is decided now
        assert (row["verdict.policy_hash"], row["verdict.rules_hash"]) == adopted[row["activity.partition"]], row
    assert adoptions > CHANGES // 4
