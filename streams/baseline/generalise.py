"""From what was seen to what a baseline holds: names that are too many become patterns.

For every dimension, with ``generalise(x)`` for the elements that come out:

- ``generalise(generalise(x))`` is ``generalise(x)``, and neither order nor repeats matter.
- ``generalise(generalise(a) | b)`` is ``generalise(a | b)``, so learning may generalise whenever it likes. The one exception is
  ``egress`` where ports become ranges (see ``peers``): there the whole may cover more than the parts.
- Every element of ``x`` is covered, and what ``generalise(a)`` covers, ``generalise(a | b)`` covers.

Thresholds are in ``limits`` and ``peers``. ``hash``, ``settings``, ``image`` and ``secret`` stay literal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schemas.baseline import Element
from streams.baseline.bands import band_range, band_word
from streams.baseline.limits import rules_of
from streams.baseline.peers import PeerLimits, generalised_peers
from streams.baseline.steps import element_of, steps_of
from streams.baseline.trie import Rules, grown, sequences, settle

__all__ = ["by_rules", "generalise"]


def generalise(
    dimension: str, elements: Iterable[Element], protected: frozenset[str] = frozenset()
) -> tuple[Element, ...]:
    """Return the elements of a baseline that cover what was seen, sorted; some of it may be generalised already.

    ``protected`` holds absolute paths that a rule or policy looks at. They, what leads to them and what is below them stay literal
    up to 500 names in a folder.
    """
    if dimension == "egress":
        return tuple(sorted(generalised_peers(elements, PeerLimits())))
    if dimension == "ingress":
        return tuple(sorted(generalised_peers(elements, PeerLimits(ports=None))))
    if dimension == "resource":
        return tuple(sorted(_ranges(elements)))
    rules = rules_of(dimension, protected)
    return tuple(sorted(set(elements))) if rules is None else by_rules(dimension, elements, rules)


def by_rules(dimension: str, elements: Iterable[Element], rules: Rules) -> tuple[Element, ...]:
    """Return the elements of a dimension whose elements are steps of a trie, generalised by rules."""
    root = grown(steps_of(dimension, element) for element in elements)
    settle(root, rules)
    return tuple(sorted(element_of(dimension, steps) for steps in sequences(root)))


def _ranges(elements: Iterable[Element]) -> Iterator[Element]:
    """Yield one range for each metric, and what is no band as it is."""
    bands: dict[str, list[int]] = {}
    others: set[Element] = set()
    for element in elements:
        found = band_range(element[-1])
        if found is None:
            others.add(element)
        else:
            bands.setdefault(element[0], []).extend(found)
    yield from others
    yield from ((metric, band_word(min(listed), max(listed))) for metric, listed in bands.items())
