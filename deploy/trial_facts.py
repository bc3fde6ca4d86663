"""What a file itself tells of images, workloads and secrets: a trial judges each event by what stood before it.

The same code gathers and joins as in the pipeline, where the facts come a moment later: an event there may still be judged without them.
"""

from __future__ import annotations

from typing import Final

from schemas.codec import ACTIVITY_MARK, Event, dumps, loads
from schemas.errors import Invalid
from schemas.event import parse_time
from schemas.policyset import PolicySet
from streams.correlate.facts import SharedFactsShard
from streams.correlate.statements import may_state
from streams.judge.canonical import canonical, utc
from streams.judge.partition import Partition
from streams.judge.told import tell_facts
from streams.judge.types import Output

__all__ = ["TrialFacts"]

_MILLISECOND: Final = 1_000_000


class TrialFacts:
    """Facts of one trial, whose clock is the latest time of its events."""

    def __init__(self, policies: PolicySet) -> None:
        self._shard = SharedFactsShard(policies)
        self._clock_ms = 0

    def advance(self, event: Event, partition: Partition) -> Output:
        """Let the ages pass that have passed when an event happens, before it is judged; return what the judge tells of them."""
        try:
            moment = utc(str(event.get("@timestamp", "")))
        except Invalid:  # the judge will say so
            return []
        self._clock_ms = max(self._clock_ms, parse_time(moment) // _MILLISECOND)
        return self._adopt(moment, partition)

    def note(self, event: Event, encoded: bytes, partition: Partition) -> Output:
        """Let the judge go by what an event states that it has just judged; return what it tells of that."""
        if not may_state(encoded):
            return []
        moment = utc(event["@timestamp"])
        self._shard.take_row(_row(event["entity.id"].encode(), encoded, moment, partition), self._clock_ms)
        return self._adopt(moment, partition)

    def _adopt(self, moment: str, partition: Partition) -> Output:
        shared = partition.contents.joins.shared
        changed = [shared.put(key, value) for _, key, value in self._shard.tick(self._clock_ms)]
        names = frozenset[str]().union(*changed)
        if not names:
            return []
        partition.ledger.note_touched()
        partition.adoptions.shared_facts(names, 0, moment)
        subjects = [shared.told(subject) for subject in sorted(shared.subjects_named(names))]
        return [record for told in subjects if told is not None for record in tell_facts(told, partition)]


def _row(key: bytes, encoded: bytes, moment: str, partition: Partition) -> bytes:
    """Return what a row of ``activities`` would hold of an event: the deciding facts of its entity, and what it says."""
    event, wire = canonical(key, encoded)
    activity = wire[wire.index(ACTIVITY_MARK) :]
    context = partition.entities.by_key[key].context
    head = {
        "activity.principal": context.principal,
        "activity.last": moment,
        "activity.last_id": event["event.id"],
    }
    return dumps({**head, **context.deciding, **loads(b"{" + activity[1:])})
