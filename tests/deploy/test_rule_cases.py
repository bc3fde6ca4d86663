from __future__ import annotations

from pathlib import Path

import pytest

from deploy.rule_cases import check_cases
from schemas.errors import PolicyErrors
from streams.rules.ruleset import load_rules

RULES = """title: Shell
id: 00000000-0000-4000-8000-000000000001
name: shell
level: high
logsource: {category: process_creation, product: container}
detection: {selection: {Image|endswith: /sh}, condition: selection}
---
title: Shells
id: 00000000-0000-4000-8000-000000000002
correlation:
  type: event_count
  rules: [shell]
  group-by: [entity.id]
  timespan: 10s
  condition: {gte: 2}
"""
SHELL = "{event.action: exec, process.executable: /bin/sh}"
OTHER = "{event.action: exec, process.executable: /bin/id}"


def failures(directory: Path, cases: str) -> list[str]:
    (directory / "shell.yml").write_text(RULES)
    (directory / "shell.cases.yaml").write_text(cases)
    checked = check_cases([directory], load_rules([directory]))
    return [str(failure).removeprefix(f"{directory}/") for failure in checked.failures]


@pytest.mark.parametrize(
    "cases",
    [
        f"rule: Shell\nhits: [{SHELL}]\nmisses: [{OTHER}]\n",
        f"rule: 00000000-0000-4000-8000-000000000001\nhits: [{SHELL}]\n",
        f"rule: Shell\nprincipal: 'host:a'\nmisses: [{SHELL}]\n",
        f"rule: Shells\nhits: [{{sequence: [{{at: 0, times: 2, every: 10, record: {SHELL}}}]}}]\n",
        f"rule: Shells\nmisses: [{{sequence: [{{at: 0, times: 2, every: 11, record: {SHELL}}}]}}]\n",
        f"rule: Shells\nmisses: [{{sequence: [{{at: 0, record: {SHELL}}}, {{at: 1, principal: 'container:a/b/c/d', record: {SHELL}}}]}}]\n",
    ],
)
def test_cases_that_come_out_as_they_say_are_no_failures(tmp_path: Path, cases: str) -> None:
    assert failures(tmp_path, cases) == []


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        (f"rule: Shell\nhits:\n  - {SHELL}\n  - {OTHER}\n", "shell.cases.yaml:4: Shell: should match, but does not"),
        (f"rule: Shell\nmisses:\n  - {SHELL}\n", "shell.cases.yaml:3: Shell: should not match, but does"),
        ("rule: Shells\nhits: [{sequence: [{at: 0, record: {event.action: x}}]}]\n", "Shells: should match, but does"),
        ("rule: Nothing\n", "shell.cases.yaml:1: Nothing: no rule has this id or title"),
        ("rule: Shell\nhits: [{process.pid: 1}]\n", "`process.pid` is no field that a rule may read"),
        ("rule: Shell\nhits: [{format: x, lines: [y]}]\n", "`x` is no format"),
        ("rule: Shell\nhits: [{format: auditd, lines: ['']}]\n", "the format makes no event of it"),
    ],
)
def test_other_cases_are_failures_with_their_place(tmp_path: Path, cases: str, expected: str) -> None:
    (found,) = failures(tmp_path, cases)
    assert expected in found


def test_a_file_that_is_no_cases_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyErrors, match="hit"):
        failures(tmp_path, "rule: Shell\nhit: []\n")


def test_rules_with_too_few_cases_are_named(tmp_path: Path) -> None:
    assert not failures(tmp_path, f"rule: Shell\nhits: [{SHELL}, {SHELL}]\nmisses: [{OTHER}, {OTHER}]\n")
    checked = check_cases([tmp_path], load_rules([tmp_path]))
    assert (checked.cases, [rule.title for rule in checked.without]) == (4, ["Shells"])
