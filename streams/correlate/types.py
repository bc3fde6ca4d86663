"""What the worker asks of a shard, the state of one partition, and how it is given one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from schemas.policyset import PolicySet
from schemas.topics import Name
from streams.rules.ruleset import RuleSet

__all__ = ["MakeShard", "Record", "Shard"]

Record = tuple[Name, bytes, bytes]
"""Topic, key, value.

A record of ``baselines``, ``alerts``, ``shared-facts`` or ``control`` goes into the shard's own partition, one of ``findings`` or ``rule-hits`` into
the one that its key names.
"""


class Shard(Protocol):
    """The state of one partition, in memory; pure: what it returns follows from what it was given.

    It is made anew on every assignment, given the rule set in force, then ``baselines``, ``shared-facts``, ``alerts``, ``findings``, ``control``,
    ``activities`` and ``rule-hits`` from their start in this order, then rows, decisions and hits as they come. It must bear to be given any of them again. Methods never wait. ``Invalid`` makes a dead letter of what was
    given, which must have changed nothing; anything else ends the process.
    """

    def adopt(self, policies: PolicySet) -> None:
        """Take a changed policy set; the first one was given when the shard was made."""

    def adopt_rules(self, rules: RuleSet) -> None:
        """Take a changed rule set, or the first one."""

    def take_profile(self, key: bytes, value: bytes | None) -> None:
        """Take a record of ``baselines``; only while restoring. None is a tombstone."""

    def take_shared(self, key: bytes, value: bytes | None) -> None:
        """Take a record of ``shared-facts``; only while restoring. None is a tombstone."""

    def take_alert(self, value: bytes | None) -> None:
        """Take a record of ``alerts``; only while restoring. None is a tombstone."""

    def take_finding(self, value: bytes) -> None:
        """Take a record of ``findings`` about hits of this partition; only while restoring."""

    def take_row(self, key: bytes, value: bytes | None, offset: int, appended_ms: int) -> None:
        """Take a row of ``activities`` that stands there; None is a tombstone."""

    def take_hit(self, value: bytes | None, appended_ms: int) -> None:
        """Take a hit of ``rule-hits``."""

    def take_decision(self, key: bytes, value: bytes, offset: int, appended_ms: int) -> list[Record]:
        """Take a decision of ``control`` and return what follows from it; what was heeded before is to be passed over."""

    def tick(self, now_ms: int) -> list[Record]:
        """Return what follows from the passing of time; called every half second, with a time that may step back a little."""

    def dropped(self) -> Counter[str]:
        """Return, by reason, what was left out since this was asked last."""


MakeShard = Callable[[int, PolicySet], Shard]
