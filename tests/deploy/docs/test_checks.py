"""The page of checks names all that is shipped; that what it names exists, ``tests/deploy/test_checks.py`` holds."""

from __future__ import annotations

import re
from pathlib import Path

import deploy
from deploy.rules import DEFAULT_RULES
from streams.rules.ruleset import load_rules

PAGE = Path(deploy.__file__).parent / "docs" / "checks.md"


def test_every_rule_that_is_shipped_is_named() -> None:
    rules = load_rules([DEFAULT_RULES])
    shipped = {rule.title for rule in rules.rules} | {correlation.title for correlation in rules.correlations}
    assert shipped - set(re.findall("“([^”]+)”", PAGE.read_text())) == set()
