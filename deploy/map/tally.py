"""What is counted of one connection, by who told of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from deploy.map.connection import Connection, Side

__all__ = ["LEVELS", "OUTCOMES", "Tally"]

OUTCOMES: Final = ("authorized", "undetermined", "unauthorized")
"""Verdicts from the best to the worst."""

LEVELS: Final = ("", "informational", "low", "medium", "high", "critical")
_SIDES: Final[tuple[Side, ...]] = ("egress", "ingress")
_NONE: Final = frozenset[str]()


Said = tuple[Side, str, str, bool]
"""Who tells, by which sensor, with which verdict, and whether none of it came about."""


@dataclass(slots=True)
class Tally:
    """Counts of a connection by side, sensor, verdict, and whether the platform let it not come about.

    Both ends tell of it, and maybe several sensors: those are reports of the same, so the count is that of whoever saw most. Of several
    connections another one may have seen most of each: ``lacking`` is how much whoever saw most of all has not, and how much of that failed.
    """

    first: str = ""
    last: str = ""
    level: str = ""
    said: dict[Said, int] = field(default_factory=dict)
    data: frozenset[str] = frozenset()
    protocols: frozenset[str] = frozenset()
    lacking: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, connection: Connection) -> Tally:
        """Return what one report says."""
        return cls(
            connection.first,
            connection.first if connection.first == connection.last else connection.last,
            connection.level,
            {_said(connection.side, connection.dataset, connection.outcome, connection.failed): connection.times},
            frozenset(connection.data) if connection.data else _NONE,
            frozenset([connection.protocol]) if connection.protocol else _NONE,
        )

    @classmethod
    def together(cls, tallies: Iterable[Tally]) -> Tally:
        """Return what several say as one; their order makes no difference."""
        found = cls()
        for tally in tallies:
            found.add(tally)
        return found

    def add(self, other: Tally) -> None:
        """Count what another one says as well."""
        self.first = min(self.first or other.first, other.first or self.first)
        self.last = max(self.last, other.last)
        self.level = max(self.level, other.level, key=_gravity)
        for place, count in other.said.items():
            self.said[place] = self.said.get(place, 0) + count
        self.data |= other.data
        self.protocols |= other.protocols
        self._lack(*other.lacking)

    def join(self, other: Tally) -> None:
        """Count what another one says of other connections."""
        count, failed = self.count + other.count, self.failed + other.failed
        self.add(other)
        self._lack(count - self.count, failed - self.failed)

    def _lack(self, count: int, failed: int) -> None:
        if count or failed:
            self.lacking = self.lacking[0] + count, self.lacking[1] + failed

    @property
    def count(self) -> int:
        """Return how many connections were seen."""
        return self._most(only_failed=False) + self.lacking[0]

    @property
    def failed(self) -> int:
        """Return how many of them did not come about."""
        return self._most(only_failed=True) + self.lacking[1]

    def _most(self, *, only_failed: bool) -> int:
        seen: dict[tuple[Side, str], int] = {}
        for (side, dataset, _, failed), count in self.said.items():
            seen[side, dataset] = seen.get((side, dataset), 0) + (count if failed or not only_failed else 0)
        return max(seen.values(), default=0)

    @property
    def verdict(self) -> str:
        """Return the worst verdict that either end was given."""
        return max((outcome for _, _, outcome, _ in self.said), key=_badness, default="")

    @property
    def sides(self) -> tuple[Side, ...]:
        """Return which ends have told of it."""
        told = {side for side, *_ in self.said}
        return tuple(side for side in _SIDES if side in told)

    @property
    def has_come_about(self) -> bool:
        """Return whether the platform let any of them come about."""
        return any(not failed for *_, failed in self.said)

    def verdicts(self) -> dict[str, dict[str, int]]:
        """Return the verdicts that each end was given, counted; of several sensors that which saw most of one."""
        seen: dict[tuple[Side, str, str], int] = {}
        for (side, dataset, outcome, _), count in self.said.items():
            seen[side, outcome, dataset] = seen.get((side, outcome, dataset), 0) + count
        found: dict[str, dict[str, int]] = {side: {} for side in self.sides}
        for (side, outcome, _), count in sorted(seen.items()):
            found[side][outcome] = max(found[side].get(outcome, 0), count)
        return found

    def as_json(self) -> dict[str, Any]:
        """Return it as part of a JSON object; no sensor here tells how much went over one connection."""
        return {
            "count": self.count,
            "failed": self.failed,
            "volume": "unknown",
            "first": self.first,
            "last": self.last,
            "seen_by": list(self.sides),
            "verdict": self.verdict,
            "verdicts": self.verdicts(),
            "level": self.level or None,
            "data": sorted(self.data),
            "protocols": sorted(self.protocols),
        }


@lru_cache(maxsize=1_024)
def _said(side: Side, dataset: str, outcome: str, failed: bool) -> Said:  # noqa: FBT001 - part of a key
    """Return one and the same key for all tallies, of which there may be a million."""
    return side, dataset, outcome, failed


def _gravity(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else 0


def _badness(outcome: str) -> int:
    return OUTCOMES.index(outcome) if outcome in OUTCOMES else -1
