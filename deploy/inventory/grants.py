"""What roles and bindings grant, as far as an audit log was read in which they were written.

What was there before is not known, and neither are the rules of roles that nobody wrote since: both are ``not observable``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final, NamedTuple

from deploy.inventory.estate import Estate
from schemas.codec import Event

__all__ = ["Bound", "Grants", "Right", "grants_of"]

_ALL: Final = "*"
_RULE_PARTS: Final = 3
_NOTHING: Final = "-"
_ACTIONS: Final = tuple(
    f"{resource}-{verb}"
    for resource in ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
    for verb in ("create", "update", "patch", "delete")
)
_ALL_RIGHTS: Final = ("* * *",)
_BUILT_IN: Final = {"cluster-admin": _ALL_RIGHTS}
"""Roles that every cluster has and whose rules nobody writes; those of others differ by version."""


class Right(NamedTuple):
    """A verb on a resource in a namespace; ``*`` for all of them."""

    verb: str
    resource: str
    namespace: str

    def covers(self, used: tuple[str, str, str]) -> bool:
        """Return whether something that was done needs this right."""
        return all(mine in (_ALL, other) for mine, other in zip(self, used, strict=True))


@dataclass(frozen=True, slots=True)
class Bound:
    """What is bound to one identity; ``unseen`` are roles whose rules nobody wrote since the log was read first."""

    roles: tuple[str, ...] = ()
    rights: tuple[Right, ...] = ()
    unseen: tuple[str, ...] = ()

    def unused(self, used: Iterable[tuple[str, str, str]]) -> list[Right]:
        """Return the rights that nothing of what was done needed."""
        done = list(used)
        return [right for right in self.rights if not any(map(right.covers, done))]


class _Object(NamedTuple):
    """A role or a binding; the namespace is empty for those of a whole cluster."""

    resource: str
    cluster: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Grants:
    """Roles and bindings as they were last written."""

    roles: dict[_Object, tuple[str, ...]]
    bindings: dict[_Object, tuple[str, tuple[str, ...]]]

    def named(self) -> set[tuple[str, str]]:
        """Return cluster and name of all users and service accounts that something is bound to."""
        return {
            (binding.cluster, name)
            for binding, (_, subjects) in self.bindings.items()
            for subject in subjects
            if (name := _user_name(subject))
        }

    def of(self, cluster: str, name: str, groups: frozenset[str]) -> Bound:
        """Return what is bound to an identity, by its name or by a group that it has shown."""
        roles, unseen, rights = set[str](), set[str](), set[Right]()
        for binding, (role, subjects) in self.bindings.items():
            if binding.cluster != cluster or not any(_is_meant(subject, name, groups) for subject in subjects):
                continue
            where = binding.namespace or _ALL
            roles.add(f"{role} in {where}")
            rules = self._rules(binding, role)
            if rules is None:
                unseen.add(role)
            rights.update(right for rule in rules or () for right in _rights(rule, where))
        return Bound(tuple(sorted(roles)), tuple(sorted(rights)), tuple(sorted(unseen)))

    def _rules(self, binding: _Object, role: str) -> tuple[str, ...] | None:
        own = self.roles.get(_Object("roles", binding.cluster, binding.namespace, role)) if binding.namespace else None
        return own or self.roles.get(_Object("clusterroles", binding.cluster, "", role)) or _BUILT_IN.get(role)


def grants_of(estate: Estate) -> Grants:
    """Return the roles and bindings of an estate."""
    marks = ", ".join("?" * len(_ACTIONS))
    written = list(estate.activities(f"action IN ({marks})", *_ACTIONS))
    roles: dict[_Object, tuple[str, ...]] = {}
    bindings: dict[_Object, tuple[str, tuple[str, ...]]] = {}
    for one in sorted(written, key=lambda each: (each.last, each.last_id)):
        done, name = one.done, _object(one.done)
        if done.get("event.outcome") == "failure":
            continue
        if done.get("kubernetes.audit.verb") == "delete":
            roles.pop(name, None)
            bindings.pop(name, None)
        elif "kubernetes.audit.role.rules" in done:
            roles[name] = tuple(done["kubernetes.audit.role.rules"])
        elif "kubernetes.audit.role.name" in done or "kubernetes.audit.subjects" in done:
            role, subjects = bindings.get(name, ("", ()))
            told = done.get(
                "kubernetes.audit.role.name"
            )  # whoever tells it tells all: it never changes, so no patch is of it alone
            bindings[name] = told or role, tuple(done.get("kubernetes.audit.subjects") or (() if told else subjects))
    return Grants(roles, bindings)


def _object(done: Event) -> _Object:
    parts = ("resource.type", "cluster.name", "namespace", "resource.name")
    return _Object(*(done.get(f"orchestrator.{part}", "") for part in parts))


def _rights(rule: str, namespace: str) -> Iterator[Right]:
    """Yield the rights of a rule, ``get,list pods,secrets core``."""
    parts = rule.split(" ")
    if len(parts) == _RULE_PARTS and _NOTHING not in parts[:2]:
        for verb, resource in product(parts[0].split(","), parts[1].split(",")):
            yield Right(verb, resource, namespace)


def _user_name(subject: str) -> str:
    """Return the user name of a subject, ``ServiceAccount:shop/default`` or ``User:alice``; empty for a group."""
    kind, _, name = subject.partition(":")
    if kind == "ServiceAccount":
        return f"system:serviceaccount:{name.replace('/', ':', 1)}"
    return name if kind == "User" else ""


def _is_meant(subject: str, name: str, groups: frozenset[str]) -> bool:
    kind, _, group = subject.partition(":")
    return group in groups if kind == "Group" else _user_name(subject) == name
