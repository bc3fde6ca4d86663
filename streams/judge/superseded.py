"""Letting go of what a source has said before of an image or a secret.

Each scan of an image is an activity of its own, of up to half a megabyte. What was said is in ``verdicts``; to be counted for ever it is
too much, and whoever reads ``activities`` needs only what is said now.
"""

from __future__ import annotations

from schemas.codec import loads
from schemas.shared import is_shared, source_of
from streams.judge.ledger import Ledger
from streams.judge.memo import Counter

__all__ = ["supersede"]


def supersede(counter: Counter, ledger: Ledger) -> None:
    """Drop the counters of everything else that the same source has said of the same subject; of other entities none."""
    if not is_shared(counter.context.principal) or not counter.activity:
        return
    others = [one for one in counter.context.counters.values() if one is not counter and one.activity]
    source = _source(counter)
    ledger.note_touched()
    for other in others:
        if _source(other) == source:
            ledger.tally(other)
            other.count = 0
            counter.context.drop(other)
            ledger.close(other)


def _source(counter: Counter) -> tuple[object, object]:
    fields = loads(b"{" + counter.activity[1:])
    return source_of(fields), fields.get("event.action")
