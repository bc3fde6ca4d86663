"""How a principal learns, and what stays literal while it does: what policies say of learning, compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.clauses import clauses_of
from schemas.policy import Learn, Match
from schemas.policyset import PolicySet
from streams.judge.scopes import ScopeTest, scope_test, specificity

__all__ = ["LearnRules"]

_NOBODY: Final = "default"
_PATHS: Final = ("path", "executable", "parent", "source")


@dataclass(frozen=True, slots=True)
class LearnRules:
    """The learn sections of a policy set, the most specific scope first, who may decide, and the paths that policies look at."""

    rules: tuple[tuple[str, ScopeTest, Learn], ...]
    people: Mapping[str, str]
    protected: frozenset[str]

    @classmethod
    def of(cls, policies: PolicySet) -> LearnRules:
        written = [policy for policy in policies.policies if policy.learn is not None]
        written.sort(key=lambda policy: (-specificity(policy.scope), policy.policy))
        rules = tuple((one.policy, scope_test(one.scope, every=False), one.learn or Learn()) for one in written)
        people = {person.name: person.key for policy in policies.policies for person in policy.people}
        return cls(rules, people, frozenset(_protected(policies)))

    def rule_of(self, principal: str, deciding: Mapping[str, Any]) -> tuple[str, Learn]:
        """Return the policy that says how a principal learns, and what it says."""
        found = ((name, learn) for name, scope, learn in self.rules if scope(deciding, principal))
        return next(found, (_NOBODY, Learn()))


def _protected(policies: PolicySet) -> Iterator[str]:
    """Yield the paths that clauses name, up to their first wildcard."""
    for policy in policies.policies:
        for clause in clauses_of(policy):
            if isinstance(clause.value, Match):
                yield from _paths(clause.value)


def _paths(match: Match) -> Iterator[str]:
    for key in _PATHS:
        for pattern in getattr(match, key, None) or ():
            literal = pattern.partition("*")[0].partition("[")[0].partition("?")[0]
            path = literal if literal == pattern else literal.rpartition("/")[0]
            if path.startswith("/") and path.strip("/"):
                yield path.rstrip("/")
    for excepted in getattr(match, "except_", ()):
        yield from _paths(excepted)
