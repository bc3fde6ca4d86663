"""How two policy sets differ, clause by clause, and for whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

from pydantic import BaseModel

from schemas.clauses import WrittenClause, clauses_of
from schemas.codec import dumps_sorted
from schemas.policy import Policy
from schemas.policyset import PolicySet
from schemas.vocabulary.clause import NOTES
from streams.judge.scopes import scope_test

__all__ = ["Difference", "concerned", "diff"]

_MAX_CHARACTERS: Final = 80
_MAX_NAMED: Final = 5
_FOR_WHOM: Final = ("gains", "loses", "keeps")


def _named(principals: Sequence[str]) -> str:
    listed = ", ".join(principals[:_MAX_NAMED])
    more = len(principals) - _MAX_NAMED
    return f"{listed} and {more} more" if more > 0 else listed


@dataclass(frozen=True, slots=True)
class Difference:
    """One clause (or scope, level of findings, exception …) that two sets do not have in common; values are JSON, None where absent.

    ``gains`` are the principals of whom it speaks only in the new set, ``loses`` only in the old, ``keeps`` in both; None where
    nobody has asked.
    """

    policy: str
    clause: str
    change: Literal["added", "removed", "changed"]
    old: Any
    new: Any
    gains: tuple[str, ...] | None = None
    loses: tuple[str, ...] | None = None
    keeps: tuple[str, ...] | None = None

    def __str__(self) -> str:
        """Return one line for a person: of a clause that has changed, only what has."""
        old, new = _flat(self.old), _flat(self.new)
        if self.change == "changed":
            parts = [_changed(key, old.get(key), new.get(key)) for key in old | new if old.get(key) != new.get(key)]
        else:
            parts = [f"{key} {_short(value)}".strip() for key, value in (old or new).items()]
        return f"{self.policy}: {self.clause} {self.change}: {', '.join(parts) or 'everything'}{self._for_whom()}"

    def _for_whom(self) -> str:
        told = [
            f"{word} {_named(principals)}"
            for word, principals in (("now for", self.gains), ("no longer for", self.loses), ("for", self.keeps))
            if principals
        ]
        nobody = self.keeps is not None and not told
        return "; for nobody that is known" if nobody else "".join(f"; {part}" for part in told)

    def as_json(self) -> dict[str, Any]:
        """Return the difference as a JSON object; principals only where someone has asked."""
        return {key: value for key, value in asdict(self).items() if key not in _FOR_WHOM or value is not None}


def diff(old: PolicySet, new: PolicySet) -> tuple[Difference, ...]:
    """Return what changes where ``new`` takes the place of ``old``, by policy and clause."""
    before, after = dict(_parts(old)), dict(_parts(new))
    found = [
        Difference(*place, _change(place, before, after), before.get(place), after.get(place))
        for place in before.keys() | after.keys()
        if before.get(place) != after.get(place)
    ]
    return tuple(sorted(found, key=lambda difference: (difference.policy, difference.clause)))


def concerned(
    differences: Sequence[Difference], old: PolicySet, new: PolicySet, principals: Mapping[str, Mapping[str, Any]]
) -> Iterator[Difference]:
    """Yield the differences with the principals that each speaks of; ``principals`` have the deciding facts that are known of them.

    Whom a clause speaks of is whom its policy's scope holds. What the facts do not say lies in no named place.
    """
    before, after = (_held(policies, principals) for policies in (old, new))
    for one in differences:
        lost = before.get(one.policy, frozenset()) if one.old is not None else frozenset()
        won = after.get(one.policy, frozenset()) if one.new is not None else frozenset()
        yield replace(one, gains=_sorted(won - lost), loses=_sorted(lost - won), keeps=_sorted(lost & won))


def _held(policies: PolicySet, principals: Mapping[str, Mapping[str, Any]]) -> dict[str, frozenset[str]]:
    """Return the principals that lie in the scope of each policy."""
    scopes = {policy.policy: scope_test(policy.scope, every=False) for policy in policies.policies}
    return {
        name: frozenset(principal for principal, facts in principals.items() if scope(facts, principal))
        for name, scope in scopes.items()
    }


def _sorted(principals: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(principals))


def _flat(value: Any) -> dict[str, Any]:
    """Return the keys of a clause, its notes among them; what is written as one word stands under an empty key."""
    if not isinstance(value, dict):
        return {} if value is None else {"": value}
    if "effect" not in value:
        return value
    inner = value.get("value", {})
    rest: dict[str, Any] = {"effect": value["effect"]} | value.get("notes", {})
    return rest | (inner if isinstance(inner, dict) else {"": inner})


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
    yield from ((f"people.{person.name}", person.key) for person in policy.people)
    yield from ((f"data.{name}", _plain(where)) for name, where in (policy.data or {}).items())
    yield from ((f"respond[{number}]", _plain(respond)) for number, respond in enumerate(policy.respond))
    for clause in clauses_of(policy):
        yield clause.path, _said(clause)
    for number, exception in enumerate(policy.exceptions):
        state = {"expired": True} if (policy.policy, number) in policies.expired else {}
        yield f"exceptions[{number}]", _plain(exception) | state


def _said(clause: WrittenClause) -> dict[str, Any]:
    """Return what a clause does and of what it speaks, and the notes that are on it or on its section."""
    said: dict[str, Any] = {"effect": "deny all else" if clause.effect == "rest" else clause.effect}
    value = {} if clause.effect == "rest" else _plain(clause.value)
    if isinstance(value, dict):
        value = {key: part for key, part in value.items() if key not in NOTES and key != "effect"}
    notes = clause.notes.model_dump(mode="json", exclude_none=True)
    return said | ({"value": value} if value else {}) | ({"notes": notes} if notes else {})


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=True, exclude_unset=True) if isinstance(value, BaseModel) else value
