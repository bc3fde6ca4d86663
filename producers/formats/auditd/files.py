"""Which file an event is about: PATH and CWD records, and the flags of open."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from producers.formats.auditd.record import AuditRecord, plain, untrusted

__all__ = ["NamedPath", "absolute", "access_of", "open_flags", "paths_of", "pick"]

_AT_FDCWD: Final = 0xFFFFFF9C
_LOW: Final = 0xFFFFFFFF
_ACCESS_MODE: Final = 0o3
_WRITE_ONLY: Final = 0o1
_READ_WRITE: Final = 0o2
_CREATE: Final = 0o100
_TRUNCATE: Final = 0o1000
_PATH_ONLY: Final = 0o10000000

_FLAGS_ARGUMENT: Final = {"open": "a1", "openat": "a2", "open_by_handle_at": "a2"}
_DIRECTORY_ARGUMENTS: Final = {
    **dict.fromkeys(("openat", "openat2", "unlinkat", "mkdirat", "mknodat", "execveat"), ("a0",)),
    **dict.fromkeys(("fchmodat", "fchmodat2", "fchownat", "utimensat", "futimesat"), ("a0",)),
    **dict.fromkeys(("renameat", "renameat2", "linkat"), ("a0", "a2")),
    "symlinkat": ("a1",),
}


@dataclass(frozen=True, slots=True)
class NamedPath:
    """A name that a process gave, made absolute where that can be known, and the kernel's word for its part in it."""

    path: str
    kind: str


def paths_of(
    records: Iterable[AuditRecord], directory: str | None, call: str, arguments: Mapping[str, str]
) -> list[NamedPath]:
    """Return the named paths of PATH records in the order of their items.

    A name that is relative to an open directory (``openat`` with a file descriptor) stays relative: the log does not say
    which directory that is.
    """
    opened = [
        name for name in _DIRECTORY_ARGUMENTS.get(call, ()) if _number(arguments.get(name, "")) & _LOW != _AT_FDCWD
    ]
    base = None if opened else directory
    named = []
    for record in sorted(records, key=lambda record: _number(record.fields.get("item", "0"), 10)):
        name = untrusted(record.fields.get("name"))
        if name is not None:  # overlay's own look-ups have no name
            named.append(NamedPath(absolute(name, base), plain(record.fields.get("nametype")) or "NORMAL"))
    return named


def absolute(name: str, directory: str | None) -> str:
    """Return a path made absolute and without ``.``, ``..`` and doubled slashes, as far as the directory is known."""
    joined = posixpath.join(directory, name) if directory else name
    normal = posixpath.normpath(joined)
    return f"/{normal.lstrip('/')}" if normal.startswith("/") else normal


def pick(paths: Sequence[NamedPath], *kinds: str) -> str | None:
    """Return the first path of the first of ``kinds`` that occurs, else the first that is not a parent directory."""
    for kind in kinds:
        for named in paths:
            if named.kind == kind:
                return named.path
    return next((named.path for named in paths if named.kind != "PARENT"), paths[0].path if paths else None)


def open_flags(call: str, arguments: Mapping[str, str], how: AuditRecord | None) -> int | None:
    """Return the flags of an open, or None where the log does not say (``openat2`` before Linux 5.16)."""
    if call == "creat":
        return _WRITE_ONLY | _CREATE | _TRUNCATE
    if how is not None and "oflag" in how.fields:
        return _number(how.fields["oflag"], 8)
    name = _FLAGS_ARGUMENT.get(call)
    return _number(arguments[name]) if name is not None and name in arguments else None


def access_of(flags: int | None, paths: Sequence[NamedPath]) -> list[str]:
    """Return how a file is opened, in the words of ``file.access``."""
    created = any(named.kind == "CREATE" for named in paths)
    if flags is None:
        return ["create", "write"] if created else []
    if flags & _PATH_ONLY:
        return []
    mode = flags & _ACCESS_MODE
    writes = mode in (_WRITE_ONLY, _READ_WRITE) or bool(flags & _TRUNCATE)
    words = {"create": created, "read": mode != _WRITE_ONLY, "write": writes}
    return [word for word, holds in words.items() if holds]


def _number(text: str, base: int = 16) -> int:
    try:
        return int(text[:20], base)
    except ValueError:
        return 0
