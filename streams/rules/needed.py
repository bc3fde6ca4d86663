"""What text a regular expression cannot be found without.

Hyperscan finds regular expressions in one pass too, but not all of them: version 5.4 misses some where it looks for several at
once, which no test of a pattern alone shows. So it looks for literals only, and RE2 for the patterns that have none worth looking for.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from re import _constants as code  # type: ignore[attr-defined]  # the parser of ``re`` has no public name
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

from streams.rules.folding import fold

__all__ = ["literals_needed"]

_OWN_MEANING: Final = re.compile(
    r"\\[AzZCQEvGKXRhHNV0-9x]|\(\?[a-zA-Z]*-|\(\?[a-zA-Z]*[Ux]|\[\[|\\[pP]|[^\x00-\x7f]|\(\?P=|\(\?<"
)
"""What RE2 and Python read differently, or what is of no use here."""

_MOST: Final = 64
"""Literals that are looked for instead of one pattern."""

_LEAST: Final = 4
"""How rare a literal must be to be of use: two letters that are not common, or as much."""

_COMMON: Final = frozenset("etaoinsrhldcum/- ")
"""What stands in nearly every path and command line."""

_Needed = frozenset[str] | None


def literals_needed(pattern: str) -> frozenset[str] | None:
    """Return rare literals of which one, without case, is in every text that a pattern is found in; None where there are none.

    ``pattern`` is RE2's; where it may mean something else to Python's parser nothing is said of it.
    """
    if _OWN_MEANING.search(pattern):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sets within sets, which RE2 does not know
            parsed = parser.parse(pattern)
    except (re.error, OverflowError, RecursionError):
        return None
    found = _of_sequence(parsed)
    return found if found and _worth(found)[0] >= _LEAST else None


def _of_sequence(items: Iterable[tuple[Any, Any]]) -> _Needed:
    """Return the best of what the parts of a sequence need: letters in a row are one literal."""
    known: list[frozenset[str]] = []
    letters: list[str] = []
    for operation, argument in (*items, (None, None)):
        if operation is code.LITERAL:
            letters.append(chr(argument))
            continue
        if operation is code.AT:  # takes no letter, so what stands around it is in a row
            continue
        if letters:
            known.append(frozenset({fold("".join(letters))}))
            letters = []
        found = _of_part(operation, argument)
        if found is not None:
            known.append(found)
    return max(known, key=_worth, default=None)


def _of_part(operation: Any, argument: Any) -> _Needed:
    if operation is code.SUBPATTERN:
        return _of_sequence(argument[-1])
    if operation in (code.MAX_REPEAT, code.MIN_REPEAT):
        least, _, repeated = argument
        return _of_sequence(repeated) if least > 0 else None
    if operation is code.BRANCH:
        return _of_any(argument[1])
    return None


def _of_any(branches: Iterable[Any]) -> _Needed:
    found = [_of_sequence(branch) for branch in branches]
    known = [needed for needed in found if needed is not None]
    together: frozenset[str] = frozenset().union(*known)
    return together if len(known) == len(found) and len(together) <= _MOST else None


def _worth(literals: frozenset[str]) -> tuple[int, int]:
    """Compare by the literal that is found the most often, then by how few there are."""
    return min(map(_rarity, literals)), -len(literals)


def _rarity(literal: str) -> int:
    return sum(1 if letter in _COMMON else 2 if letter.isalnum() else 3 for letter in literal)
