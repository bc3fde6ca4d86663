"""The verdict: whether an event was authorized, by what, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["By", "Outcome", "Verdict"]

Outcome = Literal["authorized", "unauthorized", "undetermined"]
By = Literal["policy", "sensor", "nothing"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What decided an event; empty strings for what does not apply."""

    outcome: Outcome
    by: By
    reason: str
    policy_hash: str
    policy: str = ""
    clause: str = ""
    rule_name: str = ""
    rule_level: str = ""
    exception: str = ""

    def fields(self) -> dict[str, Any]:
        """Return the ``verdict.*`` fields that it decides, in the order of the field table, without empty ones."""
        values = {
            "verdict.outcome": self.outcome,
            "verdict.by": self.by,
            "verdict.reason": self.reason,
            "verdict.policy": self.policy,
            "verdict.clause": self.clause,
            "verdict.policy_hash": self.policy_hash,
            "verdict.rule.name": self.rule_name,
            "verdict.rule.level": self.rule_level,
            "verdict.exception": self.exception,
        }
        return {name: value for name, value in values.items() if value}
