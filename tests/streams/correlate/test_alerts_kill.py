"""Two workers are killed again and again while rows flow: alerts, inventory, map and key figures are those of an undisturbed run.

The suite runs a small one; ``TIDEWAITER_KILL_ROWS=200000 TIDEWAITER_KILLS=20 pytest tests/streams/correlate/test_alerts_kill.py`` the
whole.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka import Producer

from deploy.inventory.estate import TOPICS_READ, Estate
from deploy.inventory.users import users_of
from deploy.inventory.workloads import workloads_of
from deploy.kafka import read_all
from deploy.kpi.periods import Span, periods
from deploy.map.read import Asked, read_map
from deploy.view.update import following
from schemas.alert import Alert
from schemas.policyset import PolicySet
from schemas.settings import AlertSettings
from schemas.topics import partition_of
from streams.correlate.alerts import AlertShard
from streams.judge.data import DataClasses
from tests.streams.alerts.rows import AUTHORIZED, EXCEPTED, HOUR, START_MS, Row, denied, deviates, row
from tests.streams.correlate.killing import Fate, Sender, Workers
from tests.streams.correlate.lab import Lab, lab_of, produce, wait_for

pytestmark = pytest.mark.services

ROWS: Final = int(os.environ.get("TIDEWAITER_KILL_ROWS", "3000"))
KILLS: Final = int(os.environ.get("TIDEWAITER_KILLS", "1"))
SECONDS_A_KILL: Final = 10.0  # shorter than it takes to join again, and nobody works in between
KEYS: Final = 100
PRINCIPALS: Final = 40
LEAPS: Final = 5
"""How often nothing happens for so long that everything expires."""

VERDICTS: Final = (
    *(denied(f"files.{number}") for number in range(3)),
    *(deviates(dimension) for dimension in ("exec", "egress")),
    AUTHORIZED,
    EXCEPTED,
)


def rows_of(count: int) -> list[Row]:
    """Return rows as judges write them: each key comes again and again, counts more, and is judged anew now and then."""
    counts: Counter[int] = Counter()
    unauthorized: Counter[int] = Counter()
    first: dict[int, float] = {}
    rows: list[Row] = []
    for number in range(count):
        key = number * 7919 % KEYS
        reaches: dict[str, Any] = CONNECTS | {"peer.workload": f"lab/shop/peer{key}"} if key % 3 == 0 else {}
        verdict = VERDICTS[(key % PRINCIPALS + counts[key] // 3) % len(VERDICTS)]
        moment = number / 10 + number * LEAPS // count * 100 * HOUR
        counts[key] += 1
        unauthorized[key] += verdict["verdict.outcome"] == "unauthorized"
        rows.append(
            row(
                f"/file/{key}",
                verdict,
                principal=f"container:lab/shop/w{key % PRINCIPALS}/main",
                count=counts[key],
                unauthorized=unauthorized[key],
                first=first.setdefault(key, moment),
                last=moment,
                **reaches,
            )
        )
    return rows


CONNECTS: Final = {
    "event.action": "connect",
    "activity.dimension": "egress",
    "network.direction": "egress",
    "network.transport": "tcp",
    "destination.port": 443,
}
"""What a third of the keys do."""


def sender_of(lab: Lab, rows: list[Row], seconds: float) -> Sender:
    """Return what writes rows as judges do; what is aborted says of the same keys that something else has happened."""

    def write(producer: Producer, numbers: range, fate: Fate) -> None:
        for number in numbers:
            key, value = rows[number]
            assert value is not None
            told = value if fate == "committed" else value.replace(b'"files.', b'"aborted.').replace(b":443", b":666")
            place = partition_of(key.rsplit(b"|", 3)[0], lab.kafka.partitions)
            produce(producer, lab.kafka.topic("activities"), key, told, place)

    return Sender(lab, len(rows), seconds, write)


def content(alert: Alert) -> Alert:
    """Return what an alert says, not up to where its worker had read."""
    return replace(alert, offset=0, decided=0)


def expected(lab: Lab) -> dict[str, Alert]:
    """Return what an undisturbed reading of what stands in the topic makes of it."""
    shards = {number: AlertShard(PolicySet.empty(), AlertSettings()) for number in lab.partitions}
    for number, offset, key, value in lab.records("activities"):
        shards[number].take_row(key, value, offset, START_MS + 10**12)
    records = [record for shard in shards.values() for record in shard.tick(START_MS + 10**12)]
    return {key.decode(): content(Alert.decode(value)) for _, key, value in records}


def written(lab: Lab) -> dict[str, Alert]:
    """Return the alerts as they stand in the topic."""
    records = read_all(lab.kafka, "alerts").items()
    return {(key or b"").decode(): content(Alert.decode(value)) for (_, key), value in records if value}


def answers(lab: Lab, directory: Path) -> dict[str, Any]:
    """Return what a person is told: of workloads, identities, connections, and of alerts by the hour."""
    with following(lab.settings.model_copy(update={"state_directory": directory}), TOPICS_READ) as view:
        graph = read_map(view, DataClasses.of(()), Asked()).as_json()
        estate = Estate(view)
        told = {"workloads": list(map(str, workloads_of(estate))), "users": list(map(str, users_of(estate)))}
    figures = [one.document() for one in periods((), written(lab).values(), Span())]
    return told | {"nodes": graph["nodes"], "edges": graph["edges"], "figures": figures}


def test_killed_workers_leave_what_an_undisturbed_run_leaves(kafka: str, prefix: str, tmp_path: Path) -> None:
    lab, undisturbed = lab_of(kafka, f"{prefix}-a", partitions=4), lab_of(kafka, f"{prefix}-b", partitions=4)
    rows = rows_of(ROWS)
    sender = sender_of(lab, rows, KILLS * SECONDS_A_KILL)
    with Workers(lab, None) as workers:
        sender.thread.start()
        workers.keep_running()
        wait_for(lambda: bool(written(lab)))  # a worker that has raised none yet has nothing to lose
        workers.suffer(KILLS, SECONDS_A_KILL)
        sender.thread.join()
        workers.keep_running()
        alerts = expected(lab)
        wait_for(lambda: written(lab) == alerts)
        workers.end()
    assert (workers.killed, workers.faults) == (KILLS, [])
    assert sender.aborted > 0
    assert {step.action for alert in alerts.values() for step in alert.steps} >= {
        "reopen",
        "expire",
        "move",
        "authorize",
    }
    assert not any("aborted" in alert.cause.detail for alert in alerts.values())
    assert lab.letters() == []
    assert answers(lab, tmp_path / "a") == quiet(undisturbed, rows, tmp_path / "b")


def quiet(lab: Lab, rows: list[Row], directory: Path) -> dict[str, Any]:
    """Return the answers where nobody dies; what is aborted is none of them either way."""
    with Workers(lab, None) as workers:
        workers.keep_running()
        sender_of(lab, rows, 0).thread.run()
        alerts = expected(lab)
        wait_for(lambda: written(lab) == alerts)
        told = answers(lab, directory)
        workers.end()
    assert len(told["edges"]) == len(range(0, KEYS, 3))
    assert {edge["port"] for edge in told["edges"]} == {443}
    assert told["workloads"]
    assert told["figures"]
    return told
