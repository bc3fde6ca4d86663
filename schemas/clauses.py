"""The clauses of a policy one by one, each under the path that verdicts, exceptions and differences name.

``settings.privileged``, ``settings.capabilities.SYS_ADMIN``, ``files.shadow`` (a clause with a name), ``files.deny[2]`` (one
without), ``exec.only`` (all that an ``only`` leaves out).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from schemas.policy import Clause, Clauses, Policy

__all__ = ["Effect", "WrittenClause", "clauses_of", "is_within"]

Effect = Literal["deny", "allow", "only", "rest", "require"]
"""What a clause does; ``rest`` is the other side of ``only``: it denies what none of its clauses names."""


@dataclass(frozen=True, slots=True)
class WrittenClause:
    """One clause: the section it stands in, its effect and path, and the model, word or list of words written there."""

    section: str
    effect: Effect
    path: str
    value: Any


def clauses_of(policy: Policy) -> Iterator[WrittenClause]:
    """Return the clauses of a policy in the order of the vocabulary, sensors and exceptions apart."""
    for section, value in _sections(policy):
        if isinstance(value, Clauses):
            yield from _listed(section, value)
        elif isinstance(value, str):
            yield from _flag(section, value)
        else:
            for word in value.require:
                yield WrittenClause(section, "require", f"{section}.{word}", word)


def is_within(path: str, prefix: str) -> bool:
    """Return whether a clause is the one named, or below it: ``settings.mounts`` holds ``settings.mounts.deny[0]``."""
    return path == prefix or (path.startswith(prefix) and path[len(prefix)] in ".[")


def _sections(policy: Policy) -> Iterator[tuple[str, Any]]:
    for name in ("images", "settings", "containers", "exec", "files", "network", "access"):
        value = getattr(policy, name)
        if isinstance(value, Clauses):
            yield name, value
        elif value is not None:
            yield from ((f"{name}.{key}", part) for key, part in value if part is not None)


def _listed(section: str, clauses: Clauses[Any]) -> Iterator[WrittenClause]:
    effects: tuple[Literal["deny", "allow", "only"], ...] = ("deny", "allow", "only")
    for effect in effects:
        for number, value in enumerate(getattr(clauses, effect) or ()):
            yield WrittenClause(section, effect, _path(section, effect, number, value), value)
    if clauses.only is not None:
        yield WrittenClause(section, "rest", f"{section}.only", clauses.only)


def _path(section: str, effect: str, number: int, value: Any) -> str:
    title = value.name if isinstance(value, Clause) else value
    is_word = isinstance(title, str) and title.replace("_", "").replace("-", "").isalnum()
    return f"{section}.{title}" if is_word else f"{section}.{effect}[{number}]"


def _flag(section: str, value: str) -> Iterator[WrittenClause]:
    effects: dict[str, Effect] = {"deny": "deny", "allow": "allow", "require": "require"}
    yield WrittenClause(section, effects[value], section, value)
