"""The order of deciding; the first that speaks decides.

1. A clause denies, and no exception sets it aside for this principal: unauthorized, and as grave as what step 2 would find.
2. A rule matches, or a sensor's finding is, at or above the policy's level, and no exception sets the rule aside for this
   principal: unauthorized. Of several the gravest is named.
3. A clause allows, or an exception has set a denial aside: authorized.
4. The active baseline of the principal knows it: authorized; or does not: unauthorized.
5. Nothing speaks of it: undetermined.

An exception from a rule says that what it finds is no evidence, so it only lets the later steps decide. An exception
from a clause is a permission that someone answers for, so it authorizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from schemas.policy import LEVELS
from schemas.verdict import Outcome, Verdict
from streams.baseline.compiled import CompiledBaseline
from streams.judge.findings import Found, found_in
from streams.judge.policy import CompiledPolicies, Ruling
from streams.judge.record import Record
from streams.rules.matcher import Match

__all__ = ["decide"]


def decide(
    record: Record,
    principal: str,
    policies: CompiledPolicies,
    baseline: CompiledBaseline | None = None,
    matches: Sequence[Match] = (),
    rules_hash: str = "",
) -> Verdict:
    """Return the verdict of a record (deciding facts and activity) of a principal; a pure function of its arguments.

    ``baseline`` is the active one of the principal, None while it learns. ``matches`` are the rules of the set of this hash that the
    record matches.
    """
    question = policies.ask(record, principal)
    always: dict[str, Any] = {
        "policy_hash": policies.hash,
        "rules_hash": rules_hash,
        "rules": tuple(match.rule.label for match in matches),
        "data": question.data,
    }
    denied, excepted = policies.denial(question)
    finding, set_aside = policies.finding(question, found_in(record, matches))
    if denied is not None:
        return _denied(denied, finding, always)
    if finding is not None:
        return _by_finding(*finding, always)
    allowed = policies.allowance(question) or excepted
    if allowed is not None:
        return _by_policy("authorized", allowed, set_aside, always)
    opinion = baseline.ask(record) if baseline else None
    if opinion is not None:
        outcome: Outcome = "authorized" if opinion.known else "unauthorized"
        return Verdict(outcome, "baseline", opinion.reason, exception=set_aside, baseline=opinion.learned, **always)
    reason = _undetermined(baseline) + (
        f"; the finding is set aside by an exception ({set_aside})" if set_aside else ""
    )
    return Verdict("undetermined", "nothing", reason, exception=set_aside, **always)


def _denied(ruling: Ruling, finding: tuple[Found, Ruling] | None, always: dict[str, Any]) -> Verdict:
    """Return the verdict of a denial, which names a rule that would have denied the same, and is as grave as that and of its techniques."""
    verdict = _by_policy("unauthorized", ruling, "", always)
    if finding is None:
        return verdict
    found, found_ruling = finding
    return replace(
        verdict,
        rule=found.rule,
        level=max(ruling.level, found_ruling.level, key=LEVELS.index),
        techniques=tuple(dict.fromkeys((*ruling.techniques, *found_ruling.techniques))),
    )


def _undetermined(baseline: CompiledBaseline | None) -> str:
    if baseline is None:
        return "no policy speaks of it"
    return f"no policy speaks of it, and baseline v{baseline.baseline.version} decides on none of its dimensions"


def _by_policy(outcome: Outcome, ruling: Ruling, set_aside: str, always: dict[str, Any]) -> Verdict:
    return Verdict(
        outcome,
        "policy",
        ruling.reason,
        policy=ruling.policy,
        clause=ruling.clause,
        level=ruling.level,
        techniques=ruling.techniques,
        exception=ruling.exception or set_aside,
        **always,
    )


def _by_finding(found: Found, ruling: Ruling, always: dict[str, Any]) -> Verdict:
    return Verdict(
        "unauthorized",
        found.by,
        ruling.reason,
        policy=ruling.policy,
        clause=ruling.clause,
        rule=found.rule,
        level=ruling.level,
        techniques=ruling.techniques,
        **always,
    )
