"""What a baseline knows of one dimension, compiled for matching."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.baseline import Element
from streams.baseline.nearest import nearest_of
from streams.baseline.patterns import BandPatterns, Patterns, PeerPatterns, StepPatterns

__all__ = ["Known"]


@dataclass(frozen=True, slots=True)
class Known:
    """The elements of one dimension, as ``generalise`` or a person made them; compile it when it is first asked.

    Literal elements cost a dictionary's lookup, only patterns are a trie. ``hash`` has no patterns.
    """

    dimension: str
    elements: tuple[Element, ...]
    _exact: frozenset[Element]
    _patterns: Patterns | None

    @classmethod
    def of(cls, dimension: str, elements: Iterable[Element]) -> Known:
        """Compile elements; in any order, with the same result."""
        found = tuple(sorted(set(elements)))
        return cls(dimension, found, frozenset(found), _compiled(dimension, found))

    def find(self, element: Element) -> Element | None:
        """Return the element that covers one: the same if it is there, else the most specific pattern; None if it is not known."""
        if element in self._exact:
            return element
        return None if self._patterns is None else self._patterns.find(element)

    def nearest(self, element: Element) -> Element | None:
        """Return the element most like one that is not known, to show beside it; None if nothing is like it."""
        return nearest_of(self.dimension, self.elements, element)

    def __len__(self) -> int:
        return len(self.elements)


def _compiled(dimension: str, elements: tuple[Element, ...]) -> Patterns | None:
    if dimension == "hash":
        return None
    if dimension in ("egress", "ingress"):
        return PeerPatterns(elements)
    if dimension == "resource":
        return BandPatterns(elements)
    return StepPatterns(dimension, elements)
