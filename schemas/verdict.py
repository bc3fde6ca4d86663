"""The verdict: whether an event was authorized, by what, and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["By", "Learned", "Outcome", "Verdict"]

Outcome = Literal["authorized", "unauthorized", "undetermined"]
By = Literal["policy", "sensor", "baseline", "nothing"]


@dataclass(frozen=True, slots=True)
class Learned:
    """What a baseline says of an event; ``element`` covers it, or is what is new in it."""

    version: int
    hash: str
    dimension: str
    element: str
    nearest: str = ""
    release: str = ""


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
    baseline: Learned | None = None

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
            **self._learned(),
            "verdict.exception": self.exception,
        }
        return {name: value for name, value in values.items() if value}

    def _learned(self) -> dict[str, Any]:
        return (
            {}
            if self.baseline is None
            else {f"verdict.baseline.{name}": value for name, value in asdict(self.baseline).items()}
        )
