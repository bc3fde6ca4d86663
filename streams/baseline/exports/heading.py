"""The comments at the head of every export: what it was made from, what it leaves open and what it leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from schemas.baseline import Baseline, Element
from schemas.errors import ConfigurationError
from streams.baseline.exports.words import shown

__all__ = ["element_text", "heading", "left_open", "left_out", "never_notes", "required"]

_UNDECIDED: Final = "is not in the baseline (no sensor saw it, or its policy leaves it out)"


def heading(baseline: Baseline, kind: str, notes: Iterable[str]) -> str:
    """Return the comment lines at the head of an export; nothing in a name can end a comment."""
    lines = [
        f"{kind} of what Tidewaiter learned and a person or a policy approved.",
        f"Principal: {baseline.principal}",
        f"Baseline: version {baseline.version}, hash {baseline.hash}",
        *(f"Partial: {reason}; try it without enforcing first" for reason in baseline.partial),
        *notes,
    ]
    return "".join(f"# {shown(line)}\n" for line in dict.fromkeys(lines))


def left_open(baseline: Baseline, dimension: str, what: str, *, sayable: bool = True) -> list[str]:
    """Return the note that something is open since its dimension is not in the baseline; none where it is.

    Where nothing of the dimension is ``sayable``, of what nothing runs without, that leaves it open too.
    """
    if dimension not in baseline.elements:
        return [f"Open: {what}, since `{dimension}` {_UNDECIDED}."]
    return (
        []
        if sayable
        else [f"Open: {what}, since no element of `{dimension}` can be said here, and nothing runs without."]
    )


def left_out(dimension: str, element: Element, why: str) -> str:
    """Return the note that an element is not in the export, so that what it allows is blocked."""
    return f"Left out: {element_text(dimension, element)}: {why}."


def element_text(dimension: str, element: Element) -> str:
    """Return an element as comments show it."""
    return f"{dimension} {' '.join(word or chr(0x2205) for word in element)}"


def never_notes(baseline: Baseline, dimensions: Iterable[str], why: str) -> Iterator[str]:
    """Yield a note for what a person took out and this export cannot forbid by itself."""
    for dimension in dimensions:
        for element in baseline.never.get(dimension, ()):
            yield f"Never: {element_text(dimension, element)}: {why}."


def required(baseline: Baseline, dimensions: Iterable[str], kind: str, sensors: str) -> None:
    """Raise ``ConfigurationError`` if the baseline has none of the dimensions that an export is made of."""
    wanted = list(dimensions)
    if not any(dimension in baseline.elements for dimension in wanted):
        raise ConfigurationError(
            f"{shown(baseline.principal)}: {kind} is made of {' and '.join(wanted)}, and neither is in version "
            f"{baseline.version} of its baseline; collect from {sensors}, let it learn again and approve that"
        )
