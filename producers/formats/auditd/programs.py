"""The hash of a program that was just executed, as long as its bytes can be had.

A process that lives is asked itself: ``/proc/PID/exe`` is the very file, also when its name is gone, and the kernel lets nobody
write into a file that is being executed. For one that has ended, the path is looked up below the root of another process
of its container (or of the host). Either way the file must have the inode number that the kernel has logged; where it is found
by its path, also the device, and it must not have changed since the exec (``ctime``, which no process can set).

What is read is bounded, by file and by second: who changes large programs and runs them over and over does not hold the
collector up, but is seen without hashes.

Promised is: a hash is that of the bytes that were executed, whoever is root in the container. Not promised is that there is one,
nor anything against who is root on the host, writes below an overlay, or serves the file system (FUSE, NFS) itself.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, time_ns
from typing import Final

from producers.containers import ContainerResolver
from producers.formats.auditd.acts import Act

__all__ = ["Programs"]

_PLACE: Final = re.compile(rb" inode=(\d{1,20}) dev=([0-9a-f]{1,8}):([0-9a-f]{1,8}) .*\bnametype=NORMAL\b")
_MAX_BYTES: Final = 256 * 1024 * 1024
_MAX_HASHES: Final = 8_192
_BYTES_A_SECOND: Final = 128 * 1024 * 1024
_BYTES_AT_ONCE: Final = 2 * 1024 * 1024 * 1024
_SETTLED_NANOSECONDS: Final = 1_000_000_000
"""A file that was changed this short a time ago could be changed again without another time: it is not remembered."""

_READ: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_PASS: Final = os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW

_Version = tuple[int, int, int, int, int]
"""Device, inode, size, ``mtime`` and ``ctime``: what differs when the bytes may differ."""


class Programs:
    """Hashes executed programs, each version of a file once; ``root`` is the host's root directory."""

    def __init__(self, resolver: ContainerResolver, processes: Path = Path("/proc"), root: Path = Path("/")) -> None:
        self._resolver = resolver
        self._processes = processes
        self._root = root
        self._hashes: OrderedDict[_Version, str] = OrderedDict()
        self._allowance = _Allowance()

    def hash_of(self, act: Act, line: bytes) -> str | None:
        """Return the hash of the executed program if this PATH record is the program's; at most one record of an exec is."""
        place = _PLACE.search(line)
        if place is None or act.hashed or not (act.executes and act.succeeded):
            return None
        inode, device = int(place[1]), os.makedev(int(place[2], 16), int(place[3], 16))
        found = self._of_process(act, inode) or self._of_path(act, inode, device)
        act.hashed = found is not None
        return found

    def _of_process(self, act: Act, inode: int) -> str | None:
        try:
            with _opened(os.open(self._processes / str(act.pid) / "exe", _READ)) as file:
                return self._hash(file) if os.fstat(file).st_ino == inode else None
        except OSError:  # it has ended, or we may not look
            return None

    def _of_path(self, act: Act, inode: int, device: int) -> str | None:
        root = self._root_of(act.container)
        if root is None or not act.program or not act.program.startswith("/"):
            return None
        try:
            with _opened(_below(root, act.program)) as file:
                found = os.fstat(file)
                same = (found.st_ino, found.st_dev) == (inode, device) and found.st_ctime_ns < act.nanoseconds
                return self._hash(file) if same else None
        except (OSError, ValueError):  # its name or its container is gone, or the name is none
            return None

    def _root_of(self, container: str | None) -> Path | None:
        if container is None:
            return self._root
        member = self._resolver.member(container)
        return None if member is None else self._processes / str(member) / "root"

    def _hash(self, file: int) -> str | None:
        before = os.fstat(file)
        version = _version(before)
        known = self._hashes.get(version)
        if known is not None:
            self._hashes.move_to_end(version)
            return known
        readable = stat.S_ISREG(before.st_mode) and before.st_size <= _MAX_BYTES
        if not (readable and self._allowance.grants(before.st_size)):
            return None
        digest = _digest(file)
        if _version(os.fstat(file)) != version:
            return None
        if time_ns() - before.st_ctime_ns > _SETTLED_NANOSECONDS:
            self._remember(version, digest)
        return digest

    def _remember(self, version: _Version, digest: str) -> None:
        self._hashes[version] = digest
        if len(self._hashes) > _MAX_HASHES:
            self._hashes.popitem(last=False)


class _Allowance:
    """Grants 128 MiB a second, and 2 GiB at once: a host that starts many containers reads many programs."""

    def __init__(self) -> None:
        self._left = float(_BYTES_AT_ONCE)
        self._at = monotonic()

    def grants(self, size: int) -> bool:
        now = monotonic()
        self._left = min(_BYTES_AT_ONCE, self._left + (now - self._at) * _BYTES_A_SECOND)
        self._at = now
        granted = size <= self._left
        self._left -= size if granted else 0
        return granted


def _below(root: Path, path: str) -> int:
    """Open a file below a directory without following any link: the kernel has logged the path without links.

    A link that was put there since could lead out of the container.
    """
    *directories, name = [part for part in path.split("/") if part]
    place = os.open(root, os.O_PATH | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        for part in directories:
            inner = os.open(part, _PASS | os.O_DIRECTORY, dir_fd=place)
            os.close(place)
            place = inner
        return os.open(name, _READ | os.O_NOFOLLOW, dir_fd=place)
    finally:
        os.close(place)


@contextmanager
def _opened(file: int) -> Iterator[int]:
    try:
        yield file
    finally:
        os.close(file)


def _digest(file: int) -> str:
    with os.fdopen(file, "rb", closefd=False) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _version(found: os.stat_result) -> _Version:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
