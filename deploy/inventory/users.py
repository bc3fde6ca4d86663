"""Identities: users and service accounts, what they did, what they may do as far as roles and bindings were seen, and what of it they never used."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Literal

from deploy.inventory.estate import NOT_OBSERVABLE, Estate
from deploy.inventory.grants import Grants, grants_of
from deploy.view.read import Activity
from streams.judge.memo import OTHER

__all__ = ["User", "users_of"]

Kind = Literal["service account", "system", "person"]

_USER: Final = "user:"
_ACCOUNT: Final = "system:serviceaccount:"
_SYSTEM: Final = "system:"


@dataclass(frozen=True, slots=True)
class User:
    """One identity of a cluster, or of a registry or store that names its users.

    ``did`` counts ``VERB RESOURCE`` of what was carried out, ``refused`` of what was not. ``granted`` are ``VERB RESOURCE NAMESPACE`` (``*``
    for all) of roles bound to it, ``unused`` those of which it never did anything, ``broad`` those that say ``*`` for a verb or a
    resource, of which what was never used cannot be listed; roles whose rules were not seen are named in ``unseen``. Of one that did too
    much to be told apart it is ``not observable`` what was unused.
    """

    user: str
    cluster: str
    name: str
    kind: Kind
    groups: tuple[str, ...]
    did: dict[str, int]
    refused: dict[str, int]
    roles: tuple[str, ...]
    granted: tuple[str, ...] | str
    unused: tuple[str, ...] | str
    broad: tuple[str, ...]
    unseen: tuple[str, ...]
    secrets: tuple[str, ...]
    outcomes: dict[str, int]
    first: str
    last: str


@dataclass(slots=True)
class _Seen:
    """What one identity did."""

    groups: set[str] = field(default_factory=set)
    did: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    used: set[tuple[str, str, str]] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    others: bool = False

    def add(self, activity: Activity) -> None:
        if activity.digest.startswith(OTHER):
            self.others = True
            return
        done = activity.done
        verb, resource = done.get("kubernetes.audit.verb"), _resource(activity)
        what = f"{verb} {resource}" if verb else activity.action
        self.groups.update(done.get("user.roles") or ())
        if done.get("event.outcome") == "failure":
            self.refused[what] += activity.count
            return
        self.did[what] += activity.count
        self.secrets.update(filter(None, [done.get("secret.path")]))
        if verb:
            self.used.add((verb, resource, done.get("orchestrator.namespace", "")))


def users_of(estate: Estate) -> list[User]:
    """Return all identities that did something or that something was granted to, by name."""
    seen: dict[str, _Seen] = {}
    for one in estate.activities("principal IN (SELECT id FROM principals WHERE substr(name, 1, 5) = ?)", _USER):
        seen.setdefault(one.principal, _Seen()).add(one)
    grants = grants_of(estate)
    names = seen.keys() | {f"{_USER}{cluster}/{name}" for cluster, name in grants.named()}
    return [_row(name, seen.get(name, _Seen()), grants, estate) for name in sorted(names)]


def _resource(activity: Activity) -> str:
    done = activity.done
    parts = (done.get("orchestrator.resource.type"), done.get("kubernetes.audit.subresource"))
    return "/".join(filter(None, parts)) or done.get("url.path", "")


def _row(principal: str, seen: _Seen, grants: Grants, estate: Estate) -> User:
    cluster, _, name = principal.removeprefix(_USER).partition("/")
    bound = grants.of(cluster, name, frozenset(seen.groups))
    first, last = estate.spans.get(principal, ("", ""))
    return User(
        user=principal,
        cluster=cluster,
        name=name,
        kind="service account" if name.startswith(_ACCOUNT) else "system" if name.startswith(_SYSTEM) else "person",
        groups=tuple(sorted(seen.groups)),
        did=dict(sorted(seen.did.items())),
        refused=dict(sorted(seen.refused.items())),
        roles=bound.roles,
        granted=tuple(map(" ".join, bound.rights)) if bound.rights else NOT_OBSERVABLE,
        unused=NOT_OBSERVABLE if seen.others or not bound.rights else tuple(map(" ".join, bound.unused(seen.used))),
        broad=tuple(" ".join(right) for right in bound.rights if "*" in right[:2]),
        unseen=bound.unseen,
        secrets=tuple(sorted(seen.secrets)),
        outcomes=dict(sorted(estate.outcomes.get(principal, {}).items())),
        first=first,
        last=last,
    )
