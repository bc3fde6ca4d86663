"""What the recordings of real containers show, judged by the pure core: no service is needed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any

import pytest

from deploy.demo.recording import FORMATS as RECORDED
from deploy.demo.recording import Recording
from deploy.demo.run import CLUSTER, HOST, POLICIES
from deploy.rules import DEFAULT_RULES
from deploy.trial import judge_records, learn_records
from producers.formats import FORMATS
from producers.normalise import Normaliser
from producers.types import FormatOptions, Record
from schemas.baseline import Baseline
from schemas.codec import Event
from schemas.errors import Invalid
from schemas.policyset import PolicySet, load_policies
from streams.judge.rules import RulesInForce
from streams.rules.ruleset import load_rules

Results = list[tuple[int, Event]]


@cache
def policies() -> PolicySet:
    return load_policies(POLICIES, date(2026, 11, 25))


@cache
def rules() -> RulesInForce:
    return RulesInForce.compile(load_rules([DEFAULT_RULES]))


def events(recording: Recording, chosen: Callable[[int], bool] = lambda _: True) -> Results:
    """Return the events of the chosen times (milliseconds since 1970) as collectors would number them, in the order of their time."""
    lines: dict[str, list[Record]] = {name: [] for name in RECORDED}
    for number, record in enumerate(recording.records()):
        if chosen(record["time"]):
            lines[record["format"]].append(Record(record["line"].encode(), "", {}, number))
    found: Results = []
    for name, records in lines.items():
        for line, result in Normaliser(FORMATS[name](FormatOptions(cluster=CLUSTER, host=HOST))).run(records):
            assert not isinstance(result, Invalid), result
            found.append((line, result))
    found.sort(key=lambda one: one[1]["@timestamp"])
    return [
        (line, event | {"event.id": f"recording:0000:{place:012d}", "ecs.version": "9.1.0"})
        for place, (line, event) in enumerate(found)
    ]


@cache
def shop() -> list[Baseline]:
    """Return the baselines of the normal day before the attack."""
    recording = Recording.shipped()
    return learn_records(events(recording, lambda time: time < recording.attack_start), policies(), rules())


def unauthorized(results: Results) -> list[dict[str, Any]]:
    judged = judge_records(results, policies(), shop(), rules())
    return [row for row in judged if row["verdict.outcome"] == "unauthorized"]


@cache
def attack() -> list[dict[str, Any]]:
    """Return what is unauthorized since the attack began; what came before tells who is who."""
    recording = Recording.shipped()
    start = min(event["@timestamp"] for _, event in events(recording, lambda time: time >= recording.attack_start))
    return [row for row in unauthorized(events(recording)) if row["@timestamp"] >= start]


STEPS = {
    "shell": ("policy", "exec.by-hand"),
    "look-around": ("baseline", "runs /usr/bin/id"),
    "shadow": ("policy", "reads /etc/shadow"),
    "secret": ("policy", "reads /run/secrets/database-password"),
    "download": ("baseline", "connects to 203.0.113.9 port 443"),
    "dropped-binary": ("policy", "runs /tmp/x"),
    "overwritten-binary": ("baseline", "runs /usr/bin/gzip with content sha256:"),
    "privileged-container": ("policy", "runs privileged"),
    "host-shadow": ("policy", "reads /host/etc/shadow"),
    "unregistered-image": ("policy", "registry.evil.example/miner"),
    "tries-all-secrets": ("policy", "shop:app: list secrets"),
    "lists-the-shops-secrets": ("rule", "Identity of a workload is used by hand from outside"),
    "reads-all-secrets": ("policy", "ci:deployer: list secrets"),
    "binds-cluster-admin": ("policy", "access.api.cluster-admin"),
    "execs-into-the-database": ("policy", "executes /bin/sh in container shop/database"),
    "creates-a-privileged-pod": ("policy", "create pods kube-system/metrics-helper"),
}


def test_every_step_that_was_recorded_is_expected() -> None:
    assert {step.step for step in Recording.shipped().steps} == STEPS.keys()


@pytest.mark.parametrize("step", STEPS)
def test_every_step_of_the_attack_is_unauthorized_with_the_right_reason(step: str) -> None:
    by, words = STEPS[step]
    assert by in {row["verdict.by"] for row in attack() if words in row["verdict.reason"]}


def test_an_overwritten_binary_is_told_with_both_hashes() -> None:
    (before,) = (
        found[1]
        for one in shop()
        if one.principal.endswith("/app/app")
        for found in one.elements["hash"]
        if "gzip" in found[0]
    )
    row = next(row for row in attack() if row.get("verdict.baseline.dimension") == "hash")
    assert before in row["verdict.baseline.nearest"]
    assert row["process.hash.sha256"] in row["verdict.baseline.element"] != before


def test_the_normal_day_that_was_learned_is_authorized_wholly() -> None:
    recording = Recording.shipped()
    assert unauthorized(events(recording, lambda time: time < recording.attack_start)) == []


def test_an_unseen_hour_of_normal_load_with_a_rollout_raises_at_most_one_alert() -> None:
    hour = Recording.normal_hour()
    assert {"restart", "scale-up", "scale-down", "rollout"} <= {change.change for change in hour.changes}
    raised = {
        (row["verdict.principal"], row.get("container.image.id")): row["verdict.reason"]
        for row in unauthorized(events(hour))
    }
    assert len(raised) <= 1, raised
