"""What the rows of one partition of ``activities`` tell: of each principal what was seen, and the gaps in telemetry that concern all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.codec import decode
from schemas.errors import Invalid
from streams.baseline.learned import WITHOUT_PROFILE, Learned, Row
from streams.judge.memo import principal_of_row

__all__ = ["Seen", "is_gap"]

_GAP: Final = "telemetry-gap"
_SAYS_GAP: Final = b'"event.action":"telemetry-gap"'
"""Within a text of JSON it cannot stand: there a quote is escaped."""

_SCOPED: Final = (
    "workload.cluster",
    "workload.namespace",
    "workload.name",
    "workload.container",
    "workload.labels",
    "user.name",
    "user.roles",
)
"""Facts that scopes of learn rules may ask for."""


def is_gap(value: bytes | None) -> bool:
    """Return whether a row of ``activities`` tells of a gap in telemetry, which concerns all who learn."""
    return value is not None and _SAYS_GAP in value


@dataclass(slots=True)
class Seen:
    """Fed with rows as they stand in the topic, repeated or not; ``gaps`` are telemetry that is missing, by cause, from and to."""

    learned: dict[str, Learned] = field(default_factory=dict)
    facts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    gaps: dict[str, tuple[str, str]] = field(default_factory=dict)
    _latest: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def take(self, key: bytes, value: bytes | None) -> tuple[str, Row | None] | None:
        """Take a row and return whose it is; None where nobody learns by it. Raises ``Invalid`` for what is no row.

        A gap is nobody's activity, whoever tells of it: its row stands in every partition.
        """
        principal = _principal(key)
        record = None if value is None else decode(value)
        if record is not None and record.get("event.action") == _GAP:
            self._take_gap(record)
            return None
        if principal.startswith(WITHOUT_PROFILE):
            return None
        row = None if record is None else Row.of(record)
        if row is None and principal not in self.learned:
            return None
        self.learned.setdefault(principal, Learned(principal)).take(key, row)
        if record is not None and row is not None:
            self._take_facts(principal, (row.last, key), record)
        return principal, row

    def of(self, principal: str) -> Learned:
        """Return what was seen of a principal, which may be nothing."""
        return self.learned.get(principal) or Learned(principal)

    def facts_of(self, principal: str) -> Mapping[str, Any]:
        """Return the facts by which a policy may choose how a principal learns."""
        return self.facts.get(principal, {})

    def _take_facts(self, principal: str, place: tuple[str, bytes], record: Mapping[str, Any]) -> None:
        """Keep the facts of the latest row by the events' clock, in whichever order rows come."""
        if place >= self._latest.get(principal, ("", b"")):
            self._latest[principal] = place
            self.facts[principal] = {name: record[name] for name in _SCOPED if name in record}

    def _take_gap(self, record: Mapping[str, Any]) -> None:
        try:
            cause, first, last = record.get("gap.cause", "unknown"), record["activity.first"], record["activity.last"]
        except KeyError as error:
            raise Invalid(f"a gap in telemetry without {error}") from error
        before = self.gaps.get(cause, (first, last))
        self.gaps[cause] = (min(before[0], first), max(before[1], last))


def _principal(key: bytes) -> str:
    try:
        return principal_of_row(key).decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"the key of a row is not UTF-8: {key[:64]!r}") from error
