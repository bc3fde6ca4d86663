"""Records that the judge itself writes into ``verdicts``: adoptions, amendments, gaps and what is known of images and secrets.

They are events of the entity ``judge``, or of what they speak of, numbered like a collector's: ``judge:PARTITION:NUMBER``. One judge at a time owns a partition, so
the numbers are dense whichever slot it has.
"""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from typing import Any, Final

from schemas.baseline import Change
from schemas.codec import Event
from schemas.facts import FACTS_ACTION
from schemas.finding import Finding
from schemas.shared import TOLD_DATASET

__all__ = ["JUDGE", "adoption", "amendment", "baseline_change", "correlation", "gap", "subject_facts"]

JUDGE: Final = "judge"

_STATE: Final = {"event.kind": "state", "event.module": "tidewaiter"}
_NOT_SAID: Final = frozenset({"time", "number"})


def _record(partition: int, number: int, moment: str, entity: str, fields: dict[str, Any]) -> Event:
    return {"event.id": f"{JUDGE}:{partition:04d}:{number:012d}", "@timestamp": moment, "entity.id": entity, **fields}


def adoption(partition: int, number: int, moment: str, offset: int, subject: str, content_hash: str) -> Event:
    """Return the record that from an events offset on other contents (``policies``, ``baselines`` …) decide."""
    return _record(
        partition,
        number,
        moment,
        JUDGE,
        {
            **_STATE,
            "event.action": "adoption",
            "event.dataset": "tidewaiter.adoption",
            "adoption.subject": subject,
            "adoption.offset": offset,
            "adoption.hash": content_hash,
            "adoption.engine": version("tidewaiter"),
        },
    )


def amendment(
    partition: int, number: int, moment: str, entity: str, span: tuple[str, str, int], verdict: Event
) -> Event:
    """Return the record that the events of one activity, from the first to the last id of ``span``, have another verdict.

    They are the ``span[2]`` events of this entity in that range whose ``verdict.activity`` is the amendment's.
    """
    first, last, count = span
    return _record(
        partition,
        number,
        moment,
        entity,
        {
            **_STATE,
            "event.action": "amendment",
            "event.dataset": "tidewaiter.amendment",
            "amendment.first": first,
            "amendment.last": last,
            "amendment.count": count,
            **verdict,
        },
    )


def baseline_change(partition: int, number: int, principal: str, change: Change) -> Event:
    """Return the record of a step in the life of a baseline, which was taken at the change's own time."""
    said = {f"baseline.{name}": value for name, value in asdict(change).items() if name not in _NOT_SAID}
    return _record(
        partition,
        number,
        change.time,
        JUDGE,
        {
            **_STATE,
            "event.category": ["configuration"],
            "event.type": ["change"],
            "event.action": "baseline-change",
            "event.dataset": "tidewaiter.baseline",
            "baseline.principal": principal,
            **said,
        },
    )


def subject_facts(partition: int, number: int, moment: str, subject: str, facts: Event) -> Event:
    """Return the record of all that is known of an image or a secret: facts of it, like those that its sources tell."""
    said = {**_STATE, "event.action": FACTS_ACTION, "event.dataset": TOLD_DATASET, **facts}
    return _record(partition, number, moment, subject, said)


def correlation(partition: int, number: int, finding: Finding) -> Event:
    """Return the record of what a correlation rule found: of the entity, and at the time, of the event that fulfilled it."""
    group = [f"{name}={value}" for name, value in zip(finding.names, finding.group, strict=False) if value is not None]
    return _record(
        partition,
        number,
        finding.time,
        finding.told,
        {
            "event.kind": "alert",
            "event.category": ["intrusion_detection"],
            "event.type": ["info"],
            "event.module": "tidewaiter",
            "event.action": "correlation",
            "event.dataset": "tidewaiter.correlation",
            "rule.id": finding.correlation,
            "rule.name": finding.title,
            "rule.level": finding.level,
            "rule.ruleset": finding.file,
            "rule.tags": list(finding.tags),
            "threat.technique.id": list(finding.techniques),
            "message": f"{finding.title}: {finding.count} events from {finding.first} to {finding.last}",
            "finding.id": finding.id,
            "finding.first": finding.first,
            "finding.last": finding.last,
            "finding.count": finding.count,
            "finding.event": finding.event,
            "finding.events": list(finding.events),
            "finding.group": group,
        },
    )


def gap(partition: int, number: int, moment: str, first: int, last: int) -> Event:
    """Return the record that events between two offsets were deleted before they could be judged."""
    return _record(
        partition,
        number,
        moment,
        JUDGE,
        {
            "event.kind": "alert",
            "event.category": ["host"],
            "event.type": ["error"],
            "event.module": "tidewaiter",
            "event.action": "telemetry-gap",
            "event.dataset": "tidewaiter.gap",
            "event.outcome": "failure",
            "rule.name": "Telemetry gap",
            "rule.level": "high",
            "gap.cause": "events deleted before they were judged",
            "gap.first": f"offset {first}",
            "gap.last": f"offset {last}",
            "gap.count": last - first + 1,
        },
    )
