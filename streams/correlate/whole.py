"""All that is kept of one partition of ``activities``: each thing in a shard of its own, which knows nothing of the others."""

from __future__ import annotations

from schemas.policyset import PolicySet
from streams.correlate.facts import SharedFactsShard
from streams.correlate.shard import BaselineShard
from streams.correlate.types import Record

__all__ = ["WholeShard"]


class WholeShard:
    """Baselines of principals and facts of subjects."""

    def __init__(self, partition: int, policies: PolicySet) -> None:
        self._baselines = BaselineShard(partition, policies)
        self._facts = SharedFactsShard(policies)

    def adopt(self, policies: PolicySet) -> None:
        """Let both take a changed policy set."""
        self._baselines.adopt(policies)
        self._facts.adopt(policies)

    def take_profile(self, key: bytes, value: bytes | None) -> None:
        """Take a record of ``baselines``."""
        self._baselines.take_profile(key, value)

    def take_shared(self, key: bytes, value: bytes | None) -> None:
        """Take a record of ``shared-facts``."""
        self._facts.take_record(key, value)

    def take_row(self, key: bytes, value: bytes | None, appended_ms: int) -> None:
        """Let both take a row; one that the first cannot read is given to none."""
        self._baselines.take_row(key, value, appended_ms)
        self._facts.take_row(value, appended_ms)

    def take_decision(self, key: bytes, value: bytes, offset: int, appended_ms: int) -> list[Record]:
        """Carry out a decision about a baseline."""
        return self._baselines.take_decision(key, value, offset, appended_ms)

    def tick(self, now_ms: int) -> list[Record]:
        """Return what both write."""
        return self._baselines.tick(now_ms) + self._facts.tick(now_ms)
