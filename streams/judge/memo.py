"""What the judge remembers of a context: verdicts by activity bytes, and exact counts by activity digest.

The memo may forget (it is bounded in bytes), the counters never do: an evicted activity is judged again and goes on counting where it
was.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Final

from schemas.codec import Event
from streams.rules.hits import Template

__all__ = ["OTHER", "Context", "Counter", "Known", "Limits", "digest_of", "principal_of_row", "row_of"]

OTHER: Final = "other"
"""Begins the digest of the rows, one a kind (``streams.judge.kinds``), into which everything beyond the limits of a dimension is counted."""

UNKNOWN: Final = "unknown:"
"""Begins the principal of a container of which no facts have come."""

_SAMPLES: Final = 5
_NO_ACTIVITY: Final = b"\0"


def digest_of(activity: bytes) -> str:
    """Return the digest of activity bytes that names their row: 32 hex digits, unkeyed but never a memo key."""
    return blake2b(activity, digest_size=16).hexdigest()


def principal_of_row(key: bytes) -> bytes:
    """Return the principal in the key of a row; it may hold the character that separates, what follows it cannot."""
    return key.rsplit(b"|", 3)[0]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much novelty one principal may cause: rows per dimension in all, and new ones in a second of event time."""

    live_activities: int
    new_rows_a_second: int


@dataclass(slots=True, eq=False)
class Counter:
    """Exact count of one activity of one context in one partition; first and last are in the order of the partition.

    ``born`` is the second of event time in which it took one of the new rows of that second; ``tallied`` how much of the count is in
    the tally of outcomes, and ``unauthorized`` how much had that outcome when it was judged; ``replicas`` those of the context when facts were last counted here. An other row has no activity.
    ``figures`` are the key figures for which each event counts. Activities of an other row that count for others are counted apart, each
    kind in a counter of which the row's is the ``whole``.
    """

    context: Context
    slot: str
    partition: int
    dimension: str
    activity: bytes
    verdict: Event = field(default_factory=dict)
    count: int = 0
    first: str = ""
    first_id: str = ""
    last: str = ""
    last_id: str = ""
    samples: list[str] = field(default_factory=list)
    born: str = ""
    replicas: int = 0
    tallied: int = 0
    unauthorized: int = 0
    figures: tuple[str, ...] = ()
    whole: Counter | None = None

    @property
    def key(self) -> str:
        """Return the key of its row: principal, context, activity and partition."""
        return f"{self.context.principal}|{self.context.hash}|{self.slot}|{self.partition}"

    @property
    def digest(self) -> str:
        """Return the digest of its activity, or the name of an other row."""
        return self.slot.partition("@")[0]

    def absorb(self, earlier: Counter) -> None:
        """Add the count of a counter of the same activity, whose verdicts were tallied when they were given, and are this one's now."""
        self.count += earlier.count
        self.tallied += earlier.count
        self.unauthorized += earlier.count if self.outcome == "unauthorized" else 0
        if not self.first_id or earlier.first < self.first:
            self.first, self.first_id = earlier.first, earlier.first_id
        if earlier.last > self.last:
            self.last, self.last_id = earlier.last, earlier.last_id

    @property
    def outcome(self) -> str:
        """Return the outcome of its verdict; that of an other row stands in its name."""
        return str(self.verdict["verdict.outcome"]) if self.activity else self.slot.rpartition("-")[2]

    @property
    def urgent(self) -> bool:
        """Return whether its rows must not wait for the next flush."""
        return (bool(self.verdict) or not self.activity) and self.outcome == "unauthorized"

    def seen(self, event_id: str, moment: str) -> None:
        """Note the latest event, which the caller has counted; of an other row it is the latest by its time."""
        if self.whole is not None:
            self.whole.seen(event_id, moment)
            return
        if not self.first_id:
            self.first, self.first_id = moment, event_id
        if self.activity or (moment, event_id) > (self.last, self.last_id):
            self.last, self.last_id = moment, event_id

    def gathered(self) -> Counter:
        """Return the counter of the row, which has what was counted apart."""
        if self.whole is None:
            return self
        self.whole.count += self.count
        self.whole.tallied += self.tallied
        self.whole.unauthorized += self.unauthorized
        self.count = self.tallied = self.unauthorized = 0
        return self.whole

    def sample(self, event_id: str) -> None:
        """Keep an id as evidence in a row of many activities."""
        if len(self.samples) < _SAMPLES:
            self.samples = [*self.samples, event_id]


@dataclass(slots=True, eq=False)
class Known:
    """What is remembered of an activity: its bytes from ``ACTIVITY_MARK`` on, what its verdict appends, and where it is counted.

    ``hits`` are what of it correlations count, each event anew.
    ``following`` is what came after it the last time, which is often what comes after it the next time: whoever guesses so compares
    bytes instead of hashing them. What is forgotten has bytes with which no event ends.
    """

    activity: bytes
    tail: bytes
    counter: Counter
    hits: tuple[Template, ...] = ()
    following: Known = field(init=False)

    def __post_init__(self) -> None:
        self.following = self

    @classmethod
    def nothing(cls) -> Known:
        """Return what stands before the first activity of an entity."""
        return cls(_NO_ACTIVITY, b"", Counter(Context("", "", {}), "", 0, "", b""))

    def forget(self) -> None:
        """Make no event be taken for this activity any more, whoever still expects it."""
        self.activity = _NO_ACTIVITY


@dataclass(slots=True, eq=False)
class Context:
    """Everything that decides beside the activity, and what was decided under it.

    ``memo`` is keyed by the bytes behind ``ACTIVITY_MARK``; before facts have come, with their source before them. So is ``counted``,
    which holds the activities that make hits: their events never take the fast path. ``replicas`` counts how often an entity came into
    this context.
    """

    principal: str
    hash: str
    deciding: Event
    memo: dict[bytes, Known] = field(default_factory=dict)
    counted: dict[bytes, Known] = field(default_factory=dict)
    counters: dict[str, Counter] = field(default_factory=dict)
    apart: dict[tuple[str, tuple[str, ...]], Counter] = field(default_factory=dict)
    replicas: int = 0
    rows: Tally[str] = field(default_factory=Tally)
    fresh: Tally[tuple[str, str]] = field(default_factory=Tally)

    @property
    def provisional(self) -> bool:
        """Return whether it is that of a container of which no facts have come."""
        return self.principal.startswith(UNKNOWN)

    def counter(
        self,
        activity: bytes,
        dimension: str,
        kind: Callable[[], str],
        second: str,
        source: str,
        partition: int,
        limits: Limits,
    ) -> tuple[Counter, bool]:
        """Return the counter of an activity and whether it is new; beyond the limits the dimension's other row of its kind.

        ``second`` is event time, so that the same events make the same rows whenever they are judged. With a ``source``
        each source has its own counter, so that first and last id are a range of one source.
        """
        slot = f"{digest_of(activity)}@{source}" if source else digest_of(activity)
        known = self.counters.get(slot)
        if known is not None:
            return known, False
        if self.is_full(dimension, limits) or self.fresh[dimension, second] >= limits.new_rows_a_second:
            slot, activity, second = f"{OTHER}-{dimension}-{kind()}", b"", ""
            if slot in self.counters:
                return self.counters[slot], False
        return self.add(slot, dimension, activity, partition, second), True

    def add(self, slot: str, dimension: str, activity: bytes, partition: int, born: str = "") -> Counter:
        """Return a new counter, registered."""
        counter = self.counters[slot] = Counter(self, slot, partition, dimension, activity, born=born)
        self.rows[dimension] += bool(activity)
        if born:
            self.fresh[dimension, born] += 1
        return counter

    def counting(self, counter: Counter, figures: tuple[str, ...]) -> Counter:
        """Return what to count an activity on that counts for these figures: its counter, or in an other row that of its kind."""
        if counter.activity:
            counter.figures = figures
            return counter
        kind = counter.slot, figures
        if kind not in self.apart:
            self.apart[kind] = replace(
                counter, count=0, tallied=0, unauthorized=0, samples=[], figures=figures, whole=counter
            )
        return self.apart[kind]

    def drop(self, counter: Counter) -> None:
        """Forget a counter whose count was moved elsewhere."""
        del self.counters[counter.slot]
        self.rows[counter.dimension] -= bool(counter.activity)
        if counter.born:
            self.fresh[counter.dimension, counter.born] -= 1

    def remember(self, key: bytes, known: Known) -> bool:
        """Remember an activity; return whether it is new to the memo."""
        table = self.counted if known.hits else self.memo
        before = table.get(key)
        if before is not None:
            before.forget()
        table[key] = known
        return before is None

    def recall(self, key: bytes) -> Known | None:
        """Return what is remembered of an activity, whether it makes hits or not."""
        return self.memo.get(key) or self.counted.get(key)

    def remembered(self) -> Iterator[tuple[bytes, Known]]:
        """Yield all that is remembered."""
        yield from self.memo.items()
        yield from self.counted.items()

    def forget_verdicts(self) -> None:
        """Empty the memo."""
        for _, known in self.remembered():
            known.forget()
        self.memo.clear()
        self.counted.clear()

    def is_full(self, dimension: str, limits: Limits) -> bool:
        """Return whether a dimension has as many rows as it may have."""
        return self.rows[dimension] >= limits.live_activities


def row_of(counter: Counter, partition: int, activity: Event) -> dict[str, Any]:
    """Return the row of topic ``activities``: flat, cumulative for its key; consumers sum over partitions."""
    return {
        "activity.principal": counter.context.principal,
        "activity.context": counter.context.hash,
        "activity.digest": counter.digest,
        "activity.dimension": counter.dimension,
        "activity.partition": partition,
        "activity.count": counter.count,
        "activity.unauthorized": counter.unauthorized,
        "activity.first": counter.first,
        "activity.first_id": counter.first_id,
        "activity.last": counter.last,
        "activity.last_id": counter.last_id,
        "activity.samples": counter.samples,
        "activity.replicas": counter.replicas,
        **counter.context.deciding,
        **activity,
        "verdict.outcome": counter.outcome,
        **counter.verdict,
    }
