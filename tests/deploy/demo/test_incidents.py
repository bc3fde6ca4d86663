"""What alerts tell of the recordings of real containers, through the pure core: no service is needed."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import pytest

from deploy.demo.recording import Recording
from deploy.trial import _first_facts, _in_force, _judge, _partition
from deploy.trial_facts import TrialFacts
from schemas.alert import Alert
from schemas.baseline import Baseline
from schemas.event import parse_time
from schemas.settings import AlertSettings
from streams.alerts.incidents import Incident, incidents_of
from streams.correlate.alerts import AlertShard
from streams.judge.correlated import tell_findings
from streams.rules.correlator import findings_of
from tests.deploy.demo.test_recordings import Results, events, policies, rules, shop

START_MS = 1_800_000_000_000
EVENTS_A_BATCH = 50


class Estate:
    """A judge and the alerts behind it, in batches."""

    def __init__(self, baselines: list[Baseline]) -> None:
        self._partition = _partition(policies(), _in_force(baselines), rules())
        self._shard = AlertShard(policies(), AlertSettings())
        self._offset = 0
        self.table: dict[bytes, Alert] = {}

    def judge(self, results: Results) -> None:
        facts = TrialFacts(policies())
        done = dict(_first_facts([*results], self._partition, facts))
        for position, (_, result) in enumerate(results):
            if position not in done:
                _judge(self._partition, result, facts)
            if position % EVENTS_A_BATCH == 0:
                self._commit()
        found = findings_of(self._partition.ledger.take_hits(), self._partition.contents.rules.rule_set)
        tell_findings(enumerate(found), self._partition)
        self._commit(flush=True, later_ms=60_000)

    def _commit(self, *, flush: bool = False, later_ms: int = 0) -> None:
        self._partition.ledger.settle("9999")
        for key, value in self._partition.take(flush=flush)[1]:
            self._shard.take_row(key, value, self._offset, START_MS + self._offset)
            self._offset += 1
        for _, key, value in self._shard.tick(START_MS + self._offset + later_ms):
            self.table[key] = Alert.decode(value)

    def stories(self) -> list[Incident]:
        homes = defaultdict(set)
        for entity in self._partition.entities.by_key.values():
            homes[entity.context.principal].add(entity.facts.known().get("host.name", ""))
        return incidents_of(self.table.values(), homes)


@cache
def attacked() -> Estate:
    estate = Estate(shop())
    estate.judge(events(Recording.shipped()))
    return estate


def test_one_incident_tells_the_attack_and_there_is_no_further_alert() -> None:
    (story,) = attacked().stories()
    assert len(story.alerts) == len(attacked().table)
    assert (story.level, story.score) == ("critical", 90)
    assert story.principals[0] == "container:shop/shop/app/app"
    assert story.first[:19] == "2026-11-25T18:09:24"


STEPS = {
    "shell": "runs /usr/bin/dash",
    "look-around": "runs /usr/bin/id",
    "shadow": "reads /etc/shadow",
    "tries-all-secrets": "shop:app: list secrets",
    "secret": "reads /run/secrets/database-password",
    "lists-the-shops-secrets": "Identity of a workload is used by hand from outside",
    "download": "connects to 203.0.113.9 port 443",
    "reads-all-secrets": "ci:deployer: list secrets",
    "dropped-binary": "runs /tmp/x",
    "binds-cluster-admin": "access.api.cluster-admin",
    "overwritten-binary": "runs /usr/bin/gzip with content",
    "privileged-container": "runs privileged",
    "execs-into-the-database": "executes /bin/sh in container shop/database",
    "host-shadow": "reads /host/etc/shadow",
    "creates-a-privileged-pod": "create pods kube-system/metrics-helper",
    "unregistered-image": "registry.evil.example/miner",
}


def test_every_step_of_the_attack_stands_in_the_story_in_its_order() -> None:
    (story,) = attacked().stories()
    assert {step.step for step in Recording.shipped().steps} == STEPS.keys()
    told = {name: next(one.time for one in story.chain if words in one.reason) for name, words in STEPS.items()}
    assert list(told.values()) == sorted(told.values())
    for step in Recording.shipped().steps:
        assert abs(parse_time(told[step.step]) / 1e6 - step.time) < 10_000, step.step


@pytest.mark.parametrize("name", ["count", "activities"])
def test_every_unauthorized_event_is_counted_once(name: str) -> None:
    alerts = attacked().table.values()
    expected = {"count": 50, "activities": 41}
    assert sum(getattr(alert, name) for alert in alerts) == expected[name]
