"""Marks: what a live collector knows of a record, written at the end of its line, so that a recording parses the same.

`` container=<64 hex digits>`` on any record, `` sha256=<64 hex digits>`` on a PATH record of an exec, ``peer=NAMESPACE/NAME``
(percent-encoded) on a SOCKADDR record. Nothing that a process chose stands at the end of a line, and none of its strings has
a space in it as it is: the kernel writes them in quotes or in hexadecimal, and auditd its own words between braces.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, unquote

__all__ = ["CONTAINER", "PEER", "SHA256", "cut_marks", "has_mark", "peer_mark", "peer_of_mark", "with_mark"]

CONTAINER: Final = "container"
SHA256: Final = "sha256"
PEER: Final = "peer"

_MARK: Final = re.compile(r" (?:(container|sha256)=([0-9a-f]{64})|(peer)=([\w.~%-]*/[\w.~%-]+))\Z", re.ASCII)
_RECORDS: Final = MappingProxyType({SHA256: "PATH", PEER: "SOCKADDR"})
"""The only record that may carry a mark; a container's may stand on all."""

_MAX_PEER: Final = 1_024


def with_mark(line: bytes, name: str, value: str) -> bytes:
    """Return the line with a mark more."""
    return b"%b %b=%b" % (line, name.encode(), value.encode())


def has_mark(line: bytes, type_: str, name: str) -> bool:
    """Return whether a line of a record of that type is marked already."""
    return name in cut_marks(line.decode("utf-8", "backslashreplace"), type_)[1]


def cut_marks(text: str, type_: str) -> tuple[str, dict[str, str]]:
    """Return the text without the marks at its end, and their values by name; each name counts once."""
    marks: dict[str, str] = {}
    while found := _MARK.search(text):
        name, value = found[1] or found[3], found[2] or found[4]
        if name in marks or _RECORDS.get(name, type_) != type_:
            break
        marks[name] = value
        text = text[: found.start()]
    return text, marks


def peer_mark(namespace: str, name: str) -> str | None:
    """Return the value of a peer's mark; None for names that are too long for one."""
    value = f"{quote(namespace, safe='')}/{quote(name, safe='')}"
    return value if name and len(value) <= _MAX_PEER else None


def peer_of_mark(value: str, cluster: str) -> str:
    """Return the workload that a peer's mark names, with the cluster that its reader knows."""
    return "/".join([cluster, *map(unquote, value.split("/", 1))])
