"""Files and programs of a baseline as profiles say them: by path, with reading and writing.

An access whose kind no sensor told, or that no profile knows by itself, is both. A program by another name is the same program to
a profile. A path that is not absolute, and a program run from memory, have no place in a profile; notes say which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.baseline import Baseline, Element
from streams.baseline.exports.heading import left_out
from streams.baseline.exports.words import PathPattern, path_of, spread

__all__ = ["FILE_NOTE", "READ", "WRITE", "Paths", "files_of", "forbidden_files", "forbidden_programs", "programs_of"]

FILE_NOTE: Final = "Note: `file` holds what its sensors watch; where they watch some paths alone, all others are blocked. Try it without enforcing first."
READ: Final = "r"
WRITE: Final = "w"

_KINDS: Final[Mapping[str, str]] = {
    "read": READ,
    "write": WRITE,
    "create": WRITE,
    "delete": WRITE,
    "rename": WRITE,
    "attributes": WRITE,
}
_MEMORY: Final = "memfd:"


@dataclass(frozen=True, slots=True)
class Paths:
    """Paths in order, each with what is done to it (of ``rw``; programs have nothing), and notes on what is left out."""

    kinds: Mapping[PathPattern, str]
    notes: tuple[str, ...]


def files_of(elements: Iterable[Element]) -> Paths:
    """Return the paths of ``file`` with how they are opened."""
    return _collected("file", elements, lambda access: _KINDS.get(access, READ + WRITE))


def programs_of(elements: Iterable[Element]) -> Paths:
    """Return the paths of ``exec``."""
    return _collected("exec", elements, lambda _: "")


def forbidden_files(baseline: Baseline) -> Paths:
    """Return what was taken out of ``file`` and can be forbidden without forbidding what the same path may be used for."""
    return _forbidden(baseline, "file", files_of)


def forbidden_programs(baseline: Baseline) -> Paths:
    """Return what was taken out of ``exec`` and can be forbidden without forbidding the same program by another name."""
    return _forbidden(baseline, "exec", programs_of)


def _forbidden(baseline: Baseline, dimension: str, read: Callable[[Iterable[Element]], Paths]) -> Paths:
    allowed, never = read(baseline.elements.get(dimension, ())), read(baseline.never.get(dimension, ()))
    clashes = [path for path, kind in never.kinds.items() if _clash(kind, allowed.kinds.get(path))]
    notes = [
        f"Never: {dimension} {path.text}: is not forbidden, since the path is allowed otherwise." for path in clashes
    ]
    kinds = {path: kind for path, kind in never.kinds.items() if path not in clashes}
    return Paths(kinds, tuple(notes))


def _clash(kind: str, allowed: str | None) -> bool:
    return allowed is not None and (not kind or not set(kind).isdisjoint(allowed))


def _collected(dimension: str, elements: Iterable[Element], kind_of: Callable[[str], str]) -> Paths:
    kinds: dict[PathPattern, str] = {}
    notes: list[str] = []
    for element in elements:
        word, access = spread(element, 2)
        path = path_of(word)
        fault = "its path is not absolute" if path is None else _fault(path)
        if path is None or fault:
            notes.append(left_out(dimension, element, fault))
        else:
            kinds[path] = "".join(sorted({*kinds.get(path, ""), *kind_of(access)}))
    return Paths(dict(sorted(kinds.items(), key=lambda item: (item[0].text, item[0].is_literal))), tuple(notes))


def _fault(path: PathPattern) -> str:
    first = path.segments[0] if path.segments else None
    if first is not None and first.startswith(_MEMORY):
        return "it is in memory, where a profile has no path for it"
    return "its path has a zero byte" if "\0" in path.text else ""
