"""Placeholders of the modifier ``expand``: ``%servers%`` stands for the values that a site gives it.

The values stand in files named ``placeholders.yaml`` (or ``.yml``) anywhere in the rule set::

    servers: [srv*, db-1]
    domain: example.org
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import PurePosixPath
from typing import Any, Final

from streams.rules.documents import RuleDocument
from streams.rules.fault import RuleFault

__all__ = ["MAX_EXPANSIONS", "Placeholders", "expand", "is_placeholders", "read_placeholders"]

Placeholders = Mapping[str, tuple[str, ...]]

MAX_EXPANSIONS: Final = 10_000
"""More values of one text are a mistake."""

_PART: Final = re.compile(r"\\(?P<escaped>%)|%(?P<name>[^%\\]+)%")
_NAMES: Final = frozenset({"placeholders.yaml", "placeholders.yml"})


class MissingPlaceholderError(ValueError):
    """A rule needs a value that nobody has given."""


def is_placeholders(path: str) -> bool:
    """Say whether a file holds values of placeholders, not rules."""
    return PurePosixPath(path).name in _NAMES


def read_placeholders(document: RuleDocument, known: dict[str, tuple[str, ...]]) -> Iterator[RuleFault]:
    """Add what a document says to what is known; yield what is wrong in it."""
    if not isinstance(document.value, dict):
        yield document.fault((), "must be names and values")
        return
    for name, value in document.value.items():
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(entry, str | int | float) for entry in values) or not values:
            yield document.fault((name,), "must be a value or a list of values")
        elif name in known:
            yield document.fault((name,), "is said twice in these rules; join them")
        else:
            known[name] = tuple(_text(entry) for entry in values)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def expand(text: str, placeholders: Placeholders) -> list[str]:
    """Return the texts that a text stands for; raise ``MissingPlaceholderError`` where one has no value."""
    choices: list[tuple[str, ...]] = []
    end = 0
    for part in _PART.finditer(text):
        choices.append((text[end : part.start()],))
        choices.append(("%",) if part["escaped"] else _values(part["name"], placeholders))
        end = part.end()
    choices.append((text[end:],))
    number = 1
    for choice in choices:
        number *= len(choice)
    if number > MAX_EXPANSIONS:
        raise MissingPlaceholderError(f"stands for {number} values; at most {MAX_EXPANSIONS} are read")
    return ["".join(parts) for parts in product(*choices)]


def _values(name: str, placeholders: Placeholders) -> tuple[str, ...]:
    values = placeholders.get(name)
    if values is None:
        raise MissingPlaceholderError(f"needs a value for %{name}%; give it one in a file placeholders.yaml")
    return values
