"""Judging a file with no service: the same pure core as the judge's, fed in one go.

Where the pipeline would amend the verdicts of events that came before their container's facts, a trial takes the facts first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from schemas.codec import Event, decode, encode_event
from schemas.errors import Invalid
from schemas.facts import is_facts
from schemas.policyset import PolicySet
from schemas.settings import JudgeSettings
from streams.judge.envelopes import Envelopes
from streams.judge.memo import Limits
from streams.judge.partition import Partition
from streams.judge.policy import CompiledPolicies

__all__ = ["ALWAYS", "judge_records"]

ALWAYS: Final = (
    "event.id",
    "event.action",
    "event.outcome",
    "verdict.outcome",
    "verdict.by",
    "verdict.policy",
    "verdict.clause",
    "verdict.reason",
)
"""Fields that every row has, null where they do not apply."""

Row = dict[str, Any]


def judge_records(results: Iterable[tuple[int, Event | Invalid]], policies: PolicySet) -> Iterator[Row]:
    """Yield a row for each event, with facts and verdict, or for what could not be read, in the order of ``results``.

    A row has ``input.line`` and the fields of ``ALWAYS``, or ``input.line`` and ``error``. All of ``results`` is read before the first row.
    """
    listed = list(results)
    partition = _partition(policies)
    judged = dict(_first_facts(listed, partition))
    for position, (line, result) in enumerate(listed):
        if isinstance(result, Invalid):
            yield {"input.line": line, "error": str(result)}
        else:
            yield _row(line, judged.get(position) or _judge(partition, result))


def _partition(policies: PolicySet) -> Partition:
    limits = JudgeSettings()
    return Partition(
        0,
        CompiledPolicies.compile(policies),
        Limits(limits.live_activities, limits.new_rows_a_second),
        limits.memo_bytes,
        Envelopes(),
    )


def _first_facts(
    listed: list[tuple[int, Event | Invalid]], partition: Partition
) -> Iterator[tuple[int, bytes | Invalid]]:
    """Judge the first facts that each source tells of each entity; yield their positions with what came of them."""
    told: set[tuple[str, str]] = set()
    for position, (_, result) in enumerate(listed):
        if isinstance(result, Invalid) or not is_facts(result):
            continue
        source = (result["entity.id"], result.get("facts.authority", ""))
        if source not in told:
            told.add(source)
            yield position, _judge(partition, result)


def _judge(partition: Partition, event: Event) -> bytes | Invalid:
    key = str(event.get("entity.id", "")).encode()
    try:
        records, _ = partition.admit(key, encode_event(event))
    except Invalid as error:
        return error
    return records[0][1]


def _row(line: int, judged: bytes | Invalid) -> Row:
    if isinstance(judged, Invalid):
        return {"input.line": line, "error": str(judged)}
    record = decode(judged)
    return {"input.line": line, **dict.fromkeys(ALWAYS), **record}
