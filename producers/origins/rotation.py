"""Rotated log files: which files a log has become, in what order, and which of them is the one we were reading.

Known are the ways of logrotate (``audit.log.1``, ``audit.log-20260102``), of auditd (``audit.log.1``) and of Kubernetes
(``audit-2026-01-02T10-00-00.000.log``). Compressed files are not read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

from producers.types import Position

__all__ = ["HEAD_BYTES", "Mark", "Sibling", "after", "chain_of", "digest_of", "find", "newer"]

HEAD_BYTES: Final = 256
"""So many first bytes tell a file from another that was given the same inode later."""

_DATED: Final = r"\d{4}-?\d{2}-?\d{2}.*"
_COMPRESSED: Final = (".gz", ".xz", ".bz2", ".zst", ".lz4", ".zip", ".Z")
_NUMBERED: Final = re.compile(r"\.(\d{1,5})$")


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file that can be found again: whose inode, how many first bytes with which digest, and the offset.

    ``modified`` is the file's time (ns) when it was read: siblings changed later cannot have been read yet.
    """

    path: str
    device: int
    inode: int
    offset: int
    head_bytes: int
    head_digest: str
    modified: int

    @classmethod
    def of(cls, position: Position) -> Mark:
        """Return the mark of a position; raise ``KeyError`` if it is not of a file."""
        return cls(**{name: position[name] for name in cls.__slots__})

    def matches(self, path: Path) -> bool:
        """Return whether a file holds what was read up to the mark, whatever its inode."""
        with path.open("rb") as file:
            head = file.read(self.head_bytes)
            size = os.fstat(file.fileno()).st_size
        return size >= self.offset and len(head) == self.head_bytes and digest_of(head) == self.head_digest


@dataclass(frozen=True, slots=True)
class Sibling:
    """One file of a log as it was listed."""

    path: Path
    device: int
    inode: int
    size: int
    modified: int


def digest_of(head: bytes) -> str:
    """Return the digest of a file's first bytes."""
    return blake2b(head, digest_size=16).hexdigest()


def chain_of(path: Path) -> list[Sibling]:
    """Return the files of a log, the oldest first and the one that is written now last (if it is there)."""
    rotated = [child for child in path.parent.iterdir() if _is_rotated(child.name, path)]
    found = [sibling for child in rotated for sibling in _listed(child)]
    return [*sorted(found, key=_age), *_listed(path)]


def find(mark: Mark, chain: Sequence[Sibling]) -> Sibling | None:
    """Return the file of a mark: the same file if it still is what it was, else a copy that begins with what was read."""
    same = [sibling for sibling in chain if (sibling.device, sibling.inode) == (mark.device, mark.inode)]
    others = [sibling for sibling in chain if sibling not in same] if mark.head_bytes else []
    for sibling in (*same, *others):
        try:
            if mark.matches(sibling.path):
                return sibling
        except FileNotFoundError:
            continue
    return None


def after(mark: Mark, chain: Sequence[Sibling], live: Path) -> Sibling | None:
    """Return what to read once the marked, open file is at its end: the next file that has anything in it, or None."""
    for number, sibling in enumerate(chain):
        if (sibling.device, sibling.inode) == (mark.device, mark.inode):
            return _first_filled(chain[number + 1 :])
    return newer(mark, chain, live)


def newer(mark: Mark, chain: Sequence[Sibling], live: Path) -> Sibling | None:
    """Return what to read once the marked file is gone: the first that changed after it was read, or the live one."""
    return _first_filled([sibling for sibling in chain if sibling.modified > mark.modified or sibling.path == live])


def _first_filled(chain: Sequence[Sibling]) -> Sibling | None:
    return next((sibling for sibling in chain if sibling.size), None)


def _is_rotated(name: str, path: Path) -> bool:
    behind = re.escape(path.name) + rf"(\.\d{{1,5}}|[.-]{_DATED})"
    within = re.escape(path.stem) + "-" + _DATED + re.escape(path.suffix)
    return not name.endswith(_COMPRESSED) and re.fullmatch(f"{behind}|{within}", name) is not None


def _listed(path: Path) -> list[Sibling]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return []
    return [Sibling(path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)]


def _age(sibling: Sibling) -> tuple[int, int, str]:
    numbered = _NUMBERED.search(sibling.path.name)
    return (-int(numbered[1]) if numbered else 0, sibling.modified, sibling.path.name)
