"""``rules test`` and ``rules coverage``."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.rules import app
from schemas.codec import loads
from schemas.errors import ConfigurationError, PolicyErrors

RULE = """title: Shell
id: 00000000-0000-4000-8000-000000000001
level: high
tags: [attack.t1059.004]
logsource: {category: process_creation, product: linux}
detection: {selection: {Image|endswith: /sh}, condition: selection}
"""
SHELL = "{event.action: exec, process.executable: /bin/sh}"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "shell.yml").write_text(RULE)
    return tmp_path


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_cases_that_hold_are_counted(directory: Path) -> None:
    (directory / "shell.cases.yaml").write_text(f"rule: Shell\nhits: [{SHELL}, {SHELL}]\nmisses: [{{}}, {{}}]\n")
    code, text = run("test", "--strict", directory)
    assert (code, text.strip()) == (0, "4 cases, 0 failures, 0 rules with too few cases")


def test_a_case_that_fails_is_told_with_its_place(directory: Path) -> None:
    (directory / "shell.cases.yaml").write_text(f"rule: Shell\nmisses:\n- {SHELL}\n")
    code, text = run("test", directory)
    assert code == 1
    assert f"{directory}/shell.cases.yaml:3: Shell: should not match, but does" in text


def test_rules_without_enough_cases_fail_only_where_that_is_asked_for(directory: Path) -> None:
    assert run("test", directory)[0] == 0
    code, text = run("test", "--strict", directory)
    assert code == 1
    assert "shell.yml:1: Shell: has fewer than 2 hits or 2 misses" in text


def test_a_file_of_cases_that_is_none_is_an_error(directory: Path) -> None:
    (directory / "shell.cases.yaml").write_text("rule: [\n")
    with pytest.raises(PolicyErrors):
        run("test", directory)


def test_coverage_names_techniques_data_and_what_can_never_fire(directory: Path) -> None:
    code, text = run("coverage", directory)
    assert code == 0
    assert "T1059.004" in text
    assert "1 techniques; 0 rules can never fire for lack of data" in text


def test_coverage_is_json_where_asked_for(directory: Path) -> None:
    code, text = run("coverage", "--json", "--data", "docker", directory)
    found = loads(text.encode())
    assert code == 0
    assert found["techniques"] == []
    assert found["never"][0]["rule"] == "Shell"
    assert "of which none is present" in found["never"][0]["reason"]


def test_data_that_no_format_is_named_by_is_an_error(directory: Path) -> None:
    with pytest.raises(ConfigurationError, match="windows"):
        run("coverage", "--data", "windows", directory)
