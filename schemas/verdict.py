"""The verdict: whether an event was authorized, by what, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["By", "Decisive", "Learned", "Outcome", "Verdict"]

Outcome = Literal["authorized", "unauthorized", "undetermined"]
By = Literal["policy", "rule", "sensor", "baseline", "nothing"]


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
class Decisive:
    """The rule that decided: one of ours, with its file and the fields whose values matched, or a sensor's own."""

    id: str
    name: str
    level: str
    file: str = ""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What decided an event; empty for what does not apply.

    ``level`` and ``techniques`` are those of what made it unauthorized; ``rules`` are all that matched, ``data`` the classes of data
    that it touches, whatever was decided.
    """

    outcome: Outcome
    by: By
    reason: str
    policy_hash: str
    rules_hash: str = ""
    policy: str = ""
    clause: str = ""
    rule: Decisive | None = None
    rules: tuple[str, ...] = ()
    level: str = ""
    techniques: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
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
            **_named("rule", self.rule),
            "verdict.rules": list(self.rules),
            "verdict.rules_hash": self.rules_hash,
            "verdict.level": self.level,
            "verdict.techniques": list(self.techniques),
            "verdict.data": list(self.data),
            **_named("baseline", self.baseline),
            "verdict.exception": self.exception,
        }
        return {name: value for name, value in values.items() if value}


def _named(name: str, part: Decisive | Learned | None) -> dict[str, Any]:
    if part is None:
        return {}
    values = ((f"verdict.{name}.{key}", getattr(part, key)) for key in part.__slots__)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values}
