"""The map on the command line, from a real Kafka."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner, Result

from deploy.cli import app
from deploy.cli.map import _show, _Shown
from deploy.map.narrow import MAX_DRAWN
from schemas.errors import ConfigurationError
from schemas.topics import partition_of
from tests.deploy.cli.lab import PARTITIONS, Estate, estate_of
from tests.deploy.map.lab import connected, known_of, made, reached
from tests.deploy.view.lab import Said, container

pytestmark = pytest.mark.services

EARLY, LATE = "2026-06-01T11:00:00.000000000Z", "2026-06-01T13:00:00.000000000Z"
RECORDS = [
    container("a" * 12, "shop/db/db", container__ip=["10.0.0.3"], container__image__name="postgres"),
    connected("web", "prod/shop/app", 8000, first=EARLY, last=EARLY, count=12),
    connected("app", "10.0.0.3", 5432, first=EARLY, last=LATE),
    connected("app", "203.0.113.9", 443, first=LATE, outcome="unauthorized", event__outcome="failure"),
    connected("job", "10.0.0.3", 5432, known=known_of("job", "jobs"), first=EARLY, last=LATE),
    connected("app", "127.0.0.1", 8000, count=5),
]


@pytest.fixture
def estate(kafka: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Estate:
    return estate_of(kafka, prefix, tmp_path, monkeypatch)


def tell(estate: Estate, records: list[Said]) -> None:
    producer = Producer(estate.kafka.client_configuration())
    for topic, key, value in records:
        producer.produce(estate.kafka.topic(topic), key=key, value=value, partition=partition_of(key, PARTITIONS))
    assert producer.flush(30) == 0


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["map", *arguments])
    assert result.exit_code == code, result.output
    return result


def ask(*arguments: str, code: int = 0) -> Any:
    return json.loads(run("--json", *arguments, code=code).stdout)


def pairs(edges: list[dict[str, Any]]) -> list[str]:
    return [f"{edge['from'].rpartition('/')[2]} > {edge['to'].rpartition('/')[2]}" for edge in edges]


def test_a_person_looks_at_the_map(estate: Estate) -> None:
    assert "no connection" in run().stderr
    tell(estate, RECORDS)

    whole = ask()
    assert pairs(whole["edges"]) == ["job > db", "app > outside:203.0.113.9", "app > db", "web > app"]
    assert whole["left_out"] == {"within one container or host": 5}
    (store,) = (node["data_store"] for node in whole["nodes"] if node["data_store"])
    assert store == {"product": "PostgreSQL", "recognised_by": ["image postgres", "port 5432"]}
    told = run()
    assert [line.split()[:4] for line in told.stdout.splitlines()[1:]][-1] == [
        "prod/shop/web",
        "prod/shop/app",
        "8000",
        "12",
    ]
    assert "4 connections; left out: 5 within one container or host" in told.stderr

    assert pairs(ask("--namespace", "jobs")["edges"]) == ["job > db"]
    assert pairs(ask("--of", "web")["edges"]) == ["web > app"]
    assert pairs(ask("--verdict", "unauthorized")["edges"]) == ["app > outside:203.0.113.9"]
    assert pairs(ask("--since", "2026-06-01T12:00:00Z")["edges"]) == [
        "job > db",
        "app > outside:203.0.113.9",
        "app > db",
    ]
    assert pairs(ask("--at", "2026-06-01T12:00:00Z")["edges"]) == ["job > db", "app > db", "web > app"]
    assert [edge["to"] for edge in ask("--namespaces")["edges"]] == [
        "namespace:prod/shop",
        "outside:all addresses outside",
    ]

    times = ("--between", "2026-06-01T12:00:00Z", "2026-06-01T14:00:00Z")
    changed = ask(*times, code=1)
    assert (pairs(changed["new"]), pairs(changed["gone"])) == (["app > outside:203.0.113.9"], ["web > app"])
    assert (changed["stays"], changed["until"]) == (2, "2026-06-01T14:00:00.000000000Z")
    assert "2 changed of 4" in run(*times, code=1).stderr
    ask("--between", "2026-06-01T13:30:00Z", "2026-06-01T14:00:00Z", code=1)
    ask("--between", "2026-06-01T11:30:00Z", "2026-06-01T12:00:00Z", "--of", "db")


def test_a_person_has_the_map_drawn(estate: Estate, tmp_path: Path) -> None:
    tell(estate, RECORDS)
    assert ET.fromstring(run("--format", "svg").stdout).tag.endswith("svg")  # noqa: S314 - our own
    assert run("--format", "dot").stdout.startswith("digraph")
    run("--format", "svg", "--out", str(tmp_path / "map.svg"))
    assert "Connections" in (tmp_path / "map.svg").read_text()
    nowhere = CliRunner().invoke(app, ["map", "--out", str(tmp_path / "nowhere" / "map.svg")])
    assert isinstance(nowhere.exception, ConfigurationError)
    run("--out", str(tmp_path / "map.json"))
    assert len(json.loads((tmp_path / "map.json").read_text())["edges"]) == 4

    tell(
        estate,
        [reached(f"w{number}", "prod/jobs/job", known=known_of(f"w{number}", "many")) for number in range(MAX_DRAWN)],
    )
    drawn = run("--format", "svg")
    assert "too many for one drawing, so namespaces are drawn" in drawn.stderr
    assert ">many</text>" in drawn.stdout


@pytest.mark.parametrize("arguments", [("--format", "png"), ("--at", "yesterday"), ("--verdict", "bad")])
def test_what_cannot_be_is_said(arguments: tuple[str, ...]) -> None:
    assert isinstance(CliRunner().invoke(app, ["map", *arguments]).exception, ConfigurationError)


def test_nothing_that_a_sensor_tells_moves_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b[2J"
    graph = made([connected("web", f"prod/shop/app{hostile}", network__transport=hostile, known=known_of(hostile))])
    _show(_Shown(graph, "Connections", LATE))
    told = capsys.readouterr()
    assert "443/" in told.out
    assert "\x1b[2J" not in told.out + told.err
