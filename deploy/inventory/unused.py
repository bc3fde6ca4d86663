"""Executables in images that were never seen to run, so that they can be removed (row S3).

What is in an image is known from scanners that list its files (``trivy image --list-all-pkgs`` does for packages); what of it runs, from sensors that
report programs. A program counts as run under the path that the kernel names and under the one it was called by: with ``/bin/sh`` a
link to ``/bin/busybox``, both are used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from deploy.inventory.estate import NOT_OBSERVABLE, Estate
from deploy.inventory.images import Image, images_of

__all__ = ["Unused", "unused_of"]

_EXECUTABLES: Final = "container.image.executables"


@dataclass(frozen=True, slots=True)
class Unused:
    """Of one image that ran: its executables that never did, between the first and the last program that was seen in it.

    ``why`` says what is missing where they are not observable, or only in part.
    """

    image: str
    names: tuple[str, ...]
    executables: int | str
    unused: tuple[str, ...] | str
    run: tuple[str, ...] | str
    programs: int
    since: str
    until: str
    why: str


@dataclass(slots=True)
class _Seen:
    """Programs that were seen in containers of one image."""

    paths: set[str] = field(default_factory=set)
    programs: int = 0
    first: str = ""
    last: str = ""
    others: bool = False


def unused_of(estate: Estate) -> list[Unused]:
    """Return what is known of the programs of each image that ran, those with the most unused ones first."""
    seen = _seen(estate)
    ran = [one for one in images_of(estate) if one.first or one.running]
    rows = [_row(one, seen.get(one.image), estate.catalog.facts_of(one.image)) for one in ran]
    return sorted(
        rows, key=lambda row: (-len(row.unused) if isinstance(row.unused, tuple) else 1, row.names, row.image)
    )


def _seen(estate: Estate) -> dict[str, _Seen]:
    found: dict[str, _Seen] = {}
    for one in estate.executions():
        image = estate.catalog.image_of(one.known)
        if not image or not (one.executable or one.others):
            continue
        seen = found.setdefault(image, _Seen())
        seen.others |= bool(one.others)
        seen.programs += one.times
        seen.paths.update(path for path in (one.executable, one.called) if path and path.startswith("/"))
        seen.first, seen.last = min(seen.first or one.first, one.first), max(seen.last, one.last)
    return found


def _row(image: Image, seen: _Seen | None, facts: dict[str, object]) -> Unused:
    listed = facts.get(_EXECUTABLES)
    known = frozenset(listed) if isinstance(listed, list) else frozenset()
    why = ", ".join(_lacking(seen, known, facts))
    observable = bool(seen and known)
    paths = seen.paths if seen else set()
    return Unused(
        image=image.image,
        names=image.names,
        executables=len(known) if known else NOT_OBSERVABLE,
        unused=tuple(sorted(known - paths)) if observable else NOT_OBSERVABLE,
        run=tuple(sorted(paths)) if seen else NOT_OBSERVABLE,
        programs=seen.programs if seen else 0,
        since=seen.first if seen else "",
        until=seen.last if seen else "",
        why=why,
    )


def _lacking(seen: _Seen | None, known: frozenset[object], facts: dict[str, object]) -> list[str]:
    left_out = facts.get("container.image.scan.left_out")
    cut = isinstance(left_out, list) and any(str(text).startswith("executables ") for text in left_out)
    found = {
        "no scanner has listed its executables": not known,
        "no sensor has reported programs of it": seen is None,
        "some programs were too many to be told apart": seen is not None and seen.others,
        "the scanner's list was too long to be kept whole": cut,
    }
    return [text for text, holds in found.items() if holds]
