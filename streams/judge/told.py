"""Telling of what happened elsewhere, each step once: the lives of baselines."""

from __future__ import annotations

from schemas.baseline import Profile
from schemas.codec import encode_event
from streams.judge import records
from streams.judge.ledger import Ledger
from streams.judge.state import told_record
from streams.judge.types import Output

__all__ = ["tell_life"]


def tell_life(profile: Profile, ledger: Ledger) -> Output:
    """Return the steps in the life of a baseline that were not told yet; only one partition tells of each principal."""
    last, told = profile.changes[-1].number if profile.changes else 0, ledger.told.get(profile.principal, 0)
    if last == told:
        return []
    # A life that begins again, behind a tombstone, has lower numbers than what was told of the one before.
    steps = [change for change in profile.changes if change.number > told or last < told]
    ledger.told[profile.principal] = last
    ledger.keep(told_record(profile.principal, last))
    changes = (records.baseline_change(ledger.number, ledger.next_number(), profile.principal, step) for step in steps)
    return [(records.JUDGE.encode(), encode_event(change)) for change in changes]
