"""Lines of auditd, as they were recorded from real containers, shortened by what nobody reads."""

from __future__ import annotations

import json
from typing import Any

from producers.formats.auditd import AuditdFormat
from producers.normalise import Normaliser, Tally, records_of
from producers.types import FormatOptions
from schemas.codec import Event
from schemas.errors import Invalid
from tests.producers.formats.reading import events_of

OPTIONS = FormatOptions(cluster="prod", host="node-1")
CONTAINER = "ddb0d06fda58b1e6f23ae035cdff725fb3b9ee1cc688a8a96b706e5589a28f83"
NAMES = '\x1dARCH=x86_64 SYSCALL=execve AUID="unknown(4242)" UID="root"'


def stamp(serial: int = 7, second: int = 1_714_000_000, node: str = "") -> tuple[str, str]:
    return f"node={node} " if node else "", f"msg=audit({second}.123:{serial}):"


def line(type_: str, body: str, serial: int = 7, second: int = 1_714_000_000, node: str = "") -> bytes:
    prefix, message = stamp(serial, second, node)
    return f"{prefix}type={type_} {message} {body}".encode()


_SYSCALL = (
    "arch=c000003e syscall=59 success=yes exit=0 a0=ffffff9c a1=7f00 a2=0 a3=0 items=1 ppid=6 pid=7 auid=1000 "
    'uid=33 gid=33 euid=0 tty=(none) ses=3 comm="sh" exe="/usr/bin/dash"'
)


def syscall(number: int, changes: dict[str, Any] | None = None, *, tail: str = "", **place: Any) -> bytes:
    fields = dict(pair.split("=", 1) for pair in _SYSCALL.split()) | {"syscall": number} | (changes or {})
    return line("SYSCALL", " ".join(f"{name}={value}" for name, value in fields.items()) + tail, **place)


def path(name: str, kind: str = "NORMAL", item: int = 0, **place: Any) -> bytes:
    shown = name if name.startswith("(") else json.dumps(name) if name.isprintable() else name.encode().hex().upper()
    return line("PATH", f"item={item} name={shown} inode=7 dev=00:28 mode=0100644 nametype={kind}", **place)


def title(**place: Any) -> bytes:
    return line("PROCTITLE", "proctitle=7368002D63006964", **place)


def read(*lines: bytes) -> list[Event]:
    return events_of(AuditdFormat(OPTIONS), *lines)


def one(*lines: bytes) -> Event:
    (event,) = read(*lines)
    return event


def tallied(*lines: bytes) -> tuple[list[Event | Invalid], Tally]:
    normaliser = Normaliser(AuditdFormat(OPTIONS))
    results = [result for _, result in normaliser.run(records_of(lines, "test"))]
    return results, normaliser.tally
