"""The order of deciding; the first that speaks decides.

1. A clause denies, and no exception sets it aside for this principal: unauthorized.
2. A sensor's finding is at or above the policy's level, and no exception sets the rule aside for this principal: unauthorized.
3. A clause allows, or an exception has set a denial aside: authorized.
4. The active baseline of the principal knows it: authorized; or does not: unauthorized.
5. Nothing speaks of it: undetermined.

An exception from a sensor's rule says that the finding is no evidence, so it only lets the later steps decide. An exception
from a clause is a permission that someone answers for, so it authorizes.
"""

from __future__ import annotations

from typing import Literal

from schemas.verdict import Outcome, Verdict
from streams.baseline.compiled import CompiledBaseline
from streams.judge.policy import CompiledPolicies, Ruling
from streams.judge.subjects import Record

__all__ = ["decide"]


def decide(
    record: Record, principal: str, policies: CompiledPolicies, baseline: CompiledBaseline | None = None
) -> Verdict:
    """Return the verdict of a record (deciding facts and activity) of a principal; a pure function of its arguments.

    ``baseline`` is the active one of the principal, None while it learns.
    """
    question = policies.ask(record, principal)
    denied, excepted = policies.denial(question)
    if denied is not None:
        return _verdict("unauthorized", "policy", denied, policies.hash)
    found, set_aside = policies.finding(question)
    if found is not None:
        return _found(found, record, policies.hash)
    allowed = policies.allowance(question) or excepted
    if allowed is not None:
        return _verdict("authorized", "policy", allowed, policies.hash, set_aside)
    opinion = baseline.ask(record) if baseline else None
    if opinion is not None:
        outcome: Outcome = "authorized" if opinion.known else "unauthorized"
        return Verdict(
            outcome, "baseline", opinion.reason, policies.hash, exception=set_aside, baseline=opinion.learned
        )
    reason = _undetermined(baseline) + (
        f"; the finding is set aside by an exception ({set_aside})" if set_aside else ""
    )
    return Verdict("undetermined", "nothing", reason, policies.hash, exception=set_aside)


def _undetermined(baseline: CompiledBaseline | None) -> str:
    if baseline is None:
        return "no policy speaks of it"
    return f"no policy speaks of it, and baseline v{baseline.baseline.version} decides on none of its dimensions"


def _verdict(outcome: Outcome, by: Literal["policy"], ruling: Ruling, policy_hash: str, set_aside: str = "") -> Verdict:
    exception = ruling.exception or set_aside
    return Verdict(outcome, by, ruling.reason, policy_hash, ruling.policy, ruling.clause, exception=exception)


def _found(ruling: Ruling, record: Record, policy_hash: str) -> Verdict:
    return Verdict(
        "unauthorized",
        "sensor",
        ruling.reason,
        policy_hash,
        ruling.policy,
        ruling.clause,
        record["rule.name"],
        record["rule.level"],
    )
