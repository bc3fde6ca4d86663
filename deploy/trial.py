"""Judging a file with no service: the same pure core as the judge's, fed in one go.

Where the pipeline would amend the verdicts of events that came before their container's facts, a trial takes the facts first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from deploy.trial_facts import TrialFacts
from schemas.baseline import Baseline, Profile
from schemas.codec import Event, decode, encode_event
from schemas.errors import Invalid
from schemas.facts import is_facts
from schemas.policyset import PolicySet
from schemas.settings import JudgeSettings
from schemas.shared import is_shared
from streams.baseline.lifecycle import approved
from streams.baseline.rules import LearnRules
from streams.baseline.seen import Seen
from streams.judge.baselines import Baselines
from streams.judge.contents import Contents
from streams.judge.correlated import tell_findings
from streams.judge.envelopes import Envelopes
from streams.judge.memo import Limits
from streams.judge.partition import Partition
from streams.judge.policy import CompiledPolicies
from streams.judge.rules import RulesInForce
from streams.rules.correlator import findings_of

__all__ = ["ALWAYS", "judge_records", "learn_records"]

ALWAYS: Final = (
    "event.id",
    "event.action",
    "event.outcome",
    "verdict.outcome",
    "verdict.by",
    "verdict.policy",
    "verdict.clause",
    "verdict.rule.id",
    "verdict.rule.name",
    "verdict.rule.level",
    "verdict.rule.file",
    "verdict.rule.fields",
    "verdict.reason",
)
"""Fields that every row has, null where they do not apply."""

Trial = dict[str, Any]


def learn_records(
    results: Iterable[tuple[int, Event | Invalid]], policies: PolicySet, rules: RulesInForce | None = None
) -> list[Baseline]:
    """Return a baseline of every principal that these records tell of, as it would be approved, in the order of their names.

    What policies or rules forbid is not learned.
    """
    partition, learning = _partition(policies, Baselines(), rules), LearnRules.of(policies)
    listed, facts = list(results), TrialFacts(policies)
    done = dict(_first_facts(listed, partition, facts))
    for position, (_, result) in enumerate(listed):
        if position not in done and not isinstance(result, Invalid):
            _judge(partition, result, facts)
    seen = Seen()
    for key, value in partition.take(flush=True)[1]:
        seen.take(key, value)
    return [_approved(principal, seen, learning) for principal in sorted(seen.learned)]


def _approved(principal: str, seen: Seen, rules: LearnRules) -> Baseline:
    policy, learn = rules.rule_of(principal, seen.facts_of(principal))
    candidate = seen.of(principal).candidate({}, rules.protected, seen.gaps)
    baseline = approved(Profile(principal), policy, learn, candidate, candidate.extent.last).baseline
    if baseline is None:
        raise RuntimeError("what is approved is in force")
    return baseline


def judge_records(
    results: Iterable[tuple[int, Event | Invalid]],
    policies: PolicySet,
    baselines: Iterable[Baseline] = (),
    rules: RulesInForce | None = None,
) -> Iterator[Trial]:
    """Yield a row for each event, with facts and verdict, or for what could not be read, in the order of ``results``.

    A row has ``input.line`` and the fields of ``ALWAYS``, or ``input.line`` and ``error``. What the judge tells by itself with an event, such
    as that an image has passed an age, follows in rows of the same line. What correlation rules find stands in rows behind all others, of
    the line of the event that fulfilled them. All of ``results`` is read before the first row.
    """
    listed, facts = list(results), TrialFacts(policies)
    partition = _partition(policies, _in_force(baselines), rules)
    judged = dict(_first_facts(listed, partition, facts))
    for position, (line, result) in enumerate(listed):
        if isinstance(result, Invalid):
            yield {"input.line": line, "error": str(result)}
        else:
            own = judged.get(position) or _judge(partition, result, facts)
            yield from (_row(line, record) for record in own)
    yield from _correlated(listed, partition)


def _correlated(listed: list[tuple[int, Event | Invalid]], partition: Partition) -> Iterator[Trial]:
    lines = {result.get("event.id"): line for line, result in listed if not isinstance(result, Invalid)}
    findings = findings_of(partition.ledger.take_hits(), partition.contents.rules.rule_set)
    named = {finding.id: finding for finding in findings}
    for number, finding in enumerate(findings):
        first = finding
        while first.event in named:  # it counts what others have found
            first = named[first.event]
        for _, record in tell_findings([(number, finding)], partition):
            yield _row(lines[first.event], record)


def _in_force(baselines: Iterable[Baseline]) -> Baselines:
    found = Baselines()
    for baseline in baselines:
        profile = Profile(baseline.principal, "active", baseline=baseline)
        found.put(profile.principal.encode(), profile.encode())
    return found


def _partition(policies: PolicySet, baselines: Baselines, rules: RulesInForce | None) -> Partition:
    limits = JudgeSettings()
    return Partition(
        0,
        Contents(CompiledPolicies.compile(policies), baselines, rules=rules or RulesInForce.none()),
        Limits(limits.live_activities, limits.new_rows_a_second),
        limits.memo_bytes,
        Envelopes(),
    )


def _first_facts(
    listed: list[tuple[int, Event | Invalid]], partition: Partition, facts: TrialFacts
) -> Iterator[tuple[int, list[bytes | Invalid]]]:
    """Judge the first facts that each source tells of each entity that acts; yield their positions with what came of them."""
    told: set[tuple[str, str]] = set()
    for position, (_, result) in enumerate(listed):
        if isinstance(result, Invalid) or not is_facts(result) or is_shared(result["entity.id"]):
            continue
        source = (result["entity.id"], result.get("facts.authority", ""))
        if source not in told:
            told.add(source)
            yield position, _judge(partition, result, facts)


def _judge(partition: Partition, event: Event, facts: TrialFacts) -> list[bytes | Invalid]:
    """Return the record of an event, or what is wrong with it, and what the judge tells by itself."""
    key, encoded = str(event.get("entity.id", "")).encode(), encode_event(event)
    told = facts.advance(event, partition)
    try:
        records, counter = partition.admit(key, encoded)
    except Invalid as error:
        return [error, *(record for _, record in told)]
    if counter is not None:
        counter.count += 1
        partition.ledger.touched[counter] = records[0][1]
    told += facts.note(event, encoded, partition)
    return [records[0][1], *(record for _, record in told)]


def _row(line: int, judged: bytes | Invalid) -> Trial:
    if isinstance(judged, Invalid):
        return {"input.line": line, "error": str(judged)}
    record = decode(judged)
    return {"input.line": line, **dict.fromkeys(ALWAYS), **record}
