"""Which lines of a file of JSON events match which rules, by the rules' own field names: for comparison with other engines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from schemas.codec import decode
from schemas.errors import Invalid
from streams.rules.fault import RuleFault
from streams.rules.matcher import CompiledRules
from streams.rules.ruleset import RuleSet

__all__ = ["Unreadable", "faults_of", "match_lines"]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is no event; ``line`` is 1-based, as editors count."""

    line: int
    message: str


def match_lines(lines: Iterable[bytes], rules: CompiledRules) -> Iterator[tuple[int, str] | Unreadable]:
    """Yield, line by line, (0-based line, id of the rule) for each match, and what cannot be read.

    A rule without an id goes by its name, else by its title.
    """
    for number, line in enumerate(lines):
        try:
            record = decode(line)
        except Invalid as error:
            yield Unreadable(number + 1, str(error) if line.strip() else "empty")
            continue
        for match in rules.match(record):
            yield number, match.rule.label


def faults_of(rules: RuleSet, compiled: CompiledRules, paths: Iterable[Path]) -> list[RuleFault]:
    """Return why rules are left out: those that cannot be read, and those that can be read but must not decide."""
    roots = list(paths)
    refused = [replace(fault, file=_shown(fault.file, roots)) for fault in compiled.refused]
    return sorted([*rules.refused, *refused])


def _shown(file: str, roots: list[Path]) -> str:
    """Return the path of a file of the set as the person has named it."""
    for root in roots:
        for path in (root / file, root.parent / file):
            if path.is_file():
                return str(path)
    return file
