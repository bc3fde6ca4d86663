"""Arguments of a program: EXECVE records, of which long command lines have several, and PROCTITLE."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from producers.formats.auditd.record import AuditRecord, octets

__all__ = ["arguments_of", "title_of"]

_ARGUMENT: Final = re.compile(r"a(\d{1,7})(?:\[(\d{1,7})\])?")


def arguments_of(records: Iterable[AuditRecord]) -> list[str]:
    """Return the arguments in order; one that came in parts (``a1[0]``, ``a1[1]`` …) is put together.

    Parts are joined as bytes: the kernel cuts in the middle of a character.
    """
    parts: dict[int, list[tuple[int, bytes]]] = {}
    for record in records:
        for name, value in record.fields.items():
            found = _ARGUMENT.fullmatch(name)
            if found:
                parts.setdefault(int(found[1]), []).append((int(found[2] or 0), octets(value)))
    return [_text(b"".join(octets for _, octets in sorted(parts[number]))) for number in sorted(parts)]


def title_of(record: AuditRecord | None) -> list[str]:
    """Return the command line as the process shows it (at most 128 bytes of it, and it can be changed by the process)."""
    if record is None:
        return []
    title = octets(record.fields.get("proctitle", ""))
    return [_text(part) for part in title.rstrip(b"\0").split(b"\0")] if title else []


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")
