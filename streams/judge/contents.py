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

__all__ = ["Contents"]

_MISSING: Final = "missing"


@dataclass(slots=True)
class Contents:
    """All that was adopted; it changes only between two transactions (``streams.judge.adoptions``)."""

    policies: CompiledPolicies
    baselines: Baselines = field(default_factory=Baselines)
    joins: Joins = field(default_factory=Joins)

    def record(self, fields: Event, context: Context) -> Event:
        """Return what an activity is decided by: its own fields, those of its context, and the shared facts that both lead to."""
        return {**context.deciding, **self.joins.of(fields, context), **fields}

    def verdict(self, activity: bytes, fields: Event, context: Context) -> Event:
        """Return the ``verdict.*`` fields of an activity in a context; ``fields`` is what its bytes say."""
        baseline = None if context.provisional else self.baselines.of(context.principal)
        decided = decide(self.record(fields, context), context.principal, self.policies, baseline)
        return {
            **decided.fields(),
            "verdict.principal": context.principal,
            "verdict.context": _MISSING if context.provisional else context.hash,
            "verdict.activity": digest_of(activity),
        }
