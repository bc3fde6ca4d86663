"""Mounts of paths of the host, as the facts of a container write them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from schemas.baseline import literal
from streams.baseline.exports.settings import Settings
from streams.baseline.exports.words import PathPattern, path_of

__all__ = ["Mount", "mounts_of"]

_MOUNT: Final = re.compile(r"(?P<source>.+):(?P<target>[^:]*):(?P<mode>ro|rw)(?::(?P<propagation>[^:]+))?", re.DOTALL)
_PROPAGATIONS: Final = frozenset({"shared", "slave", "private", "rshared", "rslave", "rprivate"})
_VARIES: Final = "*"


@dataclass(frozen=True, slots=True)
class Mount:
    """A mount; ``fault`` says why no flag can make it again, empty where one can."""

    text: str
    source: str = ""
    target: str = ""
    mode: str = "ro"
    propagation: str = ""

    @property
    def fault(self) -> str:
        """Why it cannot be given to Docker."""
        if not self.target.startswith("/") or not self.source.startswith("/"):
            return "source and target are not both known"
        if _VARIES in self.source + self.target:
            return "its path is another one in each instance"
        return "" if self.propagation in {*_PROPAGATIONS, ""} else "its propagation is none that Docker knows"

    @property
    def is_writable(self) -> bool:
        """Whether files below it can be written."""
        return self.mode == "rw"

    @property
    def inside(self) -> PathPattern:
        """Its target and all below."""
        path = path_of(literal(self.target)) or PathPattern(("",))
        return PathPattern(path.segments, deep=True)

    @property
    def flag(self) -> str:
        """Return the flag that makes it, in the CSV that Docker reads."""
        fields = ["type=bind", f"source={self.source}", f"target={self.target}"]
        fields += [] if self.is_writable else ["readonly"]
        fields += [f"bind-propagation={self.propagation}"] if self.propagation else []
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(fields)
        return f"--mount={text.getvalue()}"


def mounts_of(settings: Settings) -> Iterator[Mount]:
    """Yield the mounts of a container; one that is written otherwise has only its text."""
    for text in settings.of("mounts"):
        found = _MOUNT.fullmatch(text)
        yield (
            Mount(text)
            if found is None
            else Mount(text, found["source"], found["target"], found["mode"], found["propagation"] or "")
        )
