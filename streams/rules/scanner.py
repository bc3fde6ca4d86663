"""All literals and patterns of a rule set looked for in one pass (Hyperscan), whose time grows with the text alone.

A scan may say too much but never too little: what it finds is tried again, letter by letter, by the rule itself. Where
Hyperscan and RE2 could differ the pattern is left to RE2 alone (``unscannable``) or held to be found (a text that is not
ASCII, or has a vertical tab in it).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import hyperscan

from streams.rules.anchors import SEPARATOR, HasPattern, HasText
from streams.rules.folding import fold

__all__ = ["Scanner", "unscannable"]

_OWN_MEANING: Final = re.compile(r"\\[AzZCQEvGKXRhHNV]|\(\?[a-zA-Z]*-|\(\?[a-zA-Z]*U|\[\[|\\[pP]|[^\x00-\x7f]")
"""What RE2 and Hyperscan may read differently, or what looks beyond the text among others."""

_LITERAL: Final = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH
_PATTERN: Final = (
    hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_MULTILINE | hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_PREFILTER
)
_MAX_PATTERN: Final = 500


def unscannable(pattern: HasPattern) -> bool:
    """Say whether a regular expression has to be tried by itself on every record."""
    if len(pattern.pattern) > _MAX_PATTERN or _OWN_MEANING.search(pattern.pattern):
        return True
    expression, flags = _expression(pattern)
    try:
        hyperscan.Database().compile(expressions=[expression], ids=[0], elements=1, flags=[flags])
    except hyperscan.error:
        return True
    return False


def _expression(anchor: HasText | HasPattern) -> tuple[bytes, int]:
    if isinstance(anchor, HasText):
        return b"".join(b"\\x%02x" % byte for byte in anchor.literal.encode()), _LITERAL
    caseless = hyperscan.HS_FLAG_CASELESS if "i" in anchor.flags else 0
    return anchor.pattern.encode(), _PATTERN | caseless


class Scanner:
    """Finds which of its anchors a record may have, from the texts of the record."""

    def __init__(self, anchors: Iterable[HasText | HasPattern]) -> None:
        self._anchors: Sequence[HasText | HasPattern] = list(anchors)
        self._patterns = [number for number, anchor in enumerate(self._anchors) if isinstance(anchor, HasPattern)]
        self._database = _database(self._anchors)

    @property
    def anchors(self) -> Sequence[HasText | HasPattern]:
        """The anchors, by the numbers that ``scan`` gives."""
        return self._anchors

    def scan(self, texts: Iterable[str]) -> list[int]:
        """Return the numbers of the anchors that these texts, all of one record, may have."""
        if self._database is None:
            return list(range(len(self._anchors)))
        whole = f"{SEPARATOR}{SEPARATOR.join(texts)}{SEPARATOR}"
        found: list[int] = []
        if not whole.isascii() or "\v" in whole:
            found.extend(self._patterns)
            whole = fold(whole)
        self._database.scan(whole.encode("utf-8", "surrogatepass"), match_event_handler=_note, context=found)
        return found


def _database(anchors: Sequence[HasText | HasPattern]) -> Any:
    """Return the compiled anchors; nothing where there are none, or where they are too much for Hyperscan together."""
    if not anchors:
        return None
    compiled = [_expression(anchor) for anchor in anchors]
    database = hyperscan.Database()
    try:
        database.compile(
            expressions=[expression for expression, _ in compiled],
            ids=list(range(len(compiled))),
            elements=len(compiled),
            flags=[flags for _, flags in compiled],
        )
    except hyperscan.error:
        return None
    return database


def _note(number: int, _start: int, _end: int, _flags: int, found: Any) -> None:
    found.append(number)
