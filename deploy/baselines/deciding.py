"""Decisions signed, published, and what became of each: ``correlate`` carries them out, or says in a dead letter why it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from deploy.answers import hear
from deploy.baselines.operators import Operator
from deploy.baselines.proposals import Proposal
from deploy.kafka import Follower, Place, following, publish_all
from schemas.baseline import Change, Profile
from schemas.settings import KafkaSettings

__all__ = ["WAITING", "Outcome", "decide"]

WAITING: Final = "not carried out yet: `tidewaiter correlate` does not run, or has much to read; the decision stands, and counts when it does"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a decision: the step that it was in the life of its baseline, or why it was refused; neither while nobody answers."""

    proposal: Proposal
    place: Place
    step: Change | None = None
    refusal: str = ""

    @property
    def state(self) -> Literal["carried out", "refused", "waiting"]:
        """Return it in two words."""
        return "refused" if self.refusal else "carried out" if self.step else "waiting"

    def as_json(self) -> dict[str, Any]:
        """Return one object for machines; state, version and hash are those behind the decision, null for none."""
        return {
            "principal": self.proposal.principal,
            "action": self.proposal.decision.action,
            "outcome": self.state,
            "refusal": self.refusal,
            "state": self.step.state if self.step else None,
            "version": self.step.version or None if self.step else None,
            "hash": self.step.hash or None if self.step else None,
            "added": len(self.proposal.added),
            "removed": len(self.proposal.removed),
            "decision": str(self.place),
        }


def decide(
    settings: KafkaSettings, operator: Operator, proposals: Sequence[Proposal], wait_seconds: float
) -> list[Outcome]:
    """Sign and publish decisions at one stroke, and return what became of each, after ``wait_seconds`` at the latest.

    Several about one principal are carried out in their order. Raises ``KafkaException`` where Kafka does not take them.
    """
    with following(settings, ("baselines", "deadletters")) as follower:
        signed = [proposal.decision.signed(operator.key) for proposal in proposals]
        places = publish_all(settings, "control", [(one.principal, one.encode()) for one in signed])
        answers = _Answers(list(zip(proposals, places, strict=True)))
        answers.wait(follower, wait_seconds)
    return answers.outcomes()


class _Answers:
    """The answers to decisions, as they come."""

    def __init__(self, asked: list[tuple[Proposal, Place]]) -> None:
        self._asked = asked
        self._by_principal: dict[str, list[tuple[Proposal, Place]]] = {}
        for proposal, place in asked:
            self._by_principal.setdefault(proposal.principal, []).append((proposal, place))
        self._open = {str(place) for _, place in asked}
        self._steps: dict[Place, Change] = {}
        self._refused: dict[str, str] = {}

    def wait(self, follower: Follower, seconds: float) -> None:
        hear(follower.poll, seconds, self._open, self._take_profile, self._refuse)

    def outcomes(self) -> list[Outcome]:
        return [
            Outcome(proposal, place, self._steps.get(place), self._refused.get(str(place), ""))
            for proposal, place in self._asked
        ]

    def _take_profile(self, value: bytes) -> None:
        profile = Profile.decode(value)
        for proposal, place in self._by_principal.get(profile.principal, ()):
            step = _step(profile, proposal) if place.offset <= profile.decided else None
            if step is not None:
                self._steps.setdefault(place, step)
                self._open.discard(str(place))

    def _refuse(self, place: str, error: str) -> None:
        self._refused[place] = error
        self._open.discard(place)


def _step(profile: Profile, proposal: Proposal) -> Change | None:
    """Return the step that is this very decision: a later one may be heeded where this one was refused."""
    before = max((step.number for step in proposal.before.changes), default=0)
    expected = _identity(proposal.after.changes[-1])
    return next((one for one in profile.changes if one.number > before and _identity(one) == expected), None)


def _identity(step: Change) -> tuple[str, str, str, str]:
    return step.action, step.author, step.reason, step.hash
