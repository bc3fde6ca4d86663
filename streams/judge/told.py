"""Telling of what happened elsewhere, each step once: the lives of baselines, and what became known of images and secrets."""

from __future__ import annotations

from typing import Final

from schemas.baseline import Profile
from schemas.codec import Event, dumps, encode_event
from streams.judge import records
from streams.judge.ledger import Ledger
from streams.judge.partition import Partition
from streams.judge.shared import Told
from streams.judge.state import facts_told_record, told_record
from streams.judge.types import Output

__all__ = ["tell_facts", "tell_life"]

_MAX_FACTS_BYTES: Final = 400_000
"""A record of it, with facts and verdict, must be one that Kafka takes; each source alone is bounded by its events."""


def tell_life(profile: Profile, ledger: Ledger) -> Output:
    """Return the steps in the life of a baseline that were not told yet; only one partition tells of each principal."""
    last, told = profile.changes[-1].number if profile.changes else 0, ledger.told.get(profile.principal, 0)
    if last == told:
        return []
    # A life that begins again, behind a tombstone, has lower numbers than what was told of the one before.
    steps = [change for change in profile.changes if change.number > told or last < told]
    ledger.told[profile.principal] = last
    ledger.keep(told_record(profile.principal, last))
    for step in steps:
        ledger.hours.count_at(step.time, (f"baselines|{step.action}",))
    changes = (records.baseline_change(ledger.number, ledger.next_number(), profile.principal, step) for step in steps)
    return [(records.JUDGE.encode(), encode_event(change)) for change in changes]


def tell_facts(told: Told, partition: Partition) -> Output:
    """Return the record of what is known of an image or a secret, judged like any facts, unless it was told or is nothing new.

    What one source has said by itself was judged when it was said; ages, and what several sources say together, were not.
    """
    ledger = partition.ledger
    before = ledger.facts_told.get(told.subject)
    if before == told.hash or (before is None and not told.beyond):
        return []
    ledger.facts_told[told.subject] = told.hash
    ledger.keep(facts_told_record(told.subject, told.hash))
    facts = _fitting(told.facts)
    return partition.tell(records.subject_facts(ledger.number, ledger.next_number(), told.since, told.subject, facts))


def _fitting(facts: Event) -> Event:
    """Return facts of which the longest lists are cut until a record can hold them: in order, so that the gravest findings stay."""
    while len(dumps(facts)) > _MAX_FACTS_BYTES:
        longest = max(
            (name for name in facts if isinstance(facts[name], list)), key=lambda name: len(dumps(facts[name]))
        )
        facts = facts | {longest: facts[longest][: len(facts[longest]) // 2]}
    return facts
