"""The demo's person: who is enrolled in the demo's policies, and approves what was learned of the normal day."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.baselines.deciding import decide
from deploy.baselines.operators import Operator, enrolment
from deploy.baselines.proposals import Author, Proposal, approve
from deploy.baselines.topics import policies, read_profiles, read_standings
from schemas.baseline import Profile
from schemas.errors import StackError
from schemas.event import now
from schemas.keys import create_key
from schemas.settings import Settings
from streams.baseline.rules import LearnRules

__all__ = ["Approver"]

_NAME: Final = "demo"
_REASON: Final = "a normal day of the shop"
_PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Approver:
    """A person with a key, and the policy that enrols it."""

    operator: Operator
    policy: Path

    @classmethod
    def enrolled(cls, directory: Path) -> Approver:
        """Make a key and a policy in ``directory``."""
        operator = Operator(_NAME, create_key(directory / f"{_NAME}.key"))
        policy = directory / "people.yaml"
        policy.write_text(enrolment(_NAME, operator.public_key))
        return cls(operator, policy)

    def approve_all(self, settings: Settings) -> list[Profile]:
        """Approve what was learned of every principal and return their profiles; raise ``StackError`` where one is not carried out.

        What lies less than a flush of the judge back is waited for.
        """
        time.sleep(2 * settings.judge.flush_seconds)
        standings = read_standings(settings, LearnRules.of(policies(settings)), read_profiles(settings).values())
        author = Author(self.operator.name, _REASON, now())
        found = (approve(standing, author) for standing in standings)
        proposals = [proposal for proposal in found if isinstance(proposal, Proposal)]
        for outcome in decide(settings.kafka, self.operator, proposals, _PATIENCE_SECONDS):
            if outcome.step is None:
                raise StackError(f"{outcome.proposal.principal}: {outcome.refusal or 'correlate does not answer'}")
        return list(read_profiles(settings).values())
