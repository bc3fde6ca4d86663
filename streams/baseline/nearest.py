"""The known element that is most like an unknown one, for a person who reads both.

Like is what shares the first words that matter: for a program its folder, or its name in another folder; for arguments the program,
then the first arguments; for a file itself with another access, then its folder; for a connection the peer, then the port; for a
name the domain. Among the likest, the shortest way to edit one into the other decides. It is bounded: of more than a thousand
elements, those that sort nearby are looked at.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from posixpath import basename
from types import MappingProxyType
from typing import Final

from schemas.baseline import Element
from streams.baseline.bands import band_range
from streams.baseline.blocks import block_of, covering
from streams.baseline.steps import FOLDER, ROOT, steps_of

__all__ = ["nearest_of"]

_MAX_ELEMENTS: Final = 1000
_MAX_EDITED: Final = 16
_MAX_TEXT: Final = 120
_ALIKE: Final = 0.6
"""How much of two texts must be the same where nothing else is."""

_NEAR_BITS: Final = 8
"""Addresses that share fewer are not near."""

Likeness = tuple[int, ...]
"""What two elements share, the weightiest first; nothing but zeros for nothing."""


def nearest_of(dimension: str, elements: Sequence[Element], element: Element) -> Element | None:
    """Return the most alike of sorted elements; None if nothing is like it."""
    scored = [(_likeness(dimension, known, element), known) for known in _around(elements, element)]
    if not scored:
        return None
    best = max(likeness for likeness, _ in scored)
    alike = [known for likeness, known in scored if likeness == best]
    return _edited(alike, element, 0.0 if any(best) else _ALIKE)


def _around(elements: Sequence[Element], element: Element) -> Sequence[Element]:
    """Return the elements that sort nearby."""
    first = max(bisect_left(elements, element) - _MAX_ELEMENTS // 2, 0)
    return elements[first : first + _MAX_ELEMENTS]


def _edited(alike: Sequence[Element], element: Element, least: float) -> Element | None:
    """Return what takes the least editing, the first of equals."""
    text = _text(element)
    ratios = [
        (SequenceMatcher(None, text, _text(known), autojunk=False).ratio(), known) for known in _few(alike, element)
    ]
    ratio, known = max(ratios, key=lambda one: one[0])
    return known if ratio >= least else None


def _few(alike: Sequence[Element], element: Element) -> Sequence[Element]:
    first = max(bisect_left(alike, element) - _MAX_EDITED // 2, 0)
    return alike[first : first + _MAX_EDITED]


def _text(element: Element) -> str:
    return " ".join(element)[:_MAX_TEXT]


def _likeness(dimension: str, known: Element, element: Element) -> Likeness:
    return _LIKENESS.get(dimension, _of_words)(known, element)


def _leading(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many words two sequences begin with in common."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _of_words(known: Element, element: Element) -> Likeness:
    return (sum(ours == theirs for ours, theirs in zip(known, element, strict=False)),)


def _of_setting(known: Element, element: Element) -> Likeness:
    return (int(known[0] == element[0]),)


def _of_path(known: str, path: str) -> Likeness:
    """Return whether two paths are one, whether they have one name, and how many folders below the root they share."""
    shared = _leading(_folders(known), _folders(path))
    return int(known == path), int(basename(known) == basename(path) != ""), shared


def _folders(path: str) -> list[str]:
    return path.removeprefix(ROOT).split(FOLDER)[:-1]


def _of_program(known: Element, element: Element) -> Likeness:
    """Return how alike two programs are, then their arguments: first those in front, then those at the same place."""
    return *_of_path(known[0], element[0]), _leading(known[1:], element[1:]), *_of_words(known[1:], element[1:])


def _of_file(known: Element, element: Element) -> Likeness:
    same, _, shared = _of_path(known[0], element[0])
    return same, shared, int(shared > 0 and known[-1] == element[-1])


def _of_connection(known: Element, element: Element) -> Likeness:
    """Return whether the peer is the same or in the same block, then the port, then how near the addresses are."""
    ours, theirs, near = block_of(known[0]), block_of(element[0]), None
    if ours is not None and theirs is not None and ours.version == theirs.version:
        near = covering((ours, theirs))
    peer = known[0] == element[0] or (near is not None and near == ours)
    port = known[1:2] == element[1:2]
    bits = 0 if near is None else near.length
    return int(peer), int(port), bits if bits >= _NEAR_BITS else 0, int((peer or port) and known[2:] == element[2:])


def _of_name(known: Element, element: Element) -> Likeness:
    shared = _leading(steps_of("dns", known)[:-1], steps_of("dns", element)[:-1])
    return (shared if shared > 1 else 0,)


def _of_band(known: Element, element: Element) -> Likeness:
    """Return nearness of bands of one metric."""
    ours, theirs = band_range(known[-1]), band_range(element[-1])
    if known[0] != element[0]:
        return 0, 0
    if ours is None or theirs is None:
        return 1, 0
    return 1, -max(ours[0] - theirs[1], theirs[0] - ours[1], 0)


_LIKENESS: Final[Mapping[str, Callable[[Element, Element], Likeness]]] = MappingProxyType(
    {
        "exec": _of_program,
        "args": _of_program,
        "hash": _of_program,
        "file": _of_file,
        "egress": _of_connection,
        "ingress": _of_connection,
        "dns": _of_name,
        "resource": _of_band,
        "settings": _of_setting,
    }
)
