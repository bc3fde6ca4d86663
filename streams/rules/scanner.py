"""All literals of a rule set looked for in one pass (Hyperscan), and in another all patterns without a rare literal (RE2).

What a scan finds is tried again, letter by letter, by the rule itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import hyperscan

from streams.rules.anchors import SEPARATOR, HasPattern, HasText
from streams.rules.folding import fold
from streams.rules.patterns import finder_among

__all__ = ["Scanner"]

_FLAGS: Final = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH

_Scan = Callable[[str], Sequence[int]]


class Scanner:
    """Finds which of its anchors a record may have, from the texts of the record."""

    def __init__(self, anchors: Iterable[HasText | HasPattern]) -> None:
        listed = list(anchors)
        literals = [anchor for anchor in listed if isinstance(anchor, HasText)]
        patterns = [anchor for anchor in listed if isinstance(anchor, HasPattern)]
        self.anchors: Sequence[HasText | HasPattern] = [*literals, *patterns]
        """The anchors, by the numbers that ``scan`` gives."""
        self._first_pattern = len(literals)
        self._literals = _literals(literals)
        self._patterns = _patterns(patterns)

    def scan(self, texts: Iterable[str]) -> Sequence[int]:
        """Return the numbers of the anchors that these texts, all of one record, may have."""
        whole = f"{SEPARATOR}{SEPARATOR.join(texts)}{SEPARATOR}"
        found = self._literals(whole)
        patterns = self._patterns(whole)
        return [*found, *(self._first_pattern + number for number in patterns)] if patterns else found


def _literals(anchors: Sequence[HasText]) -> _Scan:
    """Return the scan for literals; it says all of them where they are too much for Hyperscan together."""
    if not anchors:
        return lambda _: ()
    database = hyperscan.Database()
    everything = range(len(anchors))
    literals = [anchor.literal.encode("utf-8", "surrogatepass") for anchor in anchors]
    try:
        database.compile(expressions=literals, ids=list(everything), elements=len(literals), flags=_FLAGS, literal=True)
    except hyperscan.error:
        return lambda _: everything

    def scan(whole: str) -> Sequence[int]:
        found: list[int] = []
        if not whole.isascii():
            whole = fold(whole).replace("\u017f", "s")  # which a pattern that ignores case takes for one
        database.scan(whole.encode("utf-8", "surrogatepass"), match_event_handler=_note, context=found)
        return found

    return scan


def _patterns(anchors: Sequence[HasPattern]) -> _Scan:
    """Return the scan for patterns; it says all of them where they are too much for RE2 together."""
    if not anchors:
        return lambda _: ()
    find = finder_among([(anchor.pattern, anchor.flags) for anchor in anchors])
    if find is None:
        everything = range(len(anchors))
        return lambda _: everything
    return lambda whole: find(whole.encode("utf-8", "surrogatepass"))


def _note(number: int, _start: int, _end: int, _flags: int, found: Any) -> None:
    found.append(number)
