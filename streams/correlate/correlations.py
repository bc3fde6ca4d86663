"""The state of one partition of hits: what correlations count there, and what was found."""

from __future__ import annotations

from collections import Counter
from typing import Final

from schemas.finding import Finding
from schemas.hit import Hit
from streams.correlate.types import Record
from streams.rules.correlator import Correlator
from streams.rules.ruleset import RuleSet
from streams.rules.tables import Limits

__all__ = ["CorrelationShard"]

_MILLISECOND: Final = 1_000_000


class CorrelationShard:
    """Correlations of one partition of ``rule-hits``; pure: what it returns follows from what it was given."""

    def __init__(self, limits: Limits) -> None:
        self._correlator = Correlator(limits)

    def adopt(self, rules: RuleSet) -> None:
        """Take a changed rule set; hits that were counted by it before they came here are there already."""
        self._correlator.adopt(rules)

    def take_finding(self, value: bytes) -> None:
        """Take what an earlier worker wrote, before any hit; raise ``Invalid`` for what is no finding."""
        self._correlator.take_finding(Finding.decode(value))

    def take_hit(self, value: bytes | None, appended_ms: int) -> None:
        """Take a hit, in any order and again; raise ``Invalid`` for what is none, which has changed nothing then."""
        self._correlator.take(Hit.decode(value or b""), appended_ms * _MILLISECOND)

    def tick(self, now_ms: int) -> list[Record]:
        """Return what was found or has grown, and what of it counts for others."""
        return [_record(said) for said in self._correlator.settle(now_ms * _MILLISECOND)]

    def dropped(self) -> Counter[str]:
        """Return how many hits could not be kept, by reason, since this was asked last."""
        return self._correlator.dropped()


def _record(said: Finding | Hit) -> Record:
    return ("findings" if isinstance(said, Finding) else "rule-hits"), said.key, said.encode()
