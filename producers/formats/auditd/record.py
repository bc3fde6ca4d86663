"""One line of auditd: its header, its fields and its enrichment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from producers.formats.auditd.marks import cut_marks
from producers.types import Record
from schemas.errors import Invalid

__all__ = ["AuditRecord", "Key", "integer", "octets", "parse_record", "plain", "untrusted"]

Key = tuple[str, str, str]
"""Node, time and serial number: what the records of one event share. Serial numbers begin anew at boot."""

_HEADER: Final = re.compile(
    r"(?:node=(\S+) )?type=([A-Z][A-Z0-9_]*(?:\[\d{1,6}\])?) msg=audit\((\d{1,11})\.(\d{1,9}):(\d{1,18})\): ?"
)
_PAIR: Final = re.compile(r"([A-Za-z_][\w-]*(?:\[\d+\])?)=(\"[^\"]*\"|\{[^}]*\}|\S*)")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_ABSENT: Final = frozenset({"", "(null)", "(none)", "?"})
_TIME_END: Final = 2**63
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A record; ``said`` are the fields that a program in user space wrote, ``names`` the enrichment of auditd.

    ``marks`` is what a live collector wrote behind the line.
    """

    key: Key
    type: str
    nanoseconds: int
    body: str
    fields: dict[str, str]
    said: dict[str, str]
    names: dict[str, str]
    marks: dict[str, str]
    source: Record

    @property
    def node(self) -> str:
        return self.key[0]

    @property
    def serial(self) -> int:
        return int(self.key[2])


def parse_record(record: Record) -> AuditRecord:
    """Return the record of a line; raise ``Invalid`` if it has no header as auditd writes it."""
    line = record.data.decode("utf-8", "backslashreplace").strip()
    header = _HEADER.match(line)
    if header is None:
        raise Invalid(f"not an audit record: no type=… msg=audit(time:serial): at the start of {line[:80]!r}")
    node, type_, seconds, fraction, serial = header.groups()
    nanoseconds = int(seconds) * 1_000_000_000 + int(fraction.ljust(9, "0"))
    if nanoseconds >= _TIME_END:
        raise Invalid(f"time out of range: {seconds}")
    rest, marks = cut_marks(line[header.end() :], type_)
    body, _, enrichment = rest.partition("\x1d")
    # What stands in msg='…' comes from user space: only the fields before it are the kernel's word.
    kernel, _, said = body.partition(" msg='")
    return AuditRecord(
        key=(node or "", f"{seconds}.{fraction}", serial),
        type=type_,
        nanoseconds=nanoseconds,
        body=body,
        fields=_pairs(kernel),
        said=_pairs(said.rstrip("'")),
        names=_pairs(enrichment),
        marks=marks,
        source=record,
    )


def plain(value: str | None) -> str | None:
    """Return a value that the kernel or a trusted program wrote, without quotes; None where it says nothing."""
    if value is None or value in _ABSENT:
        return None
    return value.strip('"').rstrip(",)") or None


def untrusted(value: str | None) -> str | None:
    """Return a string that a process chose: in quotes as it is, without quotes in hexadecimal."""
    if value is None or value in _ABSENT:
        return None
    if value[0] == '"':
        return value.strip('"') or None
    return octets(value).decode("utf-8", "backslashreplace")


def octets(value: str) -> bytes:
    """Return the bytes that a value stands for; one that is neither in quotes nor hexadecimal stands for itself."""
    if value[:1] != '"' and _HEX.fullmatch(value):
        return bytes.fromhex(value)
    return value.strip('"').encode()


def integer(value: str | None) -> int | None:
    """Return a decimal number of at most 18 digits, or None."""
    return int(value) if value is not None and _INTEGER.fullmatch(value) else None


def _pairs(text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for name, value in _PAIR.findall(text):
        pairs.setdefault(name, value)  # the first wins: what is appended cannot replace it
    return pairs
