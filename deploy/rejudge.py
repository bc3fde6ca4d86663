"""Judging what was recorded under two policy sets: which verdicts would be others, for whom, and by which clause.

Records are events as ``tidewaiter normalise`` writes them, or records of ``verdicts``. What policies do not decide stays as it was
recorded: by a rule, by a baseline, or not at all. Facts that the records tell of an entity hold for it from the first record on, as
in ``try``. What was recorded by a policy and is decided by none any more counts as undetermined: nobody has asked the baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from schemas.codec import Event, dumps_sorted
from schemas.errors import Invalid
from schemas.facts import Facts, is_facts, principal_of
from schemas.fields import FIELDS
from schemas.policyset import PolicySet
from schemas.verdict import Verdict
from streams.judge.decide import decide
from streams.judge.policy import CompiledPolicies

__all__ = ["ChangedVerdict", "Records", "Rejudged", "rejudge"]

_MAX_EXAMPLES: Final = 3
_MAX_REMEMBERED: Final = 100_000
_MISSING: Final = "missing"
_OWN_MODULE: Final = "tidewaiter"
_DECIDING: Final = frozenset(name for name, row in FIELDS.items() if row.decides)
_FACTS: Final = frozenset(name for name in _DECIDING if FIELDS[name].part == "facts")
_KEPT: Final = frozenset({"baseline", "rule"})


@dataclass(frozen=True, slots=True)
class _Said:
    """What a policy set says of a record: the outcome, and the policy and clause, or what else decided."""

    outcome: str
    by: str
    reason: str


@dataclass(slots=True)
class ChangedVerdict:
    """Events of one principal whose verdict changes in one way; clauses are ``policy: path``, or what else decided."""

    principal: str
    old: str
    new: str
    old_clause: str
    new_clause: str
    count: int = 0
    examples: list[str] = field(default_factory=list)
    reason: str = ""

    def add(self, event_id: str, reason: str) -> None:
        """Count one event."""
        self.count += 1
        self.reason = self.reason or reason
        if len(self.examples) < _MAX_EXAMPLES:
            self.examples.append(event_id)

    def __str__(self) -> str:
        """Return one line for a person."""
        examples = ", ".join(self.examples)
        return (
            f"{self.count} of {self.principal}: {self.old} ({self.old_clause}) → {self.new} ({self.new_clause}): "
            f"{self.reason}; such as {examples}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the change as a JSON object."""
        return asdict(self)


@dataclass(slots=True)
class Rejudged:
    """What came of a period: how many records were judged, which could not be read, and what changes, the most frequent first.

    ``by_another_clause`` counts verdicts that stay, but for another reason.
    """

    judged: int = 0
    unreadable: list[str] = field(default_factory=list)
    by_another_clause: int = 0
    changes: list[ChangedVerdict] = field(default_factory=list)


Records = Callable[[], Iterable[Event | Invalid]]
"""What reads a period from its beginning, each time it is called."""


def rejudge(records: Records, old: PolicySet, new: PolicySet) -> Rejudged:
    """Judge records under both sets; they are read twice, the first time for what they tell of entities."""
    known, court = _Entities.of(records()), _Court(CompiledPolicies.compile(old), CompiledPolicies.compile(new))
    found, changes = Rejudged(), dict[tuple[str, ...], ChangedVerdict]()
    for event in records():
        if isinstance(event, Invalid):
            found.unreadable.append(str(event))
        elif _is_judged(event):
            principal, record = known.record(event)
            before, after = court.hear(principal, record, event)
            found.judged += 1
            if before.outcome != after.outcome:
                place = (principal, before.outcome, after.outcome, before.by, after.by)
                changes.setdefault(place, ChangedVerdict(*place)).add(event["event.id"], after.reason)
            else:
                found.by_another_clause += before.by != after.by
    found.changes = sorted(
        changes.values(), key=lambda one: (-one.count, one.principal, one.new_clause, one.old_clause)
    )
    return found


@dataclass(slots=True)
class _Court:
    """Two policy sets, and what they said of the records that they were asked about lately: most come again and again."""

    old: CompiledPolicies
    new: CompiledPolicies
    remembered: dict[bytes, tuple[_Said, _Said]] = field(default_factory=dict)

    def hear(self, principal: str, record: Event, event: Event) -> tuple[_Said, _Said]:
        key = dumps_sorted([principal, record, event.get("verdict.by"), event.get("verdict.outcome")])
        known = self.remembered.get(key)
        if known is None:
            if len(self.remembered) >= _MAX_REMEMBERED:
                self.remembered.clear()
            old, new = (_said(decide(record, principal, policies), event) for policies in (self.old, self.new))
            known = self.remembered[key] = (old, new)
        return known


def _said(verdict: Verdict, event: Event) -> _Said:
    """Return what a set says of a record, or what was recorded where only something else can have decided."""
    recorded = event.get("verdict.by")
    if recorded in _KEPT and (verdict.by == "nothing" or (recorded == "rule" and verdict.outcome != "unauthorized")):
        return _Said(event["verdict.outcome"], str(recorded), event.get("verdict.reason", ""))
    return _Said(
        verdict.outcome, f"{verdict.policy}: {verdict.clause}" if verdict.policy else verdict.by, verdict.reason
    )


def _is_judged(event: Event) -> bool:
    """Return whether a record is an event; heartbeats, adoptions and amendments are none."""
    return "amendment.first" not in event and (event.get("event.module") != _OWN_MODULE or "verdict.outcome" in event)


@dataclass(slots=True)
class _Entities:
    """What records tell of entities; each source's first facts hold from the beginning, later ones from where they stand."""

    facts: dict[str, Facts] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[Event | Invalid]) -> _Entities:
        told: set[tuple[str, str]] = set()
        found = cls()
        for event in records:
            if isinstance(event, Invalid) or not is_facts(event):
                continue
            source = (str(event["entity.id"]), str(event.get("facts.authority", "")))
            if source not in told:
                told.add(source)
                found.take(event)
        return found

    def take(self, event: Event) -> None:
        self.facts.setdefault(str(event["entity.id"]), Facts()).merge(event)

    def record(self, event: Event) -> tuple[str, Event]:
        """Return the principal and the record that is decided upon."""
        if is_facts(event):
            self.take(event)
        entity = str(event["entity.id"])
        known = self.facts[entity].deciding() if entity in self.facts else {}
        is_told = event.get("verdict.context", _MISSING) != _MISSING
        facts = known | ({name: event[name] for name in _FACTS & event.keys()} if is_told else {})
        activity = {name: event[name] for name in _DECIDING & event.keys() if FIELDS[name].part == "activity"}
        principal = event["verdict.principal"] if is_told else principal_of(entity, facts)
        return principal, facts | activity
