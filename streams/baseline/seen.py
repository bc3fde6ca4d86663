"""What the rows of one partition of ``activities`` tell: of each principal what was seen, and the gaps in telemetry that concern all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.codec import decode
from schemas.errors import Invalid
from streams.baseline.learned import WITHOUT_PROFILE, Learned, Row
from streams.judge.memo import principal_of_row

__all__ = ["Seen"]

_GAP: Final = "telemetry-gap"
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


@dataclass(slots=True)
class Seen:
    """Fed with rows as they stand in the topic, repeated or not; ``gaps`` are telemetry that is missing, by cause, from and to."""

    learned: dict[str, Learned] = field(default_factory=dict)
    facts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    gaps: dict[str, tuple[str, str]] = field(default_factory=dict)

    def take(self, key: bytes, value: bytes | None) -> tuple[str, Row | None] | None:
        """Take a row and return whose it is; None where nobody learns by it. Raises ``Invalid`` for what is no row."""
        principal = principal_of_row(key).decode()
        record = None if value is None else decode(value)
        if record is not None and record.get("event.action") == _GAP:
            self._take_gap(record)
        if principal.startswith(WITHOUT_PROFILE):
            return None
        row = None if record is None else Row.of(record)
        if row is None and principal not in self.learned:
            return None
        self.learned.setdefault(principal, Learned(principal)).take(key, row)
        if record is not None:
            self.facts[principal] = {name: record[name] for name in _SCOPED if name in record}
        return principal, row

    def of(self, principal: str) -> Learned:
        """Return what was seen of a principal, which may be nothing."""
        return self.learned.get(principal) or Learned(principal)

    def facts_of(self, principal: str) -> Mapping[str, Any]:
        """Return the facts by which a policy may choose how a principal learns."""
        return self.facts.get(principal, {})

    def _take_gap(self, record: Mapping[str, Any]) -> None:
        try:
            cause, first, last = record.get("gap.cause", "unknown"), record["activity.first"], record["activity.last"]
        except KeyError as error:
            raise Invalid(f"a gap in telemetry without {error}") from error
        before = self.gaps.get(cause, (first, last))
        self.gaps[cause] = (min(before[0], first), max(before[1], last))
