"""A log file that is followed through rotation and truncation, and taken up again where it was left.

Example: ``tidewaiter collect auditd --file /var/log/audit/audit.log``. The position is the inode and the offset behind the
last complete line, with a digest of the file's first bytes, so that neither a rotated file nor another one with the same
inode or name is mistaken for it.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from producers.lines import Line, LineCutter
from producers.origins.rotation import HEAD_BYTES, Mark, Sibling, after, chain_of, digest_of, find, newer
from producers.types import Gap, Position, Record
from schemas.errors import ConfigurationError

__all__ = ["FILE_LOST", "FILE_TRUNCATED", "FileOrigin"]

FILE_LOST: Final = "the file that was being read is gone"
FILE_TRUNCATED: Final = "the file was truncated before all of it was read"

_CHUNK_BYTES: Final = 256 * 1024
_POLL_SECONDS: Final = 0.01

_log = structlog.get_logger(__name__)


class FileOrigin:
    """Lines of a file and of those it is rotated to.

    Exactly once per line that has its end, given that positions are committed: renamed files are read to their end before
    the next one, copied ones from where the truncated one was left. What is lost is a ``Gap``. A last line without an end is
    waited for; once its file is left for the next one, or at the end if the file is not followed, it is a record as it is.
    With ``follow`` false it ends at the end of the file that is there.
    """

    def __init__(self, path: Path, *, follow: bool = True, max_line_bytes: int = 1024 * 1024) -> None:
        self._path = path.absolute()
        self._follow = follow
        self._max_line_bytes = max_line_bytes
        self._file: _OpenFile | None = None
        self._ready: deque[Record | Gap] = deque()
        self._ended = False

    def open(self, position: Position | None) -> None:
        """Find the file of ``position``, also among rotated ones."""
        self._check()
        if position is None:
            self._open_live()
            return
        mark = _mark_of(position, self._path)
        while not self._resume(mark):
            _log.info("a file was renamed while it was looked for", path=str(self._path))

    def read(self, limit: int, timeout_seconds: float) -> Sequence[Record | Gap]:
        """Return lines as soon as there are any; looks for new ones a hundred times a second."""
        deadline = time.monotonic() + timeout_seconds
        while not self._ready:
            if self._ended:
                raise EOFError
            if self._advance():
                continue
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                break
            time.sleep(min(_POLL_SECONDS, remaining))
        return [self._ready.popleft() for _ in range(min(limit, len(self._ready)))]

    def acknowledge(self, position: Position) -> None:
        """Do nothing: the file keeps itself."""

    def close(self) -> None:
        """Close the file that is open."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _resume(self, mark: Mark) -> bool:
        chain = chain_of(self._path)
        found = find(mark, chain)
        if found is not None:
            return self._switch(found, mark.offset)
        following = newer(mark, chain, self._path)
        if following is not None and not self._switch(following, 0):
            return False
        self._report(FILE_LOST, mark)
        return True

    def _report(self, cause: str, mark: Mark) -> None:
        position = None if self._file is None else self._file.position()
        self._ready.append(Gap(cause, first=f"{mark.path}@{mark.offset}", position=position))

    def _check(self) -> None:
        if not self._path.parent.is_dir():
            raise ConfigurationError(f"there is no directory {self._path.parent}; check the path of --file")
        if not self._path.exists() and self._follow:
            return
        if not self._path.is_file() or not os.access(self._path, os.R_OK):
            raise ConfigurationError(
                f"{self._path} is no file that can be read; check the path of --file and its rights"
            )

    def _advance(self) -> bool:
        """Read or step on by one; return whether anything happened."""
        if self._file is None:
            return self._open_live() or self._end()
        if self._file.rewritten():
            self._after_truncation(self._file)
            return True
        return self._read_chunk(self._file) or self._leave(self._file) or self._end()

    def _read_chunk(self, file: _OpenFile) -> bool:
        records = file.read_lines()
        self._ready.extend(records or ())
        return records is not None

    def _leave(self, file: _OpenFile) -> bool:
        """Go on to the next file, if there is one with anything in it and this one is really at its end."""
        if file.is_at(self._path):
            return False
        following = after(file.mark(), chain_of(self._path), self._path)
        if following is None:
            return False
        if not self._read_chunk(file):
            self._ready.extend(file.rest())
            self._switch(following, 0)
        return True

    def _end(self) -> bool:
        if self._follow:
            return False
        if self._file is not None:
            self._ready.extend(self._file.rest())
        self._ended = True
        return True

    def _after_truncation(self, file: _OpenFile) -> None:
        mark = file.mark()
        copy = find(mark, [sibling for sibling in chain_of(self._path) if sibling.inode != mark.inode])
        if copy is None:
            lost = file.unread()
            file.restart()
            if lost:
                self._report(FILE_TRUNCATED, mark)
        else:
            self._switch(copy, mark.offset)

    def _open_live(self) -> bool:
        chain = chain_of(self._path)
        if not chain or chain[-1].path != self._path:
            return False
        return self._switch(chain[-1], 0)

    def _switch(self, sibling: Sibling | None, offset: int) -> bool:
        """Open a listed file; it may have been renamed since, then nothing changes and it is looked for again."""
        if sibling is None:
            return False
        try:
            file = _OpenFile(sibling.path, offset, self._max_line_bytes)
        except FileNotFoundError:
            return False
        if file.inode != sibling.inode:
            file.close()
            return False
        self.close()
        self._file = file
        return True


class _OpenFile:
    """One open file: where the next line starts, and how it would be found again."""

    def __init__(self, path: Path, offset: int, max_line_bytes: int) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        status = os.fstat(self._descriptor)
        self._device, self.inode = status.st_dev, status.st_ino
        self._max_line_bytes = max_line_bytes
        self._start_at(offset)

    def _start_at(self, offset: int) -> None:
        self._cutter = LineCutter(self._max_line_bytes)
        self._offset = offset
        self._line = 0 if offset == 0 else None
        self._head = os.pread(self._descriptor, min(HEAD_BYTES, offset), 0)
        self._digest = digest_of(self._head)
        self._seen = os.fstat(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)

    def restart(self) -> None:
        """Read from the beginning: it holds something else now."""
        self._start_at(0)

    def is_at(self, path: Path) -> bool:
        """Return whether this is the file that a path leads to now."""
        try:
            status = path.stat()
        except FileNotFoundError:
            return False
        return (status.st_dev, status.st_ino) == (self._device, self.inode)

    def rewritten(self) -> bool:
        """Return whether what was read is no longer what the file begins with."""
        status = os.fstat(self._descriptor)
        head = os.pread(self._descriptor, len(self._head), 0)
        if status.st_size < self._offset + self._cutter.waiting or head != self._head:
            return True
        self._seen = status
        return False

    def unread(self) -> bool:
        """Return whether there was more, when it was last looked at, than complete lines that were read."""
        return max(self._seen.st_size - self._offset, self._cutter.waiting) > 0

    def read_lines(self) -> list[Record] | None:
        """Return the lines that the next chunk completes, or None at the end of the file."""
        chunk = os.pread(self._descriptor, _CHUNK_BYTES, self._offset + self._cutter.waiting)
        if not chunk:
            return None
        lines = self._cutter.feed(chunk)
        self._learn_head()
        base = self.position()
        return [self._record(line, base) for line in lines]

    def rest(self) -> list[Record]:
        """Return the last line, if it has no end."""
        line = self._cutter.rest()
        return [] if line is None else [self._record(line, self.position())]

    def mark(self) -> Mark:
        """Return the place behind the last line that was read."""
        return Mark.of(self.position())

    def position(self) -> Position:
        return {
            "path": str(self._path),
            "device": self._device,
            "inode": self.inode,
            "offset": self._offset,
            "head_bytes": len(self._head),
            "head_digest": self._digest,
            "modified": self._seen.st_mtime_ns,
        }

    def _learn_head(self) -> None:
        if len(self._head) < HEAD_BYTES:
            self._head = os.pread(self._descriptor, HEAD_BYTES, 0)
            self._digest = digest_of(self._head)

    def _record(self, line: Line, base: Position) -> Record:
        place = f"{self._path}@{self._offset}"
        self._offset += line.length
        if self._line is None:
            return Record(line.data, place, base | {"offset": self._offset})
        self._line += 1
        return Record(line.data, f"{self._path}:{self._line}", base | {"offset": self._offset}, self._line)


def _mark_of(position: Position, path: Path) -> Mark:
    try:
        return Mark.of(position)
    except KeyError as error:
        raise ConfigurationError(
            f"this collector id was used for another source than {path}; give each source its own collector id"
        ) from error
