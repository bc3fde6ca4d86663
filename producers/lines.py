"""Lines of a stream of bytes, with bounded memory however long a line is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Line", "LineCutter"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end; ``length`` is what it takes in the source, its end and what was cut off included."""

    data: bytes
    length: int


class LineCutter:
    """Cuts chunks into lines; of a line longer than ``limit`` one byte more than that is kept, so that it shows."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = b""
        self._length = 0

    @property
    def waiting(self) -> int:
        """How many bytes of a line without an end are waiting for the rest."""
        return self._length

    def feed(self, chunk: bytes) -> list[Line]:
        """Return the lines that ``chunk`` completes."""
        *ended, rest = chunk.split(b"\n")
        lines = [self._end(piece) for piece in ended]
        self._keep(rest)
        return lines

    def rest(self) -> Line | None:
        """Return what waits as a line without an end, and forget it; None if nothing waits."""
        if not self._length:
            return None
        line = Line(self._kept, self._length)
        self._kept, self._length = b"", 0
        return line

    def _end(self, piece: bytes) -> Line:
        self._keep(piece)
        line = Line(self._kept.removesuffix(b"\r"), self._length + 1)
        self._kept, self._length = b"", 0
        return line

    def _keep(self, piece: bytes) -> None:
        room = self._limit + 1 - len(self._kept)
        self._kept = self._kept + piece[:room] if self._kept else piece[:room]
        self._length += len(piece)
