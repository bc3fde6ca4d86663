"""The rules that are in force where nobody has written others, and what is wrong with some before they are put in force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import streams
from deploy.rule_matches import faults_of
from streams.rules.fault import RuleFault
from streams.rules.hits import Counting
from streams.rules.matcher import CompiledRules
from streams.rules.ruleset import RuleSet, load_rules

__all__ = ["DEFAULT_RULES", "CheckedRules", "check_rules"]

DEFAULT_RULES: Final = Path(streams.__file__).parent / "checks"
"""The directory of the shipped checks, each with its cases beside it."""


@dataclass(frozen=True, slots=True)
class CheckedRules:
    """A rule set, and what of it would be left out if it were in force, by place."""

    rules: RuleSet
    faults: tuple[RuleFault, ...]


def check_rules(paths: Sequence[Path]) -> CheckedRules:
    """Load rules and find all that a judge could not use of them; raise ``ConfigurationError`` for a path that does not exist."""
    rules = load_rules(paths)
    faults = [*faults_of(rules, CompiledRules.compile(rules), paths), *_uncounted(rules)]
    return CheckedRules(rules, tuple(sorted(faults)))


def _uncounted(rules: RuleSet) -> Iterator[RuleFault]:
    """Yield the correlations that cannot be counted."""
    unfit = Counting.of(rules).unfit
    for correlation in rules.correlations:
        if correlation.label in unfit:
            yield RuleFault(correlation.file, correlation.line, correlation.title, unfit[correlation.label])
