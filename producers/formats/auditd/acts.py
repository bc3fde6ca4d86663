"""System calls whose records are being read, live: a line of an event says only a part of it."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from producers.formats.auditd.record import untrusted
from producers.formats.auditd.syscalls import Kind, call_of, name_of

__all__ = ["PARTS", "Act", "Acts"]

_PID: Final = re.compile(rb"[ :]pid=(\d{1,10})\b")
_PARENT: Final = re.compile(rb"[ :]ppid=(\d{1,10})\b")
_CALL: Final = re.compile(rb" arch=([0-9a-f]{1,16}) (?:per=\S{1,16} )?syscall=(\d{1,10}) .*?a0=([0-9a-f]{1,16}) ")
_PROGRAM: Final = re.compile(rb" exe=(\"[^\"]*\"|[0-9A-F]+)")
_TIME: Final = re.compile(rb"\((\d{1,11})\.(\d{3}):")
PARTS: Final = frozenset({b"CWD", b"EOE", b"EXECVE", b"PATH", b"PROCTITLE", b"SOCKADDR"})
"""Records that name no process; what stands in them may be chosen by one."""

_SUCCESS: Final = b" success=yes "
_MAX_EVENTS: Final = 1_024
_MILLISECOND: Final = 1_000_000


@dataclass(slots=True)
class Act:
    """A system call (or another deed of a process): who made it, when, and what is known of it by now.

    ``nanoseconds`` is 0 where the line does not tell; ``lives`` says that the process is the host's for certain.
    """

    pid: int
    parent: int | None
    kind: Kind
    program: str | None
    nanoseconds: int
    succeeded: bool
    container: str | None = None
    lives: bool = False
    executes: bool = False
    hashed: bool = False


class Acts:
    """The last 1,024 events, by ``msg=audit(…)``."""

    def __init__(self) -> None:
        self._acts: OrderedDict[bytes, Act] = OrderedDict()

    def of(self, type_: bytes, event: bytes, line: bytes) -> Act | None:
        """Return the act that a line belongs to; None if no line of it has named its process."""
        act = self._acts.get(event)
        if type_ not in PARTS:
            return act if act is not None and type_ != b"SYSCALL" else self._begun(event, line)
        if type_ == b"EXECVE" and act is not None:
            act.executes = True
        return act

    def _begun(self, event: bytes, line: bytes) -> Act | None:
        pid, parent = _PID.search(line), _PARENT.search(line)
        if pid is None:
            return None
        act = Act(
            pid=int(pid[1]),
            parent=int(parent[1]) if parent else None,
            kind=_kind(line),
            program=_program(line),
            nanoseconds=_nanoseconds(event),
            succeeded=_SUCCESS in line,
        )
        self._acts[event] = act
        if len(self._acts) > _MAX_EVENTS:
            self._acts.popitem(last=False)
        return act


def _kind(line: bytes) -> Kind:
    found = _CALL.search(line)
    name = name_of(*(part.decode() for part in found.groups())) if found else None
    return call_of(name).kind if name else "other"


def _program(line: bytes) -> str | None:
    found = _PROGRAM.search(line)
    return untrusted(found[1].decode("utf-8", "surrogateescape")) if found else None


def _nanoseconds(event: bytes) -> int:
    found = _TIME.search(event)
    return (int(found[1]) * 1_000 + int(found[2])) * _MILLISECOND if found else 0
