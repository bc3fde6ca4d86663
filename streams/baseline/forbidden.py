"""What a person has taken out of a baseline for good, compiled: it holds for all that its elements stand for, whatever else is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.baseline import Element, Elements
from streams.baseline.bands import band_range
from streams.baseline.known import Known

__all__ = ["Forbidden"]


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The elements under ``never``."""

    _known: Mapping[str, Known]

    @classmethod
    def of(cls, never: Elements) -> Forbidden:
        return cls({name: Known.of(name, found) for name, found in never.items() if found})

    def holds(self, dimension: str, element: Element) -> bool:
        """Return whether an element, or a pattern that stands for it, was taken out."""
        known = self._known.get(dimension)
        cover = None if known is None else known.find(element)
        return cover is not None and (dimension != "resource" or _is_within(element, cover))

    def sparing(self, elements: Elements) -> Elements:
        """Return elements without those that were taken out; every dimension stays."""
        return {
            name: tuple(one for one in found if not self.holds(name, one)) if name in self._known else found
            for name, found in elements.items()
        }


def _is_within(element: Element, cover: Element) -> bool:
    """Return whether a band lies in a range: a baseline knows some bands beyond, but what is forbidden ends where it ends."""
    asked, found = band_range(element[-1]), band_range(cover[-1])
    return element == cover or asked is None or found is None or (found[0] <= asked[0] and asked[1] <= found[1])
