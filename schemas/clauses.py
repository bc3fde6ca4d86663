"""The clauses of a policy one by one, each under the path that verdicts, exceptions and differences name.

``settings.privileged``, ``settings.capabilities.SYS_ADMIN``, ``files.shadow`` (a clause with a name), ``files.deny[2]`` (one
without), ``exec.only`` (all that an ``only`` leaves out).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from schemas.policy import Policy
from schemas.vocabulary.clause import Effect, Section, WrittenClause

__all__ = ["Effect", "WrittenClause", "clauses_of", "is_within"]

_SECTIONS: Final = (
    "images",
    "settings",
    "containers",
    "exec",
    "files",
    "network",
    "resources",
    "secrets",
    "access",
)


def clauses_of(policy: Policy) -> Iterator[WrittenClause]:
    """Return the clauses of a policy in the order of the vocabulary, findings and exceptions apart."""
    for name, section in _sections(policy):
        yield from section.written(name)


def is_within(path: str, prefix: str) -> bool:
    """Return whether a clause is the one named, or below it: ``settings.mounts`` holds ``settings.mounts.deny[0]``."""
    return path == prefix or (path.startswith(prefix) and path[len(prefix)] in ".[")


def _sections(policy: Policy) -> Iterator[tuple[str, Section]]:
    for name in _SECTIONS:
        value = getattr(policy, name)
        if isinstance(value, Section):
            yield name, value
        elif value is not None:
            yield from ((f"{name}.{key}", part) for key, part in _parts(policy, name) if part is not None)


def _parts(policy: Policy, name: str) -> Iterator[tuple[str, Section | None]]:
    for key, part in getattr(policy, name):
        yield key, policy.images.registered() if policy.images and (name, key) == ("images", "pushed") else part
