"""Cases beside policies: records that a clause must speak of (``hits``) and look-alikes that it must not (``misses``).

``NAME.cases.yaml`` beside the policies holds one document for each policy::

    policy: shop
    principal: container:lab/shop/web/web
    clauses:
      settings.privileged:
        hits:
          - {event.action: container-start, container.settings.privileged: true}
        misses:
          - {event.action: container-start, container.settings.privileged: false}

A hit of a clause that denies must be unauthorized, of one that allows authorized, by that clause. A miss of one that denies
must not be unauthorized by anything; of one that allows it must not be authorized by that clause, or be denied elsewhere. A case may name another principal under ``principal``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploy.case_files import CaseFailure, CaseModel, case_files, read_case_file
from schemas.clauses import clauses_of
from schemas.documents import YamlDocument
from schemas.fields import FIELDS
from schemas.policyset import PolicySet
from schemas.verdict import Verdict
from streams.judge.decide import decide
from streams.judge.policy import CompiledPolicies

__all__ = ["ClauseCases", "PolicyCases", "read_cases", "run_cases"]

_PRINCIPAL = "principal"


class ClauseCases(CaseModel):
    """Records of deciding fields, as they are in an event."""

    hits: tuple[dict[str, Any], ...] = ()
    misses: tuple[dict[str, Any], ...] = ()


class PolicyCases(CaseModel):
    """The cases of one policy, by the path of the clause."""

    policy: str
    principal: str
    clauses: dict[str, ClauseCases]


def read_cases(path: Path) -> list[tuple[PolicyCases, YamlDocument]]:
    """Return the cases of a file; raise ``PolicyErrors`` if it cannot be read."""
    return read_case_file(path, PolicyCases)


def run_cases(paths: Sequence[Path], policies: PolicySet) -> Iterator[CaseFailure]:
    """Return the cases below directories that fail; cases of policies that are not in the set fail too."""
    whole = CompiledPolicies.compile(policies)
    for path in case_files(paths):
        for cases, document in read_cases(path):
            for clause, number, kind, message in _failures(cases, policies, whole):
                line = document.line(("clauses", clause, kind, number))
                yield CaseFailure(str(path), line, f"{cases.policy}: {clause}", message)


_Failure = tuple[str, int, str, str]


def _failures(cases: PolicyCases, policies: PolicySet, whole: CompiledPolicies) -> Iterator[_Failure]:
    own = tuple(policy for policy in policies.policies if policy.policy == cases.policy)
    effects = {clause.path: clause.effect for policy in own for clause in clauses_of(policy)}
    alone = CompiledPolicies.compile(replace(policies, policies=own))
    for clause, listed in cases.clauses.items():
        if clause not in effects:
            yield clause, 0, "hits", "no such clause in this policy set"
            continue
        allows = effects[clause] in ("allow", "only")
        for kind, records in (("hits", listed.hits), ("misses", listed.misses)):
            for number, record in enumerate(records):
                message = _message(record, cases.principal, clause, (alone, whole), allows=allows, hit=kind == "hits")
                if message:
                    yield clause, number, kind, message


def _message(
    case: Mapping[str, Any],
    principal: str,
    clause: str,
    sets: tuple[CompiledPolicies, CompiledPolicies],
    *,
    allows: bool,
    hit: bool,
) -> str:
    """Return what is wrong with a case, or nothing: first by its policy alone, which names the clause, then by the whole set."""
    principal = case.get(_PRINCIPAL, principal)
    record = {name: value for name, value in case.items() if name != _PRINCIPAL}
    unknown = [name for name in record if name not in FIELDS or not FIELDS[name].decides]
    if unknown:
        return f"`{unknown[0]}` is no field that a policy may read"
    alone, whole = (decide(record, principal, policies) for policies in sets)
    wanted = "authorized" if allows else "unauthorized"
    if hit and (alone.clause != clause or whole.outcome != wanted):
        return f"should be {wanted} by it, but is {_said(alone if alone.clause != clause else whole)}"
    named = alone.clause == clause
    if not hit and ((named and whole.outcome == wanted) if allows else (named or whole.outcome == wanted)):
        return f"should not be {wanted}, but is {_said(alone if named else whole)}"
    return ""


def _said(verdict: Verdict) -> str:
    return f"{verdict.outcome}: {verdict.reason}"
