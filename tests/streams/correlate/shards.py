"""A shard of baselines without Kafka: the topics it is fed from, the table it writes, and workers that die."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from schemas.baseline import Baseline, Elements, Profile
from schemas.decision import Decision
from schemas.errors import Invalid
from schemas.event import timestamp
from schemas.policyset import Document, PolicySet, parse_policies
from streams.correlate.shard import BaselineShard
from streams.correlate.types import Record
from tests.schemas.baselines import ADA, BOB, enrolled
from tests.streams.baseline.rows import WEB, KeyAndRow

START_MS: Final = 1_764_000_000_000
PEOPLE: Final = enrolled(ada=ADA, bob=BOB)
HOUR_MS: Final = 3_600_000


def learning(text: str = "{approve: automatic, hours: 0, observations: 1}") -> PolicySet:
    """Return policies by which everybody learns so, and ada and bob may decide."""
    return policy_set(PEOPLE, f"policy: all\nlearn: {text}\n")


def policy_set(*texts: str) -> PolicySet:
    return parse_policies([Document(f"{number}.yaml", text) for number, text in enumerate(texts)], date(2026, 1, 1))


@dataclass(slots=True)
class Lab:
    """One partition; ``now_ms`` is the broker's clock. Every step ends with a tick."""

    policies: PolicySet = field(default_factory=learning)
    now_ms: int = START_MS
    rows: list[tuple[bytes, bytes | None, int]] = field(default_factory=list)
    decisions: list[tuple[bytes, bytes, int]] = field(default_factory=list)
    table: dict[bytes, bytes] = field(default_factory=dict)
    written: list[Profile] = field(default_factory=list)
    gap: float | None = None
    shard: BaselineShard = field(init=False)

    def __post_init__(self) -> None:
        self.shard = BaselineShard(0, self.policies)

    # What comes

    def take(self, *rows: KeyAndRow, wait_ms: int = 1000) -> list[Profile]:
        """Append rows, let time pass, and return the profiles that were written."""
        for key, value in rows:
            self.rows.append((key, value, self.now_ms))
            self.shard.take_row(key, value, self.now_ms)
        return self.wait(wait_ms)

    def wait(self, wait_ms: int = 1000) -> list[Profile]:
        self.now_ms += wait_ms
        return self._write(self.shard.tick(self.now_ms))

    def adopt(self, policies: PolicySet, wait_ms: int = 1000) -> list[Profile]:
        self.policies = policies
        self.shard.adopt(policies)
        return self.wait(wait_ms)

    def decide(self, decision: Decision | bytes, key: bytes = WEB.encode(), wait_ms: int = 1000) -> list[Profile]:
        """Append a decision and return what was written at once; raise what it raises, behind a tick."""
        value = decision if isinstance(decision, bytes) else decision.encode()
        self.decisions.append((key, value, self.now_ms))
        try:
            written = self._write(self.shard.take_decision(key, value, len(self.decisions) - 1, self.now_ms))
        finally:
            self.wait(wait_ms)
        return written

    def _write(self, records: Iterable[Record]) -> list[Profile]:
        written: list[Profile] = []
        for topic, key, value in records:
            assert topic == "baselines"
            profile = Profile.decode(value)
            assert profile.principal.encode() == key
            self.table[key] = value
            written.append(profile)
        self.written += written
        return written

    # Workers die

    def crash(self) -> None:
        """Begin anew with what is written, as the broker would give it: compacted tables, all decisions."""
        self.shard = BaselineShard(0, self.policies)
        for key, value in self.table.items():
            self.shard.take_profile(key, value)
        for offset, (key, decided, appended_ms) in enumerate(self.decisions):
            try:
                self._write(self.shard.take_decision(key, decided, offset, appended_ms))
            except Invalid:
                continue
        latest = {key: place for place, (key, _, _) in enumerate(self.rows)}
        for place in sorted(latest.values()):
            self.shard.take_row(*self.rows[place])

    # Where it stands

    def profile(self, principal: str = WEB) -> Profile:
        return Profile.decode(self.table[principal.encode()])

    def baseline(self, principal: str = WEB) -> Baseline:
        baseline = self.profile(principal).baseline
        assert baseline is not None
        return baseline

    @property
    def actions(self) -> list[str]:
        return [change.action for change in self.profile().changes]

    def decision(self, action: Any, elements: Elements | None = None, **values: Any) -> Decision:
        """Return what ada decides about the version in force, signed."""
        stored = self.table.get(WEB.encode())
        baseline = Profile.decode(stored).baseline if stored else None
        based_on = baseline.hash if baseline else ""
        made = Decision(WEB, action, "ada", timestamp(self.now_ms * 1_000_000), "so", based_on, elements or {})
        return replace(made, **values).signed(ADA)

    def gap_from(self, seconds: float) -> float:
        """Return when the first gap was, now or earlier: its row is cumulative like any other."""
        self.gap = seconds if self.gap is None else self.gap
        return self.gap
