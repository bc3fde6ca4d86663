"""What the keys of all clauses are compiled with: questions about one value or several of a subject.

A subject may hold several values (both paths of a rename, all ways a file is accessed, a user and whom the user impersonates).
What denies must hold for *any* of them, what allows for *every* one, so that neither is got around by adding another value.
``except`` turns this round. A value that is not known matches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from schemas.matching import addresses, domains, names, paths

__all__ = [
    "Compile",
    "Keys",
    "Test",
    "Values",
    "field_of",
    "holds",
    "list_of",
    "of_addresses",
    "of_domains",
    "of_flag",
    "of_names",
    "of_paths",
    "of_ports",
    "of_words",
    "one_of",
]

Test = Callable[[Any], bool]
"""Whether a clause speaks of a subject."""

Values = Callable[[Any], Sequence[Any]]
"""The values of a subject that a key is about."""

Compile = Callable[[Any, bool], Test]
"""What makes a question of what is written under a key; the truth value asks for every value of the subject."""

Keys = Mapping[str, Compile]


def holds(values: Values, matches: Callable[[Any], bool], every: bool) -> Test:  # noqa: FBT001 - the mode of every key
    """Ask whether any, or ``every``, value matches; what has no value never does."""
    if every:
        return lambda subject: bool(found := values(subject)) and all(map(matches, found))
    return lambda subject: any(map(matches, values(subject)))


def field_of(*fields: str) -> Values:
    """Return the values of those of the fields that a record has."""
    return lambda record: [record[field] for field in fields if field in record]


def list_of(field: str) -> Values:
    """Return the values of a field that has many."""
    return lambda record: record.get(field) or ()


def one_of(attribute: str) -> Values:
    """Return the one value of a subject that is no record."""
    return lambda subject: [getattr(subject, attribute)]


def of_names(values: Values) -> Compile:
    """Compile name patterns."""
    return lambda patterns, every: holds(values, names(patterns), every)


def of_paths(values: Values) -> Compile:
    """Compile path patterns."""
    return lambda patterns, every: holds(values, paths(patterns), every)


def of_domains(values: Values) -> Compile:
    """Compile domain patterns."""
    return lambda patterns, every: holds(values, domains(patterns), every)


def of_addresses(values: Values) -> Compile:
    """Compile address blocks."""
    return lambda blocks, every: holds(values, addresses(blocks), every)


def of_ports(values: Values) -> Compile:
    """Compile ranges of ports."""
    return lambda ranges, every: holds(values, lambda port: any(first <= port <= last for first, last in ranges), every)


def of_words(values: Values) -> Compile:
    """Compile words that are compared whole."""
    return lambda words, every: holds(values, frozenset(words).__contains__, every)


def of_flag(read: Callable[[Any], Any]) -> Compile:
    """Compile a truth value; what is not known is neither."""
    return lambda flag, _: lambda subject: read(subject) is flag
