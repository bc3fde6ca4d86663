"""The page of rules: its cases are cases, and its table of logsources is the one that is used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import deploy
from deploy.rule_cases import check_cases
from deploy.rules import DEFAULT_RULES
from streams.rules.logsources import source_of
from streams.rules.ruleset import load_rules

TEXT = (Path(deploy.__file__).parent / "docs" / "rules.md").read_text()
CASES = [block for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if block.startswith("rule:")]
CATEGORIES = re.findall(r"`category: (\w+)`|`(file_\w+|firewall|dns_query|proxy)`", TEXT)


def test_the_cases_in_the_document_can_be_read_and_are_of_shipped_rules(tmp_path: Path) -> None:
    (block,) = CASES
    (tmp_path / "x.cases.yaml").write_text(block)
    assert [str(failure) for failure in check_cases([tmp_path], load_rules([DEFAULT_RULES])).failures] == []


@pytest.mark.parametrize("category", sorted({one or other for one, other in CATEGORIES} - {"application", "verdict"}))
def test_every_category_of_the_document_is_known(category: str) -> None:
    assert source_of(category, "", "").gate


def names_of(row: str) -> list[str]:
    return [name for name in re.findall(r"`([A-Za-z0-9_.-]+)`", row) if "*" not in name]


@pytest.mark.parametrize(
    ("start", "logsource"),
    [
        ("| `category: process_creation`", ("process_creation", "", "")),
        ("| `category: network_connection`", ("network_connection", "", "")),
        ("| `product: linux, service: auditd`", ("", "linux", "auditd")),
        ("| `product: kubernetes`", ("", "kubernetes", "audit")),
        ("| `product: zeek`", ("", "zeek", "http")),
    ],
)
def test_every_name_of_the_document_is_mapped(start: str, logsource: tuple[str, str, str]) -> None:
    (row,) = [line for line in TEXT.splitlines() if line.startswith(start)]
    source = source_of(*logsource)
    assert [name for name in names_of(row.split(" | ")[-1]) if name not in source.fields] == []
