"""A policy set compiled to be asked about records; pure, without a clock.

Clauses lie in a table by effect and section, the most specific scope first (the one with most keys, then by the name of the
policy), so the first that holds is the one a verdict names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.clauses import WrittenClause, clauses_of, is_within
from schemas.matching import Matcher, names
from schemas.policy import LEVELS, ExceptionRule, Policy
from schemas.policyset import PolicySet, exception_target
from streams.judge.phrases import phrase
from streams.judge.predicates import Test, rest_test, value_test
from streams.judge.scopes import ScopeTest, scope_test, specificity
from streams.judge.subjects import SPECIAL_RIGHTS, Record, Subject, subjects_of

__all__ = ["CompiledPolicies", "Question", "Ruling"]

_ENDINGS: Final = {
    "deny": "which policy {} denies",
    "require": "against what policy {} requires",
    "rest": "which is not among what policy {} allows",
    "allow": "which policy {} allows",
    "only": "which policy {} allows",
}


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one clause, or an exception from one, says of a record."""

    policy: str
    clause: str
    reason: str
    exception: str = ""


@dataclass(slots=True)
class Question:
    """One record, what it speaks of, and which scopes it was found to lie in so far."""

    record: Record
    principal: str
    subjects: tuple[Subject, ...]
    _inside: dict[ScopeTest, bool] = field(default_factory=dict)

    def lies_in(self, scope: ScopeTest) -> bool:
        """Return whether the record lies in a scope; each scope is tried once."""
        known = self._inside.get(scope)
        if known is None:
            known = self._inside[scope] = scope(self.record, self.principal)
        return known


@dataclass(frozen=True, slots=True)
class _Exception:
    """An exception in force: ``title`` is ``policy: rule`` or ``policy: clause``; ``place`` is where it is written."""

    policy: str
    place: str
    title: str
    reason: str
    rule: Matcher | None
    target: tuple[str, str] | None
    scopes: tuple[ScopeTest, ...]

    def holds(self, question: Question) -> bool:
        return all(map(question.lies_in, self.scopes))


@dataclass(frozen=True, slots=True)
class _Clause:
    """A clause of a policy; ``rank`` is smaller the more specific the policy's scope is."""

    policy: str
    rank: int
    written: WrittenClause
    scope: ScopeTest
    test: Test
    exceptions: tuple[_Exception, ...]

    def speaks_of(self, question: Question, subject: Any) -> bool:
        return question.lies_in(self.scope) and self.test(subject)

    def ruling(self, subject: Any) -> Ruling:
        written = self.written
        doing, ending = phrase(written.section, subject, written.value), _ENDINGS[written.effect].format(self.policy)
        why = getattr(written.value, "reason", None)
        reason = f"{doing}, {ending} ({written.path})" + (f": {why}" if why else "")
        return Ruling(self.policy, written.path, reason)


@dataclass(frozen=True, slots=True)
class _Level:
    """From which level on a policy takes a sensor's findings as unauthorized."""

    policy: str
    rank: int
    scope: ScopeTest


_Table = Mapping[str, tuple[_Clause, ...]]


@dataclass(frozen=True, slots=True)
class CompiledPolicies:
    """A policy set, ready to be asked; ``hash`` is that of its content."""

    hash: str
    _denies: _Table
    _allows: _Table
    _levels: tuple[_Level, ...]
    _exceptions: tuple[_Exception, ...]

    @classmethod
    def compile(cls, policy_set: PolicySet) -> CompiledPolicies:
        """Compile a set; what is wrong with it was found when it was loaded."""
        ordered = sorted(policy_set.policies, key=lambda policy: (-specificity(policy.scope), policy.policy))
        exceptions = tuple(one for policy in ordered for one in _exceptions(policy, policy_set.expired))
        denies: defaultdict[str, list[_Clause]] = defaultdict(list)
        allows: defaultdict[str, list[_Clause]] = defaultdict(list)
        for policy in ordered:
            for effect, clause in _compiled(policy, exceptions):
                (denies if effect in ("deny", "require", "rest") else allows)[clause.written.section].append(clause)
        return cls(policy_set.hash, _table(denies), _table(allows), _levels(policy_set.policies), exceptions)

    def ask(self, record: Record, principal: str) -> Question:
        """Return the question that the other methods answer, about one record."""
        return Question(record, principal, tuple(subjects_of(record)))

    def denial(self, question: Question) -> tuple[Ruling | None, Ruling | None]:
        """Return what denies the record, of the most specific scope; or else an exception that set a denial aside."""
        denied: list[tuple[_Clause, Any]] = []
        excepted: Ruling | None = None
        for section, subject in question.subjects:
            for clause in self._denies.get(section, ()):
                if not clause.speaks_of(question, subject):
                    continue
                exception = next((one for one in clause.exceptions if one.holds(question)), None)
                if exception is None:
                    denied.append((clause, subject))
                    break
                excepted = excepted or _excepted(exception, clause, subject)
        if not denied:
            return None, excepted
        clause, subject = min(denied, key=lambda found: found[0].rank)
        return clause.ruling(subject), None

    def finding(self, question: Question) -> tuple[Ruling | None, str]:
        """Return what makes a sensor's finding unauthorized, or the title of the exception that set it aside."""
        record = question.record
        rule, level = record.get("rule.name"), record.get("rule.level")
        threshold = next((one for one in self._levels if question.lies_in(one.scope)), None)
        if rule is None or level not in LEVELS or threshold is None or LEVELS.index(level) < threshold.rank:
            return None, ""
        for exception in self._exceptions:
            if exception.rule is not None and exception.rule(rule) and exception.holds(question):
                return None, exception.title
        sensor = record.get("event.module", "the sensor")
        reason = (
            f"{sensor} found: {rule} (level {level}); policy {threshold.policy} acts from {LEVELS[threshold.rank]} on"
        )
        return Ruling(threshold.policy, "sensors.level", reason), ""

    def allowance(self, question: Question) -> Ruling | None:
        """Return what allows the record: one clause, or for the start of a container one for each right it asks for."""
        started: list[Ruling | None] = []
        for section, subject in question.subjects:
            ruling = self._allowing(question, section, subject)
            if section in SPECIAL_RIGHTS:
                started.append(ruling)
            elif ruling is not None:
                return ruling
        return started[0] if started and all(started) else None

    def _allowing(self, question: Question, section: str, subject: Any) -> Ruling | None:
        clauses = self._allows.get(section, ())
        return next((clause.ruling(subject) for clause in clauses if clause.speaks_of(question, subject)), None)


def _table(clauses: Mapping[str, list[_Clause]]) -> _Table:
    return {section: tuple(listed) for section, listed in clauses.items()}


def _levels(policies: Iterable[Policy]) -> tuple[_Level, ...]:
    """Return the levels, the most specific scope first, then the strictest."""
    listed = [(policy, LEVELS.index(policy.sensors.level)) for policy in policies if policy.sensors]
    listed.sort(key=lambda level: (-specificity(level[0].scope), level[1], level[0].policy))
    return tuple(_Level(policy.policy, rank, scope_test(policy.scope, every=False)) for policy, rank in listed)


def _compiled(policy: Policy, exceptions: Iterable[_Exception]) -> Iterator[tuple[str, _Clause]]:
    denies, allows = (scope_test(policy.scope, every=every) for every in (False, True))
    for written in clauses_of(policy):
        targeting = tuple(one for one in exceptions if _targets(one, policy.policy, written.path))
        every = written.effect in ("allow", "only")
        test = (
            rest_test(written.section, written.value)
            if written.effect == "rest"
            else value_test(written.section, written.value, every=every)
        )
        yield (
            written.effect,
            _Clause(policy.policy, -specificity(policy.scope), written, allows if every else denies, test, targeting),
        )


def _targets(exception: _Exception, policy: str, path: str) -> bool:
    return exception.target is not None and exception.target[0] == policy and is_within(path, exception.target[1])


def _exceptions(policy: Policy, expired: frozenset[tuple[str, int]]) -> Iterator[_Exception]:
    for number, written in enumerate(policy.exceptions):
        if (policy.policy, number) not in expired:
            yield _exception(policy, f"exceptions[{number}]", written)


def _exception(policy: Policy, place: str, written: ExceptionRule) -> _Exception:
    principal = names(written.principal) if written.principal else None
    scopes = [scope_test(scope, every=True) for scope in (policy.scope, written.scope) if scope is not None]
    if principal is not None:
        scopes.append(lambda _, asked: principal(asked))
    target = exception_target(policy, written.clause) if written.clause is not None else None
    title = f"{policy.policy}: {written.rule}" if target is None else ": ".join(target)
    rule = names([written.rule]) if written.rule is not None else None
    return _Exception(policy.policy, place, title, written.reason, rule, target, tuple(scopes))


def _excepted(exception: _Exception, clause: _Clause, subject: Any) -> Ruling:
    doing = phrase(clause.written.section, subject, clause.written.value)
    reason = f"{doing}, which policy {exception.policy} excepts from {exception.title}: {exception.reason}"
    return Ruling(exception.policy, exception.place, reason, exception.title)
