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
from streams.judge.data import DataClasses
from streams.judge.findings import Found
from streams.judge.phrases import phrase
from streams.judge.predicates import Test, rest_test, value_test
from streams.judge.record import Record, Subject
from streams.judge.scopes import ScopeTest, scope_test, specificity
from streams.judge.subjects import SPECIAL_RIGHTS, is_right, subjects_of

__all__ = ["CompiledPolicies", "Question", "Ruling"]

_USUAL_LEVEL: Final = "high"
"""How grave what a clause denies is where the clause does not say."""

_ENDINGS: Final = {
    "deny": "which policy {} denies",
    "require": "against what policy {} requires",
    "rest": "which is not among what policy {} allows",
    "allow": "which policy {} allows",
    "only": "which policy {} allows",
}


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one clause, or an exception from one, says of a record; how grave it is, only where it denies."""

    policy: str
    clause: str
    reason: str
    exception: str = ""
    level: str = ""
    techniques: tuple[str, ...] = ()


@dataclass(slots=True)
class Question:
    """One record, what it speaks of, which classes of data it touches, and which scopes it was found to lie in so far."""

    record: Record
    principal: str
    subjects: tuple[Subject, ...]
    data: tuple[str, ...] = ()
    _inside: dict[ScopeTest, bool] = field(default_factory=dict)

    def lies_in(self, scope: ScopeTest) -> bool:
        """Return whether the record lies in a scope; each scope is tried once."""
        known = self._inside.get(scope)
        if known is None:
            known = self._inside[scope] = scope(self.record, self.principal)
        return known


@dataclass(frozen=True, slots=True)
class _Exception:
    """An exception: ``title`` is ``policy: rule`` or ``policy: clause``; ``place`` is where it is written.

    ``lapsed`` says since when it no longer holds, for the reason of what is unauthorized again; empty while it is in force.
    """

    policy: str
    place: str
    title: str
    reason: str
    lapsed: str
    rule: Matcher | None
    target: tuple[str, str] | None
    scopes: tuple[ScopeTest, ...]

    def holds(self, question: Question) -> bool:
        """Return whether it is for whom the question is about, in force or not."""
        return all(map(question.lies_in, self.scopes))

    def is_about(self, found: Found, question: Question) -> bool:
        """Return whether it is from the rule of a finding, for whom the question is about, in force or not."""
        return self.rule is not None and any(map(self.rule, found.called)) and self.holds(question)


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

    def exception(self, question: Question) -> _Exception | None:
        """Return the exception in force that sets the clause aside, if one does."""
        return next((one for one in self.exceptions if not one.lapsed and one.holds(question)), None)

    def ruling(self, subject: Any, question: Question) -> Ruling:
        written, notes = self.written, self.written.notes
        doing, ending = phrase(written.section, subject, written.value), _ENDINGS[written.effect].format(self.policy)
        reason = f"{doing}, {ending} ({written.path})" + (f": {notes.reason}" if notes.reason else "")
        if written.effect in ("allow", "only"):
            return Ruling(self.policy, written.path, reason)
        reason += _lapsed(self.exceptions, question)
        return Ruling(
            self.policy, written.path, reason, level=notes.level or _USUAL_LEVEL, techniques=notes.attack or ()
        )


@dataclass(frozen=True, slots=True)
class _Level:
    """From which level on a policy takes matches of rules, and sensors' findings, as unauthorized."""

    policy: str
    rank: int
    scope: ScopeTest

    def ruling(self, found: Found, lapsed: str) -> Ruling:
        acts = f"; policy {self.policy} acts from {LEVELS[self.rank]} on" if found.by == "sensor" else ""
        reason = f"{found.reason}{acts}{lapsed}"
        return Ruling(self.policy, "findings.level", reason, level=found.rule.level, techniques=found.techniques)


_Table = Mapping[str, tuple[_Clause, ...]]


@dataclass(frozen=True, slots=True)
class CompiledPolicies:
    """A policy set, ready to be asked; ``hash`` is that of its content."""

    hash: str
    _denies: _Table
    _allows: _Table
    _levels: tuple[_Level, ...]
    _exceptions: tuple[_Exception, ...]
    _data: DataClasses

    @classmethod
    def compile(cls, policy_set: PolicySet) -> CompiledPolicies:
        """Compile a set; what is wrong with it was found when it was loaded."""
        ordered = sorted(policy_set.policies, key=lambda policy: (-specificity(policy.scope), policy.policy))
        exceptions = tuple(one for policy in ordered for one in _exceptions(policy, policy_set.expired))
        data = DataClasses.of(policy_set.policies)
        denies: defaultdict[str, list[_Clause]] = defaultdict(list)
        allows: defaultdict[str, list[_Clause]] = defaultdict(list)
        for policy in ordered:
            for effect, clause in _compiled(policy, exceptions):
                (denies if effect in ("deny", "require", "rest") else allows)[clause.written.section].append(clause)
        return cls(policy_set.hash, _table(denies), _table(allows), _levels(policy_set.policies), exceptions, data)

    def ask(self, record: Record, principal: str) -> Question:
        """Return the question that the other methods answer, about one record."""
        data = self._data.of_record(record)
        touched = (DataClasses.subject(name, record) for name in data)
        return Question(record, principal, (*subjects_of(record), *touched), data)

    def denial(self, question: Question) -> tuple[Ruling | None, Ruling | None]:
        """Return what denies the record, of the most specific scope; or else an exception that set a denial aside."""
        denied: list[tuple[_Clause, Any]] = []
        excepted: Ruling | None = None
        for section, subject in question.subjects:
            for clause in self._denies.get(section, ()):
                if not clause.speaks_of(question, subject):
                    continue
                exception = clause.exception(question)
                if exception is None:
                    denied.append((clause, subject))
                    break
                excepted = excepted or _excepted(exception, clause, subject)
        if not denied:
            return None, excepted
        clause, subject = min(denied, key=lambda found: found[0].rank)
        return clause.ruling(subject, question), None

    def finding(self, question: Question, found: Iterable[Found]) -> tuple[tuple[Found, Ruling] | None, str]:
        """Return which finding, of these in the order of their gravity, makes the record unauthorized.

        Beside it, where none does, stands the title of the exception that has set the gravest aside.
        """
        threshold = next((one for one in self._levels if question.lies_in(one.scope)), None)
        set_aside = ""
        for one in found:
            if threshold is None or one.rank < threshold.rank:
                break
            about = [exception for exception in self._exceptions if exception.is_about(one, question)]
            exception = next((exception for exception in about if not exception.lapsed), None)
            if exception is None:
                return (one, threshold.ruling(one, _lapsed(about, question))), ""
            set_aside = set_aside or exception.title
        return None, set_aside

    def allowance(self, question: Question) -> Ruling | None:
        """Return what allows the record: one clause, or for the start of a container one for each right it asks for."""
        started: list[Ruling | None] = []
        for section, subject in question.subjects:
            ruling = self._allowing(question, section, subject)
            if section in SPECIAL_RIGHTS:
                started.append(ruling)
            elif ruling is not None and not is_right(section):
                return ruling
        return started[0] if started and all(started) else None

    def _allowing(self, question: Question, section: str, subject: Any) -> Ruling | None:
        clauses = self._allows.get(section, ())
        return next(
            (clause.ruling(subject, question) for clause in clauses if clause.speaks_of(question, subject)), None
        )


def _table(clauses: Mapping[str, list[_Clause]]) -> _Table:
    return {section: tuple(listed) for section, listed in clauses.items()}


def _levels(policies: Iterable[Policy]) -> tuple[_Level, ...]:
    """Return the levels, the most specific scope first, then the strictest."""
    listed = [(policy, LEVELS.index(policy.findings.level)) for policy in policies if policy.findings]
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
        lapsed = (
            f"exception of {written.owner} expired on {written.expires}" if (policy.policy, number) in expired else ""
        )
        yield _exception(policy, f"exceptions[{number}]", written, lapsed)


def _lapsed(exceptions: Iterable[_Exception], question: Question) -> str:
    """Return what to add to a reason of what exceptions no longer set aside."""
    found = dict.fromkeys(one.lapsed for one in exceptions if one.lapsed and one.holds(question))
    return "".join(f"; {lapsed}" for lapsed in found)


def _exception(policy: Policy, place: str, written: ExceptionRule, lapsed: str) -> _Exception:
    principal = names(written.principal) if written.principal else None
    scopes = [scope_test(scope, every=True) for scope in (policy.scope, written.scope) if scope is not None]
    if principal is not None:
        scopes.append(lambda _, asked: principal(asked))
    target = exception_target(policy, written.clause) if written.clause is not None else None
    title = f"{policy.policy}: {written.rule}" if target is None else ": ".join(target)
    rule = names([written.rule]) if written.rule is not None else None
    return _Exception(policy.policy, place, title, written.reason, lapsed, rule, target, tuple(scopes))


def _excepted(exception: _Exception, clause: _Clause, subject: Any) -> Ruling:
    doing = phrase(clause.written.section, subject, clause.written.value)
    reason = f"{doing}, which policy {exception.policy} excepts from {exception.title}: {exception.reason}"
    return Ruling(exception.policy, exception.place, reason, exception.title)
