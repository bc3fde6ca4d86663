"""What a sink writes down with each committed offset, and where it begins after a restart.

Kafka keeps a text beside every committed offset of a group. Ours says how far records may have been sent beyond the
offset, and what became of the records before it::

    {"maybe_sent_below": 120000, "indexed": 99990, "repeats": 7, "quarantined": 0, "deadletters": 3}

The promise comes first, the deed second: no record at or above ``maybe_sent_below`` is sent before a higher promise is
committed. So after a crash exactly the records from the offset to the promise are in doubt, and only they are looked up.
A commit without our text (somebody moved the group's offsets) leaves everything in doubt that was in the topic then.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Literal, Self

from schemas.codec import dumps, loads
from schemas.errors import Invalid
from sinks.types import Outcome

__all__ = ["Fault", "Mark", "Start", "Totals", "resolve_start"]

Fault = Literal["records deleted", "topic replaced"]


@dataclass(frozen=True, slots=True)
class Totals:
    """What became of records, over all restarts."""

    indexed: int = 0
    repeats: int = 0
    quarantined: int = 0
    deadletters: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.indexed + other.indexed,
            self.repeats + other.repeats,
            self.quarantined + other.quarantined,
            self.deadletters + other.deadletters,
        )

    @classmethod
    def of(cls, outcomes: Counter[Outcome]) -> Self:
        """Return the totals of counted outcomes."""
        return cls(outcomes["indexed"], outcomes["repeat"], outcomes["quarantined"], outcomes["refused"])


@dataclass(frozen=True, slots=True)
class Mark:
    """A committed offset of one partition; ``maybe_sent_below`` is None where the commit is not ours."""

    offset: int
    maybe_sent_below: int | None = None
    totals: Totals = Totals()

    def text(self) -> str:
        """Return what is committed beside the offset."""
        return dumps({"maybe_sent_below": self.maybe_sent_below, **asdict(self.totals)}).decode()

    @classmethod
    def read(cls, offset: int, text: str | None) -> Self | None:
        """Return the mark of what a group has committed; None where it has committed nothing."""
        if offset < 0:
            return None
        try:
            row = loads(text or "")
            totals = Totals(row["indexed"], row["repeats"], row["quarantined"], row["deadletters"])
            return cls(offset, int(row["maybe_sent_below"]), totals)
        except (Invalid, KeyError, TypeError):
            return cls(offset)


@dataclass(frozen=True, slots=True)
class Start:
    """Where reading begins.

    Records below ``maybe_sent_below`` are in doubt; below ``promised_below`` may be sent without another commit.
    ``fault`` says why it is not where the last process stopped.
    """

    offset: int
    maybe_sent_below: int
    promised_below: int
    totals: Totals = Totals()
    fault: Fault | None = None


def resolve_start(mark: Mark | None, low: int, high: int) -> Start:
    """Return where to begin in a partition whose first offset is ``low`` and whose next one is ``high``.

    Without a commit it is the beginning, and nobody knows what was sent. A commit outside of the topic begins at the
    earliest record there is: its records were deleted before they were read, or it is another topic of the same name.
    """
    if mark is None:
        return Start(low, high, low)
    if mark.offset > high:
        return Start(low, high, low, mark.totals, "topic replaced")
    promise = mark.maybe_sent_below
    offset = max(mark.offset, low)
    return Start(
        offset=offset,
        maybe_sent_below=high if promise is None else min(promise, high),
        promised_below=offset if promise is None else max(promise, offset),
        totals=mark.totals,
        fault="records deleted" if offset > mark.offset else None,
    )
