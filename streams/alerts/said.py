"""What a row of ``activities`` says of an alert."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from sys import intern
from typing import Final

from schemas.alert import Cause, Evidence
from schemas.codec import Event
from schemas.errors import Invalid
from schemas.event import parse_time, timestamp
from schemas.matching import is_outside
from streams.judge.kinds import cause_in
from streams.judge.memo import OTHER

__all__ = ["Said", "may_say", "said_of"]

_MARKS: Final = (
    b'"verdict.outcome":"unauthorized"',
    b'"verdict.exception":"',
    b'"activity.digest":"%s-' % OTHER.encode(),
)
"""One of them stands in every row that says something; within a text of JSON they cannot stand, since quotes are escaped there."""

_LONGEST: Final = 400
_OUTCOMES: Final = ("success", "failure")
_ADDRESSES: Final = ("source.ip", "destination.ip")
_ACCOUNT: Final = "system:serviceaccount:"
_WORKLOADS: Final = frozenset(
    {"pods", "deployments", "daemonsets", "statefulsets", "replicasets", "jobs", "cronjobs", "replicationcontrollers"}
)


@dataclass(frozen=True, slots=True)
class Said:
    """What one row says now: of which cause it is (None: nothing is wrong with it any more), and how often that was so.

    Where an exception has come since, which nothing of the row has needed yet, nothing is wrong with it either.
    ``is_other`` is said of everything beyond the limits of a dimension: only what it is about, how often and when.
    ``author`` and ``reason`` are those of its verdict.
    """

    principal: str
    cause: Cause | None
    count: int
    outcome: str
    is_blocked: bool
    is_authorized: bool
    is_other: bool
    last: str
    last_event: str
    evidence: Evidence
    author: str
    title: str
    level: str
    techniques: tuple[str, ...]
    data: tuple[str, ...]
    links: tuple[str, ...]
    exposure: tuple[str, ...]


def may_say(value: bytes) -> bool:
    """Return whether a row is worth reading if no alert counts it yet."""
    return any(mark in value for mark in _MARKS)


def said_of(row: Event) -> Said:
    """Return what a row says; raise ``Invalid`` for what is none."""
    try:
        return _said(row)
    except (KeyError, TypeError, AttributeError) as error:
        raise Invalid(f"not a row of activities: {error!r}") from error


def _said(row: Event) -> Said:
    cause, is_other = _cause_of(row), row["activity.digest"].startswith(OTHER)
    count = _count_of(row, cause)
    return Said(
        intern(row["activity.principal"]),
        cause if count else None,
        count,
        _outcome_of(row),
        row.get("verdict.blocked") is True,
        row["verdict.outcome"] == "authorized",
        is_other,
        timestamp(parse_time(row["activity.last"])),
        row["activity.last_id"],
        _evidence_of(row),
        _author_of(row),
        row.get("verdict.rule.name", ""),
        row.get("verdict.level", ""),
        tuple(row.get("verdict.techniques", ())),
        tuple(row.get("verdict.data", ())),
        tuple(sorted(set(_links_of(row)))),
        tuple(_exposure_of(row)),
    )


def _cause_of(row: Event) -> Cause | None:
    """Return the cause; that of everything beyond the limits stands in the name of its row."""
    digest = row["activity.digest"]
    return cause_in(digest, row["activity.dimension"]) if digest.startswith(OTHER) else Cause.of(row)


def _count_of(row: Event, cause: Cause | None) -> int:
    """Return of how many events the cause is; those that an exception sets aside are the ones that were not unauthorized."""
    unauthorized = _unauthorized_of(row)
    suppressed = cause is not None and cause.is_exception
    return row["activity.count"] - unauthorized if suppressed else unauthorized


def _unauthorized_of(row: Event) -> int:
    """Return how many of its events were unauthorized; a row of an earlier version says it of its last one alone."""
    count: int = row["activity.count"]
    unauthorized: int = row.get("activity.unauthorized", count if row["verdict.outcome"] == "unauthorized" else 0)
    return unauthorized


def _outcome_of(row: Event) -> str:
    outcome = row.get("event.outcome")
    return outcome if outcome in _OUTCOMES else "unknown"


def _evidence_of(row: Event) -> Evidence:
    """Return what is shown; what was authorized at first is shown by the event that was not, as far as one is known."""
    always = _unauthorized_of(row) in {0, row["activity.count"]}
    place = "first" if always else "last"
    return Evidence(
        timestamp(parse_time(row[f"activity.{place}"])),
        row[f"activity.{place}_id"],
        _short(row.get("verdict.reason", "")),
        row.get("event.outcome", ""),
        _short(row.get("verdict.baseline.element", "")),
        _short(row.get("verdict.baseline.nearest", "")),
    )


def _author_of(row: Event) -> str:
    by = row.get("verdict.by", "nothing")
    if by == "baseline":
        return f"baseline v{row.get('verdict.baseline.version', '?')}"
    return f"policy:{row['verdict.policy']}" if by == "policy" else "tidewaiter"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


# What else it touches, and what makes it worse


def _links_of(row: Event) -> Iterator[str]:
    principal: str = row["activity.principal"]
    if principal.startswith("container:"):
        yield from _of_workload(row)
    elif principal.startswith(("user:", "host:")):
        yield principal
    yield from _of_request(row)
    yield from (f"address:{row[name]}" for name in _ADDRESSES if is_outside(row.get(name, "")))


def _of_workload(row: Event) -> Iterator[str]:
    """Yield a container's workload, and the account it acts by: as it is set, else the one that bears the workload's name."""
    cluster, namespace, name = (row.get(f"workload.{part}", "") for part in ("cluster", "namespace", "name"))
    yield f"workload:{cluster}/{namespace}/{name}"
    if namespace:
        account = row.get("container.settings.service_account") or name
        yield f"user:{cluster}/{_ACCOUNT}{namespace}:{account}"


def _of_request(row: Event) -> Iterator[str]:
    """Yield the workload that a request to an orchestrator is about, and as whom it was made."""
    name = row.get("orchestrator.resource.name")
    cluster = row.get("orchestrator.cluster.name", "")
    if name and row.get("orchestrator.resource.type") in _WORKLOADS:
        yield f"workload:{cluster}/{row.get('orchestrator.namespace', '')}/{name}"
    if effective := row.get("user.effective.name"):
        yield f"user:{cluster}/{effective}"


def _exposure_of(row: Event) -> Iterator[str]:
    if any(is_outside(row.get(name, "")) for name in _ADDRESSES):
        yield "outside"
    if any(row.get(f"{name}.privileged") is True for name in ("container.settings", "target")):
        yield "privileged"
