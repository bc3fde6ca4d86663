"""Where a principal stands, what was seen of it until now, and what follows from both: the same as in ``correlate``, computed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from schemas.baseline import Baseline, Elements, Profile
from schemas.event import parse_time
from schemas.policy import Learn
from streams.baseline.compiled import CompiledBaseline
from streams.baseline.learned import Candidate, Learned
from streams.baseline.lifecycle import lacking
from streams.baseline.rules import LearnRules
from streams.baseline.seen import Seen

__all__ = ["Standing"]

_HOUR_NANOSECONDS: Final = 3.6e12


@dataclass(frozen=True)
class Standing:
    """Everything that is known of one principal at one moment; ``policy`` says how it learns."""

    profile: Profile
    learned: Learned
    policy: str
    learn: Learn
    protected: frozenset[str]
    gaps: Mapping[str, tuple[str, str]]

    @classmethod
    def of(cls, profile: Profile, seen: Seen, rules: LearnRules) -> Standing:
        """Return where a principal stands by what was seen in its partition."""
        policy, learn = rules.rule_of(profile.principal, seen.facts_of(profile.principal))
        return cls(profile, seen.of(profile.principal).after(profile.begun), policy, learn, rules.protected, seen.gaps)

    @property
    def principal(self) -> str:
        return self.profile.principal

    @property
    def baseline(self) -> Baseline | None:
        """Return the version in force."""
        return self.profile.baseline

    @cached_property
    def candidate(self) -> Candidate:
        """Return what a baseline would be that is made of all that was seen, also of what the policy leaves out."""
        return self.learned.candidate(self.profile.never, self.protected, self.gaps)

    @cached_property
    def difference(self) -> dict[str, Elements]:
        """Return what was seen beyond the version in force, by release; nothing without one."""
        if self.baseline is None:
            return {}
        return self.learned.difference(self.baseline, CompiledBaseline.of(self.baseline).known)

    @property
    def known(self) -> Candidate:
        """Return the version in force with how it was founded: by what had been seen when it was approved."""
        if self.baseline is None:
            return self.candidate
        extent = self.candidate.extent
        until = replace(extent, last=min(extent.last, self.baseline.approved or extent.last))
        return Candidate(self.baseline.elements, self.baseline.releases, self.baseline.partial, until)

    @property
    def forbidden(self) -> int:
        """Return how many kinds of activity are not learned since a policy, a rule or a sensor forbids them."""
        return sum(row.forbidden for row in self.learned.rows.values())

    def lacking(self, now: str) -> list[str]:
        """Return what is not enough yet for a review, while it learns."""
        if self.profile.state != "learning":
            return []
        waited = parse_time(now) - parse_time(self.profile.since) if self.profile.since else 0
        return lacking(self.candidate.extent, self.learn, waited / _HOUR_NANOSECONDS)

    def decides(self, elements: Elements) -> Elements:
        """Return elements without the dimensions that the policy leaves out."""
        return {name: found for name, found in elements.items() if name not in self.learn.leave_out}
