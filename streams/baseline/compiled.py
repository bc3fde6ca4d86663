"""A baseline asked about records: what covers them, or what is new in them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.baseline import Baseline, Element
from schemas.verdict import Learned
from streams.baseline.elements import elements_of
from streams.baseline.forbidden import Forbidden
from streams.baseline.known import Known
from streams.baseline.learned import is_known, release_of
from streams.baseline.phrases import deviation, knows, shown

__all__ = ["CompiledBaseline", "Opinion", "text_of"]

_SHORT: Final = 300


def text_of(element: Element) -> str:
    """Return an element as one line: its words, quoted where they need it."""
    return shown(shlex.join(element), _SHORT)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a baseline says of a record: that it is known, or not, with a reason a person can read."""

    known: bool
    reason: str
    learned: Learned


@dataclass(frozen=True, slots=True)
class CompiledBaseline:
    """An active baseline, compiled when its principal is first judged."""

    baseline: Baseline
    hash: str
    known: Mapping[str, Known]
    forbidden: Forbidden

    @classmethod
    def of(cls, baseline: Baseline) -> CompiledBaseline:
        known = {name: Known.of(name, elements) for name, elements in baseline.elements.items()}
        return cls(baseline, baseline.hash, known, Forbidden.of(baseline.never))

    def is_beyond(self, dimension: str, element: Element) -> bool:
        """Return whether an element is neither known nor taken out for good, in a dimension that is decided on."""
        if dimension not in self.known or is_known(self.known, dimension, element):
            return False
        return not self.forbidden.holds(dimension, element)

    def knows(self, elements: Iterable[tuple[str, Element]]) -> bool:
        """Return whether these are known, as far as their dimensions are decided on, and one of them is."""
        asked = [(name, element) for name, element in elements if name in self.known]
        return bool(asked) and all(
            is_known(self.known, name, element) and not self.forbidden.holds(name, element) for name, element in asked
        )

    def ask(self, record: Mapping[str, Any]) -> Opinion | None:
        """Return what this baseline says of a record, or None if it decides on none of its dimensions."""
        asked = [
            (name, element)
            for name, elements in elements_of(record).items()
            if name in self.known
            for element in elements
        ]
        for name, element in asked:
            if self.forbidden.holds(name, element) or not is_known(self.known, name, element):
                return self._deviation(name, element, release_of(record))
        return self._covered(*asked[0]) if asked else None

    def _covered(self, dimension: str, element: Element) -> Opinion:
        cover = self.known[dimension].find(element) or element
        learned = Learned(self.baseline.version, self.hash, dimension, text_of(cover))
        return Opinion(known=True, reason=knows(self.baseline, dimension, cover), learned=learned)

    def _deviation(self, dimension: str, element: Element, release: str) -> Opinion:
        forbidden = self.forbidden.holds(dimension, element)
        nearest = None if forbidden else self.known[dimension].nearest(element)
        new = release if release and release not in self.baseline.releases else ""
        reason = deviation(self.baseline, dimension, element, nearest, forbidden=forbidden, release=new)
        learned = Learned(
            self.baseline.version, self.hash, dimension, text_of(element), text_of(nearest) if nearest else "", new
        )
        return Opinion(known=False, reason=reason, learned=learned)
