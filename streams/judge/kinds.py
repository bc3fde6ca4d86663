"""What is counted apart of all that is beyond the limits of a dimension, so that each row of it is one outcome of one cause."""

from __future__ import annotations

from schemas.alert import Cause
from schemas.codec import Event
from streams.judge.memo import OTHER

__all__ = ["cause_in", "kind_of"]


def kind_of(fields: Event, verdict: Event) -> str:
    """Return the kind of an activity and its verdict: the outcome, and before it the cause of an alert, where it is one.

    There are as many as policies, rules and sensors name causes, whatever is done.
    """
    cause, outcome = Cause.of({**fields, **verdict}), verdict["verdict.outcome"]
    return outcome if cause is None else f"{cause}-{outcome}"


def cause_in(digest: str, dimension: str) -> Cause | None:
    """Return the cause that a row of a dimension counts beyond the limits, by its digest; None where it is none."""
    cause, _, _ = digest.removeprefix(f"{OTHER}-{dimension}-").rpartition("-")
    return Cause.parse(cause) if cause else None
