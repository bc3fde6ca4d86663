r"""Words of elements as the exports read them: what is literal, what stands for any, and paths as patterns.

A whole word ``*`` is any one word and ``**`` as the last word any number of them; within a path ``*`` is any one segment and
``**`` at the end any number, none included. Everything else is literal, with ``\\*`` for a star and ``\\\\`` for a backslash; a
star that is only a part of a segment stands for itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from schemas.baseline import Element

__all__ = ["ANY", "REST", "PathPattern", "literal_of", "path_of", "shown", "spread"]

ANY: Final = "*"
REST: Final = "**"

_ESCAPED: Final = re.compile(r"\\([\\*])")


def literal_of(word: str) -> str:
    """Return what a literal word stands for: its escapes undone."""
    return _ESCAPED.sub(r"\1", word)


def shown(text: str) -> str:
    """Return a text on one line with everything that is no printable character escaped, for comments."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def spread(element: Element, count: int) -> tuple[str, ...]:
    """Return exactly ``count`` words: ``**`` at the end becomes as many ``*`` as are missing, else empty words do."""
    open_ended = bool(element) and element[-1] == REST
    words = element[:-1] if open_ended else element
    return (*words, *((ANY if open_ended else "",) * count))[:count]


@dataclass(frozen=True, slots=True)
class PathPattern:
    """An absolute path: its segments, of which a ``None`` is any one, and whether everything below is meant too."""

    segments: tuple[str | None, ...]
    deep: bool = False

    @property
    def is_literal(self) -> bool:
        """Whether it is one path alone."""
        return not self.deep and None not in self.segments

    @property
    def text(self) -> str:
        """Return the path in our own writing, stars unescaped, for people."""
        segments = [ANY if segment is None else segment for segment in self.segments]
        return "/" + "/".join([*segments, *([REST] if self.deep else [])])

    def covers(self, other: PathPattern) -> bool:
        """Return whether every path that ``other`` stands for is one of these."""
        fits = len(self.segments) == len(other.segments) and not other.deep
        if not fits and not (self.deep and len(self.segments) <= len(other.segments)):
            return False
        pairs = zip(self.segments, other.segments, strict=False)
        return all(own is None or own == theirs for own, theirs in pairs)

    def meets(self, directory: PathPattern) -> bool:
        """Return whether a path that it stands for can be ``directory`` or lie below it."""
        if len(self.segments) < len(directory.segments) and not self.deep:
            return False
        pairs = zip(self.segments, directory.segments, strict=False)
        return all(None in (own, theirs) or own == theirs for own, theirs in pairs)


def path_of(word: str) -> PathPattern | None:
    """Return the path that a word stands for; None for one that is not absolute, which nothing but its sensor can place."""
    if word in (ANY, REST):
        return PathPattern((), deep=True)
    if not word.startswith("/"):
        return None
    segments = word.strip("/").split("/") if word.strip("/") else []
    deep = bool(segments) and segments[-1] == REST
    kept = segments[:-1] if deep else segments
    return PathPattern(tuple(None if segment == ANY else literal_of(segment) for segment in kept), deep)
