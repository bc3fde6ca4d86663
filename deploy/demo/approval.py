"""The demo's person: who is enrolled in the demo's policies, and approves what was learned of the normal day."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.kafka import publish_all, read_all
from deploy.pipeline import policies_in_force
from schemas.baseline import Profile
from schemas.decision import Decision
from schemas.errors import StackError
from schemas.event import now
from schemas.keys import create_key, public_key_of
from schemas.policyset import PolicySet
from schemas.settings import Settings
from streams.baseline.rules import LearnRules
from streams.baseline.seen import Seen

__all__ = ["Approver"]

NAME: Final = "demo"

_REASON: Final = "a normal day of the shop"
_PATIENCE_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Approver:
    """A person with a key, and the policy that enrols it."""

    key: Ed25519PrivateKey
    policy: Path

    @classmethod
    def enrolled(cls, directory: Path) -> Approver:
        """Make a key and a policy in ``directory``."""
        key, policy = create_key(directory / f"{NAME}.key"), directory / "people.yaml"
        policy.write_text(f"policy: demo-people\npeople: {{name: {NAME}, key: '{public_key_of(key)}'}}\n")
        return cls(key, policy)

    def approve_all(self, settings: Settings) -> list[Profile]:
        """Approve what was learned of every principal, and return their profiles once all judges can read them.

        What lies less than a flush of the judge back is waited for.
        """
        time.sleep(2 * settings.judge.flush_seconds)
        decisions = self._decisions(settings)
        publish_all(settings.kafka, "control", [(one.principal, one.signed(self.key).encode()) for one in decisions])
        return _carried_out(settings, {one.principal for one in decisions})

    def _decisions(self, settings: Settings) -> list[Decision]:
        rules, seen = LearnRules.of(policies_in_force(settings) or PolicySet.empty()), Seen()
        for (_, key), value in read_all(settings.kafka, "activities").items():
            seen.take(key or b"", value)
        return [self._decision(principal, seen, rules) for principal in sorted(seen.learned)]

    def _decision(self, principal: str, seen: Seen, rules: LearnRules) -> Decision:
        candidate = seen.of(principal).candidate({}, rules.protected, seen.gaps)
        _, learn = rules.rule_of(principal, seen.facts_of(principal))
        elements = {name: found for name, found in candidate.elements.items() if name not in learn.leave_out}
        return Decision(
            principal,
            "approve",
            NAME,
            now(),
            _REASON,
            elements=elements,
            releases=candidate.releases,
            partial=candidate.partial,
        )


def _carried_out(settings: Settings, principals: set[str]) -> list[Profile]:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        records = read_all(settings.kafka, "baselines").values()
        active = [profile for value in records if value and (profile := Profile.decode(value)).baseline is not None]
        if principals <= {profile.principal for profile in active}:
            return active
        time.sleep(_POLL_SECONDS)
    raise StackError(f"the approvals were not carried out within {_PATIENCE_SECONDS:.0f} s; see the log of correlate")
