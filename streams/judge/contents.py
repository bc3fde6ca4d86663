"""What decides beside an event and its context, and the one place where a record is put together and decided upon."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from schemas.codec import Event
from streams.judge.baselines import Baselines
from streams.judge.decide import decide
from streams.judge.joins import Joins
from streams.judge.memo import Context, digest_of
from streams.judge.policy import CompiledPolicies
from streams.judge.rules import RulesInForce
from streams.rules.hits import Template

__all__ = ["Contents", "Judgement"]

_MISSING: Final = "missing"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The ``verdict.*`` fields of an activity, and what of it correlations count, of which each event makes its own hit."""

    verdict: Event
    hits: tuple[Template, ...]


@dataclass(slots=True)
class Contents:
    """All that was adopted; it changes only between two transactions (``streams.judge.adoptions``)."""

    policies: CompiledPolicies
    baselines: Baselines = field(default_factory=Baselines)
    joins: Joins = field(default_factory=Joins)
    rules: RulesInForce = field(default_factory=RulesInForce.none)

    def record(self, fields: Event, context: Context) -> Event:
        """Return what an activity is decided by: its own fields, those of its context, and the shared facts that both lead to."""
        return {**context.deciding, **self.joins.of(fields, context), **fields}

    def judge(self, activity: bytes, fields: Event, context: Context) -> Judgement:
        """Decide about an activity in a context; ``fields`` is what its bytes say."""
        principal, record = context.principal, self.record(fields, context)
        baseline = None if context.provisional else self.baselines.of(principal)
        matches = self.rules.match(record, principal)
        verdict = {
            **decide(record, principal, self.policies, baseline, matches, self.rules.hash).fields(),
            "verdict.principal": principal,
            "verdict.context": _MISSING if context.provisional else context.hash,
            "verdict.activity": digest_of(activity),
        }
        return Judgement(verdict, self.rules.templates(record, principal, matches, verdict))

    def verdict(self, activity: bytes, fields: Event, context: Context) -> Event:
        """Return what is decided about an activity whose events were counted already."""
        return self.judge(activity, fields, context).verdict
