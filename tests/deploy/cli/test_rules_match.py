from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from deploy.cli import app
from tests.streams.rules.test_ruleset import CORRELATION, RULE

RUN = CliRunner()


def test_matches_are_told_by_line_and_rule(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yml").write_text(RULE)
    (tmp_path / "rules" / "b.yml").write_text(CORRELATION)
    (tmp_path / "rules" / "c.yml").write_text(
        "title: No id\nlogsource: {product: x}\ndetection: {a: {u.v: 1}, condition: a}\n"
    )
    (tmp_path / "rules" / "d.yml").write_text("title: Bad\n")
    events = tmp_path / "events.ndjson"
    events.write_text('{"Image": "/bin/nc", "u": {"v": "1"}}\n\n{"Image": 1}\n[1]\n{"Image": ["x", "/NC"]}\n')
    result = RUN.invoke(app, ["rules", "match", "--rules", str(tmp_path / "rules"), "--events", str(events)])
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"event": 0, "rule": "4c0a9a5e-1d1b-4c53-9f7c-1f3e7c1a0001"},
        {"event": 0, "rule": "No id"},
        {"event": 4, "rule": "4c0a9a5e-1d1b-4c53-9f7c-1f3e7c1a0001"},
    ]
    assert f"{tmp_path}/rules/d.yml:1: Bad: is no rule" in result.stderr
    assert "1 correlation rules are not evaluated here" in result.stderr
    assert f"{events}:2: empty" in result.stderr
    assert f"{events}:4: not a JSON object but list" in result.stderr
    assert result.exit_code == 3


def test_events_may_come_from_standard_input(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(RULE)
    result = RUN.invoke(
        app, ["rules", "match", "--rules", str(tmp_path), "--events", "-", "--json"], input='{"Image": "/nc"}'
    )
    assert (result.exit_code, json.loads(result.stdout)["event"]) == (0, 0)


def test_check_names_every_fault_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(RULE)
    assert RUN.invoke(app, ["rules", "check", str(tmp_path)]).exit_code == 0
    (tmp_path / "b.yml").write_text(RULE.replace("0001", "0009").replace("netcat", "other").replace("high", "huge"))
    (tmp_path / "c.yml").write_text(
        RULE.replace("0001", "0010").replace("netcat", "third").replace("Image", "ProcessId")
    )
    result = RUN.invoke(app, ["rules", "check", str(tmp_path), "--json"])
    assert result.exit_code == 1
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(fault["file"], fault["line"]) for fault in found] == [(f"{tmp_path}/b.yml", 10), (f"{tmp_path}/c.yml", 2)]
    assert "1 rules and 0 correlations load, 2 errors" in result.stderr
