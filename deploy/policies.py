"""What the command line does with policies: check them with their cases, and say how two sets differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel

from deploy.case_files import CaseFailure
from deploy.cases import run_cases
from schemas.clauses import clauses_of
from schemas.codec import dumps_sorted
from schemas.policy import Policy
from schemas.policyset import PolicySet, load_policies

__all__ = ["DEFAULT_POLICIES", "Checked", "Difference", "check", "diff"]

DEFAULT_POLICIES: Final = Path(__file__).parent / "policies"
"""The directory of the policies that are in force where nobody has written others."""

_MAX_CHARACTERS: Final = 80


@dataclass(frozen=True, slots=True)
class Checked:
    """A policy set that holds together, the exceptions in it that have expired, and the cases it fails."""

    policies: PolicySet
    expired: tuple[str, ...]
    failures: tuple[CaseFailure, ...]


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One clause (or scope, sensor level, exception) that two sets do not have in common; values are JSON, None where absent."""

    policy: str
    clause: str
    change: Literal["added", "removed", "changed"]
    old: Any
    new: Any

    def __str__(self) -> str:
        """Return one line for a person: of a clause that has changed, only what has."""
        old, new = _flat(self.old), _flat(self.new)
        if self.change == "changed":
            parts = [_changed(key, old.get(key), new.get(key)) for key in old | new if old.get(key) != new.get(key)]
        else:
            parts = [f"{key} {_short(value)}".strip() for key, value in (old or new).items()]
        return f"{self.policy}: {self.clause} {self.change}: {', '.join(parts) or 'everything'}"

    def as_json(self) -> dict[str, Any]:
        """Return the difference as a JSON object."""
        return asdict(self)


def check(paths: Sequence[Path], today: date) -> Checked:
    """Load policies and run the cases beside them; raise ``PolicyErrors`` with all faults if they do not hold together."""
    policies = load_policies(paths, today)
    by_name = {policy.policy: policy for policy in policies.policies}
    expired = tuple(
        f"{name}: exceptions[{number}] expired on {by_name[name].exceptions[number].expires} and no longer holds"
        for name, number in sorted(policies.expired)
    )
    return Checked(policies, expired, tuple(run_cases(paths, policies)))


def diff(old: PolicySet, new: PolicySet) -> tuple[Difference, ...]:
    """Return what changes where ``new`` takes the place of ``old``, by policy and clause."""
    before, after = dict(_parts(old)), dict(_parts(new))
    found = [
        Difference(*place, _change(place, before, after), before.get(place), after.get(place))
        for place in before.keys() | after.keys()
        if before.get(place) != after.get(place)
    ]
    return tuple(sorted(found, key=lambda difference: (difference.policy, difference.clause)))


def _flat(value: Any) -> dict[str, Any]:
    """Return the keys of a clause beside its effect; what is written as one word stands under an empty key."""
    if not isinstance(value, dict):
        return {} if value is None else {"": value}
    inner = value.get("value") if "effect" in value else None
    rest = {key: part for key, part in value.items() if key != "value" or inner is None}
    said = inner is None or inner == value.get("effect")
    return rest | (inner if isinstance(inner, dict) else {} if said else {"": inner})


def _changed(key: str, old: Any, new: Any) -> str:
    if isinstance(old, list) and isinstance(new, list):
        signs = [f"-{_short(item)}" for item in old if item not in new] + [
            f"+{_short(item)}" for item in new if item not in old
        ]
        return f"{key} {' '.join(signs) or 'in another order'}"
    return f"{key} {'nothing' if old is None else _short(old)} → {'nothing' if new is None else _short(new)}".strip()


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else dumps_sorted(value).decode()
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"


def _change(
    place: tuple[str, str], before: dict[tuple[str, str], Any], after: dict[tuple[str, str], Any]
) -> Literal["added", "removed", "changed"]:
    if place not in before:
        return "added"
    return "changed" if place in after else "removed"


def _parts(policies: PolicySet) -> Iterator[tuple[tuple[str, str], Any]]:
    for policy in policies.policies:
        for clause, value in _of_policy(policy, policies):
            yield (policy.policy, clause), value


def _of_policy(policy: Policy, policies: PolicySet) -> Iterator[tuple[str, Any]]:
    yield "scope", _plain(policy.scope)
    if policy.findings:
        yield "findings.level", policy.findings.level
    if policy.learn:
        yield "learn", _plain(policy.learn)
    for person in policy.people:
        yield f"people.{person.name}", person.key
    for clause in clauses_of(policy):
        said = (
            {"effect": "deny all else"}
            if clause.effect == "rest"
            else {"effect": clause.effect, "value": _plain(clause.value)}
        )
        yield clause.path, said
    for number, exception in enumerate(policy.exceptions):
        state = {"expired": True} if (policy.policy, number) in policies.expired else {}
        yield f"exceptions[{number}]", _plain(exception) | state


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=True, exclude_unset=True) if isinstance(value, BaseModel) else value
