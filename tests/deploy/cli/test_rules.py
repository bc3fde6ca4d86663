"""Rules on the command line: what is put in force, and what a file is tried against."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import app
from deploy.kafka import create_topics
from schemas.settings import KafkaSettings
from streams.applied import AppliedSets
from streams.rules.ruleset import RuleSet, load_rules
from tests.deploy.test_pipeline import SHELL_RULE

BAD = SHELL_RULE.replace("000001", "000002").replace("Image", "ProcessId")
LINE = {
    "time": "2026-01-01T00:00:00.000000000Z",
    "priority": "Debug",
    "rule": "Exec",
    "output_fields": {"evt.type": "execve", "container.id": "0123456789ab", "proc.exepath": "/bin/sh"},
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "shell.yml").write_text(SHELL_RULE)
    return tmp_path


def run(*arguments: str | Path, settings: KafkaSettings | None = None) -> Result:
    environment = (
        {}
        if settings is None
        else {
            "TIDEWAITER_KAFKA__BOOTSTRAP_SERVERS": settings.bootstrap_servers,
            "TIDEWAITER_KAFKA__TOPIC_PREFIX": settings.topic_prefix,
        }
    )
    return CliRunner().invoke(app, list(map(str, arguments)), env=environment)


def in_force(settings: KafkaSettings) -> RuleSet:
    sets = AppliedSets(settings, "test", lambda policies: policies, lambda rules: rules)
    sets.close()
    return sets.current.rules


@pytest.mark.services
def test_rules_are_put_in_force_or_refused_together(kafka: str, prefix: str, directory: Path) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=f"{prefix}.", partitions=1)
    create_topics(settings)
    result = run("rules", "apply", directory, "--json", settings=settings)
    assert result.exit_code == 0, result.output
    expected = {"hash": load_rules([directory]).hash, "rules": 1, "correlations": 0, "left_out": 0}
    assert json.loads(result.stdout) == expected
    (directory / "bad.yml").write_text(BAD)
    refused = run("rules", "apply", directory, settings=settings)
    assert refused.exit_code == 1
    assert "bad.yml:2: Shell: cannot decide" in refused.stderr.replace("\n", "")
    assert in_force(settings).hash == expected["hash"]
    applied = run("rules", "apply", directory, "--skip-refused", "--json", settings=settings)
    assert json.loads(applied.stdout)["left_out"] == 1
    assert in_force(settings).hash == json.loads(applied.stdout)["hash"]


def tried(directory: Path, *options: str | Path) -> list[dict[str, object]]:
    file = directory / "events.ndjson"
    file.write_text(json.dumps(LINE) + "\n")
    result = run("try", "falco", file, "--json", *options)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_file_is_tried_against_the_rules_of_a_directory_alone(directory: Path) -> None:
    (row,) = tried(directory, "--rules", directory / "shell.yml")
    named = {name: row[f"verdict.rule.{name}"] for name in ("id", "name", "level", "file", "fields")}
    assert named == {
        "id": "5f0b6a0e-0000-4000-8000-000000000001",
        "name": "Shell",
        "level": "high",
        "file": "shell.yml",
        "fields": ["process.executable"],
    }
    assert row["verdict.by"] == "rule"


def test_a_file_is_tried_against_the_shipped_checks_where_no_rules_are_named(directory: Path) -> None:
    (row,) = tried(directory)
    assert row["verdict.rules_hash"] != tried(directory, "--rules", directory / "shell.yml")[0]["verdict.rules_hash"]


def test_rules_that_cannot_be_used_are_named_and_left_out_of_a_trial(directory: Path) -> None:
    (directory / "bad.yml").write_text(BAD)
    result = run("try", "falco", "/dev/null", "--rules", directory)
    assert "left out: " in result.stderr
    assert "bad.yml:2: Shell: cannot decide" in result.stderr.replace("\n", "")
    assert result.exit_code == 0
