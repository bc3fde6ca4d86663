"""The inventory on the command line, read from a real Kafka."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner, Result

from deploy.cli import app
from deploy.kafka import create_topics
from schemas.settings import KafkaSettings
from schemas.topics import TOPICS, partition_of
from tests.deploy.inventory.lab import LATER, NEW, NOON, OLD, digest, ran, request, scan
from tests.deploy.view.lab import Said, container, shared

pytestmark = pytest.mark.services

PARTITIONS = 2
CVE = "critical fixable CVE-2019-14697 musl"
RECORDS: list[Said] = [
    container("a" * 12, "shop/web/web", container__image__id=OLD, container__settings__ports=["80/tcp"]),
    container(
        "b" * 12,
        "shop/db/db",
        container__image__id=NEW,
        container__image__name="registry.example/postgres",
        container__settings__root=True,
    ),
    container("c" * 12, "lab/old/old", ended=LATER, container__image__id=digest("3")),
    ran(OLD, "/usr/bin/server"),
    scan(OLD, vulnerabilities=[CVE], executables=["/usr/bin/server", "/usr/bin/nc"], secrets=["key /a"]),
    scan(NEW, vulnerabilities=[CVE]),
    shared(f"image:{NEW}", "registry.example/postgres", {"container.image.registries": ["registry.example/postgres"]}),
    shared("secret:prod/shop/key", "kubernetes", {"secret.type": "Opaque", "secret.changed": NOON}),
    request("alice", "get", "secrets", secret__path="prod/shop/key"),
    ("activities", b"no row", b"x"),
]


@pytest.fixture(scope="module")
def directory(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the settings of topics that hold the records, and later the view."""
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix="inventory-cli.", partitions=PARTITIONS)
    create_topics(settings)
    producer = Producer(settings.client_configuration())
    for topic, key, value in RECORDS:
        number = partition_of(key, TOPICS[topic].partitions or PARTITIONS)
        producer.produce(settings.topic(topic), key=key, value=value, partition=number)
    assert producer.flush(60) == 0
    directory = tmp_path_factory.mktemp("inventory")
    chosen = {"bootstrap_servers": kafka, "topic_prefix": settings.topic_prefix, "partitions": PARTITIONS}
    (directory / "tidewaiter.yaml").write_text(json.dumps({"kafka": chosen | {"client": {"log_level": 2}}}))
    return directory


def run(directory: Path, *arguments: str) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        return CliRunner().invoke(app, ["inventory", *arguments])


def ask(directory: Path, *arguments: str) -> list[dict[str, Any]]:
    result = run(directory, *arguments, "--json")
    assert result.exit_code == 0, result.output
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


@pytest.mark.parametrize(
    ("arguments", "field", "expected"),
    [
        (["images"], "image", [OLD, NEW, digest("3")]),
        (["images", "--running"], "image", [OLD, NEW]),
        (["images", "--unregistered"], "image", [OLD]),
        (["images", "--vulnerability", "CVE-2019-14697"], "exposure", ["exposed", "internal"]),
        (["images", "--vulnerability", "CVE-2019"], "image", []),
        (["images", "--against-policy"], "image", []),
        (["images", "--namespace", "shop", "--cluster", "prod"], "image", [OLD, NEW]),
        (["images", "--unused"], "unused", [["/usr/bin/nc"], "not observable"]),
        (["workloads"], "name", ["old", "app", "db", "web"]),
        (["workloads", "--data-stores"], "name", ["db"]),
        (["workloads", "--exposed"], "name", ["web"]),
        (["workloads", "--root", "--namespace", "shop"], "name", ["db"]),
        (["containers"], "state", ["running", "running", "removed"]),
        (["containers", "--running", "--host", "node-1"], "name", ["db-bbbb", "web-aaaa"]),
        (["containers", "--high-risk"], "name", ["db-bbbb", "web-aaaa"]),
        (["containers", "--since", "2026-06-02T00:00Z"], "name", []),
        (["hosts"], "host", ["node-1"]),
        (["registries"], "registry", ["registry.example"]),
        (["secrets"], "secret", ["prod/shop/key"]),
        (["secrets", "--overdue"], "secret", []),
        (["secrets", "--misplaced"], "what", ["key /a"]),
        (["users"], "user", ["user:prod/alice"]),
        (["users", "--unused"], "user", []),
    ],
)
def test_rows_are_chosen_and_told_as_json(
    directory: Path, arguments: list[str], field: str, expected: list[Any]
) -> None:
    assert [row[field] for row in ask(directory, *arguments)] == expected


def test_tables_have_a_line_for_each_row_and_say_what_could_not_be_read(directory: Path) -> None:
    result = run(directory, "images")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].startswith("image")
    assert len(result.stdout.splitlines()) == 4
    assert "1 critical" in result.stdout
    assert "left out: 1 record cannot be read (topic activities, key no row: not the key of a row" in result.stderr
    assert "3 shown" in result.stderr


@pytest.mark.parametrize("kind", ["workloads", "containers", "hosts", "registries", "secrets", "users"])
def test_every_kind_has_a_table(directory: Path, kind: str) -> None:
    result = run(directory, kind, "--rebuild")
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) >= 2


def test_nothing_is_said_to_be_nothing_and_a_wrong_time_is_refused(directory: Path) -> None:
    assert "nothing to show" in run(directory, "images", "--against-policy").stderr
    wrong = run(directory, "images", "--since", "yesterday")
    assert wrong.exit_code == 1
