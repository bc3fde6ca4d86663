"""The outline of a record that may hold secrets: its structure and known words, so that a dead letter tells no value.

Input, cut off by someone on its way, and what is kept of it with the words of an audit log::

    {"kind": "Event", "verb": "create", "requestObject": {"data": {"password": "aHVudGVyMg==
    {"kind":"Event","verb":"create","requestObject":{"?":{"?":"?"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["Outline"]

_TOKEN: Final = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)(?:"|\\?\Z)|[{}\[\]:,]', re.DOTALL)
"""A string, also one whose end is missing, or a sign of JSON; whatever stands elsewhere is not kept."""

_KEY_FOLLOWS: Final = re.compile(rb"\s*:")
_IDENTIFIER: Final = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]{8,18}Z")
"""A UUID or a time."""

_UNKNOWN: Final = b"?"
_MAX_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Outline:
    """What may be kept of a record that could not be read: strings that are ``words``, and the values of ``ids`` by shape.

    It holds for any bytes: a record that is cut, turned around or no JSON at all. Keys are kept only if they are words.
    """

    words: frozenset[bytes]
    ids: frozenset[bytes] = frozenset()

    def of(self, data: bytes) -> bytes:
        """Return the outline of ``data``, at most 64 KiB of it; takes one pass."""
        return b"".join(self._parts(data))[:_MAX_BYTES]

    def _parts(self, data: bytes) -> Iterator[bytes]:
        key = b""
        for token in _TOKEN.finditer(data):
            text = token[1]
            if text is None:
                yield token[0]
                continue
            is_id = key in self.ids and _IDENTIFIER.fullmatch(text)
            yield b'"%s"' % (text if text in self.words or is_id else _UNKNOWN)
            key = text if _KEY_FOLLOWS.match(data, token.end()) else key
