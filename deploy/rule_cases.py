"""Cases beside rules: what a rule must match (``hits``) and look-alikes that it must not (``misses``).

``NAME.cases.yaml`` beside the rules holds one document for each rule or correlation, by its id or its title::

    rule: 6f3a1f0e-2c0e-4b0c-9a55-0f3f4f9c7a10
    principal: container:lab/shop/web/web
    hits:
      - {event.action: exec, process.executable: /tmp/x}
      - {format: auditd, lines: ["type=SYSCALL msg=audit(1.000:1): …"]}
    misses:
      - {event.action: exec, process.executable: /usr/bin/x}

How a case is written, ``deploy/case_records.py`` says. Of a case that becomes several events, any may match; a case of a correlation
is a sequence, of which it must find something. The verdict is not asked: whether a match forbids anything, policy says by its level.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from deploy.case_files import CaseFailure, CaseModel, case_files, read_case_file
from deploy.case_records import PRINCIPAL, CaseRecord, case_of, records_of_case
from schemas.documents import YamlDocument
from schemas.errors import Invalid
from schemas.event import timestamp
from schemas.hit import Hit
from streams.judge.scopes import entity_kind
from streams.rules.correlation import Correlation
from streams.rules.correlator import findings_of
from streams.rules.hits import Counting
from streams.rules.logsources import ENTITY_KIND
from streams.rules.matcher import CompiledRules
from streams.rules.rule import Rule
from streams.rules.ruleset import RuleSet

__all__ = ["ENOUGH", "CasesChecked", "RuleCases", "check_cases"]

ENOUGH: Final = 2
"""So many hits, and so many misses, say what a rule is for."""

_KINDS: Final = ("hits", "misses")
_SECOND: Final = 1_000_000_000
_BEGIN: Final = 1_767_225_600 * _SECOND
"""When sequences begin: 2026-01-01T00:00:00Z."""


class RuleCases(CaseModel):
    """The cases of one rule."""

    rule: str
    principal: str = PRINCIPAL
    hits: tuple[dict[str, Any], ...] = ()
    misses: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class CasesChecked:
    """What has failed, how many cases there are, and the rules that have too few of them."""

    cases: int
    failures: tuple[CaseFailure, ...]
    without: tuple[Rule | Correlation, ...]


def check_cases(paths: Sequence[Path], rules: RuleSet) -> CasesChecked:
    """Run the cases below directories; cases of rules that are not in the set fail too. Raises ``PolicyErrors`` if a file is unreadable."""
    run = _Run(rules)
    failures = [failure for path in case_files(paths) for failure in run.file(path)]
    without = [rule for rule in _all(rules) if min(run.seen(rule)) < ENOUGH]
    return CasesChecked(run.cases, tuple(failures), tuple(without))


def _all(rules: RuleSet) -> list[Rule | Correlation]:
    return [*rules.rules, *rules.correlations]


class _Run:
    def __init__(self, rules: RuleSet) -> None:
        self.cases = 0
        self._rules = rules
        self._compiled = CompiledRules.compile(rules)
        self._counting = Counting.of(rules)
        self._named = {name: rule for rule in _all(rules) for name in (rule.id, rule.title) if name}
        self._seen: dict[str, tuple[int, int]] = {}

    def seen(self, rule: Rule | Correlation) -> tuple[int, int]:
        return self._seen.get(rule.label, (0, 0))

    def file(self, path: Path) -> Iterator[CaseFailure]:
        for cases, document in read_case_file(path, RuleCases):
            rule = self._named.get(cases.rule)
            if rule is None:
                yield CaseFailure(str(path), document.line(("rule",)), cases.rule, "no rule has this id or title")
                continue
            hits, misses = self.seen(rule)
            self._seen[rule.label] = (hits + len(cases.hits), misses + len(cases.misses))
            yield from self._failures(path, cases, document, rule)

    def _failures(
        self, path: Path, cases: RuleCases, document: YamlDocument, rule: Rule | Correlation
    ) -> Iterator[CaseFailure]:
        for kind in _KINDS:
            for number, written in enumerate(getattr(cases, kind)):
                self.cases += 1
                message = self._message(written, cases.principal, rule, hit=kind == "hits")
                if message:
                    yield CaseFailure(str(path), document.line((kind, number)), rule.title, message)

    def _message(self, written: Mapping[str, Any], principal: str, rule: Rule | Correlation, *, hit: bool) -> str:
        """Return what is wrong with a case, or nothing."""
        try:
            records = records_of_case(case_of(written), principal)
        except ValidationError as error:
            return "; ".join(one["msg"].removeprefix("Value error, ") for one in error.errors())
        except Invalid as error:
            return str(error)
        if not records:
            return "the format makes no event of it"
        matched = self._matches(rule, records)
        if hit and not matched:
            return "should match, but does not"
        return "should not match, but does" if matched and not hit else ""

    def _matches(self, rule: Rule | Correlation, records: Sequence[CaseRecord]) -> bool:
        if isinstance(rule, Rule):
            return any(rule.label in self._labels(_asked(one)) for one in records)
        hits = [hit for number, one in enumerate(records) for hit in self._hits(number, one)]
        return any(finding.correlation == rule.label for finding in findings_of(hits, self._rules))

    def _labels(self, record: Mapping[str, Any]) -> list[str]:
        return [match.rule.label for match in self._compiled.match(record)]

    def _hits(self, number: int, one: CaseRecord) -> Iterator[Hit]:
        record = _asked(one)
        moment = timestamp(_BEGIN + round(one.seconds * _SECOND))
        for template in self._counting.templates(record, self._labels(record)):
            hit = template.hit(f"case:0000:{number:012d}", moment, one.principal, one.record)
            if hit is not None:
                yield hit


def _asked(one: CaseRecord) -> dict[str, Any]:
    """Return what the judge asks the rules: the record, and what acts."""
    return {**one.record, ENTITY_KIND: entity_kind(one.principal), "verdict.principal": one.principal}
