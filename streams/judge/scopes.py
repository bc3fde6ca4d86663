"""Scopes compiled to questions about a record and its principal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from schemas.matching import names
from schemas.policy import Scope, ScopeMatch
from streams.judge.predicates import identities_of, service_accounts_of
from streams.judge.record import Record

__all__ = ["ScopeTest", "entity_kind", "scope_test", "specificity"]

ScopeTest = Callable[[Record, str], bool]
"""Whether a record, with its principal, lies in a scope."""

_KINDS: Final = frozenset({"host", "user", "image", "secret"})
_FIELDS: Final = {
    "cluster": ("workload.cluster", "orchestrator.cluster.name"),
    "namespace": ("workload.namespace", "orchestrator.namespace"),
    "workload": ("workload.name", "orchestrator.resource.name"),
    "container": ("workload.container",),
}


def entity_kind(principal: str) -> str:
    """Return ``container``, ``host``, ``user``, ``image`` or ``secret``."""
    kind = principal.partition(":")[0]
    return kind if kind in _KINDS else "container"


def specificity(scope: ScopeMatch) -> int:
    """Return how closely a scope names what it is for: the number of its keys."""
    return len(scope.given() - {"except_"})


def scope_test(scope: ScopeMatch, *, every: bool) -> ScopeTest:
    """Compile a scope; ``every`` asks that it hold for a user and also for whom the user impersonates."""
    tests = [_KEYS[key](getattr(scope, key), every) for key in sorted(scope.given() - {"except_"})]
    excepted = [scope_test(part, every=not every) for part in (scope.except_ if isinstance(scope, Scope) else ())]
    return lambda record, principal: (
        all(test(record, principal) for test in tests) and not any(test(record, principal) for test in excepted)
    )


def _entities(kinds: tuple[str, ...], every: bool) -> ScopeTest:  # noqa: ARG001, FBT001 - the mode of every key
    return lambda _, principal: entity_kind(principal) in kinds


def _principal(patterns: tuple[str, ...], every: bool) -> ScopeTest:  # noqa: ARG001, FBT001 - as above
    matches = names(patterns)
    return lambda _, principal: matches(principal)


def _fact(key: str) -> Callable[[tuple[str, ...], bool], ScopeTest]:
    def compiled(patterns: tuple[str, ...], every: bool) -> ScopeTest:  # noqa: ARG001, FBT001 - as above
        matches, fields = names(patterns), _FIELDS[key]
        return lambda record, _: any(matches(record[field]) for field in fields if field in record)

    return compiled


def _labels(patterns: tuple[str, ...], every: bool) -> ScopeTest:  # noqa: ARG001, FBT001 - as above
    matches = names(patterns)
    return lambda record, _: any(map(matches, record.get("workload.labels") or ()))


def _users(patterns: tuple[str, ...], every: bool) -> ScopeTest:  # noqa: FBT001 - as above
    matches = names(patterns)
    return lambda record, _: _identities([matches(name) for name, _ in identities_of(record)], every)


def _groups(patterns: tuple[str, ...], every: bool) -> ScopeTest:  # noqa: FBT001 - as above
    matches = names(patterns)
    return lambda record, _: _identities([any(map(matches, groups)) for _, groups in identities_of(record)], every)


def _service_accounts(patterns: tuple[str, ...], every: bool) -> ScopeTest:  # noqa: FBT001 - as above
    matches = names(patterns)
    return lambda record, _: _identities(
        [account is not None and matches(account) for account in service_accounts_of(record)], every
    )


def _identities(matched: Sequence[bool], every: bool) -> bool:  # noqa: FBT001 - as above
    return bool(matched) and (all(matched) if every else any(matched))


_KEYS: Final[dict[str, Callable[[Any, bool], ScopeTest]]] = {
    "entities": _entities,
    "principal": _principal,
    **{key: _fact(key) for key in _FIELDS},
    "labels": _labels,
    "users": _users,
    "groups": _groups,
    "service_accounts": _service_accounts,
}
