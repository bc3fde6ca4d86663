"""How a principal learns, and what stays literal while it does: what policies say of learning, compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.clauses import clauses_of
from schemas.policy import Learn
from schemas.policyset import PolicySet
from streams.judge.scopes import ScopeTest, scope_test, specificity

__all__ = ["LearnRules"]

_NOBODY: Final = "default"
_WILDCARDS: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class LearnRules:
    """The learn sections of a policy set, the most specific scope first, who may decide, and the paths that policies forbid."""

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
    """Yield the files that clauses forbid, and the folders of which they forbid everything.

    Where a pattern has a wildcard elsewhere nothing is pinned: all that lies around such files would be. What is forbidden is
    decided by the policy in any case, before a baseline is asked.
    """
    for policy in policies.policies:
        for clause in clauses_of(policy):
            if (clause.section, clause.effect) == ("files", "deny"):
                yield from filter(None, map(_folder, clause.value.path or ()))


def _folder(pattern: str) -> str:
    path = pattern.removesuffix("/**")
    return path if path.startswith("/") and not _WILDCARDS & set(path) else ""
