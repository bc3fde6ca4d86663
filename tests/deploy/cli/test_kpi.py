"""What ``kpi`` tells is what a query over the verdicts tells."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import app
from deploy.kafka import publish
from schemas.codec import Event, dumps
from schemas.errors import ConfigurationError
from tests.deploy.kpi.test_lives import alert
from tests.streams.judge.broker import Broker, broker_of
from tests.streams.judge.counted import counted
from tests.streams.judge.lab import HEARTBEAT, does, facts

pytestmark = pytest.mark.services

ENTITIES: Final = ("0123456789ab", "aaaaaaaaaaaa", "bbbbbbbbbbbb", "host:node-1")
HOURS: Final = 30


@pytest.fixture
def broker(kafka: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """Return topics in which a judge has judged more than a day."""
    made, random = broker_of(kafka, prefix, partitions=4), Random(7)
    events = []
    for hour in range(HOURS):
        for _ in range(20):
            seconds = 3600 * hour + random.uniform(-5, 3600)
            events.append(made.event(random.choice(ENTITIES), what(random), seconds=seconds))
    made.send(events)
    made.judge()
    for name, value in {
        "BOOTSTRAP_SERVERS": kafka,
        "TOPIC_PREFIX": made.kafka.topic_prefix,
        "CLIENT": dumps(made.kafka.client).decode(),
    }.items():
        monkeypatch.setenv(f"TIDEWAITER_KAFKA__{name}", value)
    monkeypatch.setenv("TIDEWAITER_STATE_DIRECTORY", str(tmp_path))
    return made


def what(random: Random) -> Event:
    if random.random() < 0.1:
        return random.choice([HEARTBEAT, facts("web", **{"container.settings.root": True})])
    outcome = random.choice(["success", "failure"])
    return does(random.choice(["/bin/sh", "/usr/bin/nginx", "/opt/a"]), **{"event.outcome": outcome})


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["kpi", *arguments])


def ask(*arguments: str) -> Any:
    result = run("--json", *arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_figures_are_those_of_a_query_over_the_verdicts(broker: Broker) -> None:
    expected = {hour: figures for hour, figures in counted(broker.verdicts()).items() if hour < "2026"}
    found = ask("--to", "2026-01-01T00:00:00Z")
    assert found["undated"] is None
    assert {one["from"][:13]: figures_of(one) for one in found["periods"]} == expected
    assert len(expected) > HOURS - 2

    days = {one["from"][:10]: figures_of(one) for one in ask("--by", "day", "--to", "2026-01-01T00:00:00Z")["periods"]}
    assert days == {
        day: sum((figures for hour, figures in expected.items() if hour.startswith(day)), Counter()) for day in days
    }
    standing = found["periods"][-1]["standing"]["containers"]
    assert standing["all"] == standing["root"] == 3


def figures_of(period: dict[str, Any]) -> Counter[str]:
    """Return the figures of a period under the names that they have in the topic."""
    named = {f"verdicts|{one['outcome']}|{one['by']}|{one['name']}": one["count"] for one in period["causes"]}
    named |= {f"{kind}|{name}": period[kind][name] for kind in ("blocked", "amended") for name in period[kind]}
    return +Counter(named)


def test_the_latest_hours_are_shown_with_what_was_unauthorized(broker: Broker) -> None:
    stuck = alert((0, "open"))
    publish(broker.kafka, "alerts", stuck.id, stuck.encode())
    assert len(ask()["periods"]) == 24
    assert ask("--from", "2030-01-01T00:00:00Z")["periods"] == []
    shown = run()
    assert shown.exit_code == 0
    assert "unauthorized by" in shown.stdout
    assert "shells: exec.deny[0]" in shown.stdout
    assert sum(line.startswith("2025-11-2") for line in shown.stdout.splitlines()) >= 23
    assert "nothing was counted" in run("--from", "2030-01-01T00:00:00Z").output


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("2026-11-27T10|counts|0000|9", "not the key figures"),
        ("2026-11", "1 record cannot be read (topic kpi, key 2026-11: "),
    ],
)
def test_what_this_version_cannot_read_is_told(broker: Broker, key: str, complaint: str) -> None:
    publish(broker.kafka, "kpi", key, b"{}")
    assert complaint in str(run().exception)


@pytest.mark.parametrize("arguments", [["--by", "week"], ["--from", "yesterday"], ["--to", "32"]])
def test_what_is_no_period_and_no_time_is_refused(arguments: list[str]) -> None:
    assert isinstance(run(*arguments).exception, ConfigurationError)
