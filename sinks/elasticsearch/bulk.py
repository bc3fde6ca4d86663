"""The body of a bulk request: each record's bytes as they are, below a line with its id."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas.errors import Invalid
from sinks.types import Record

__all__ = ["Document", "document_of", "encode_bulk"]

_ID: Final = re.compile(rb'\{"event\.id":"([!#-\[\]-~]{1,512})"[,}]')
"""Printable ASCII without quote and backslash: what else would have to be escaped, and break the whole request if it is not.
512 bytes are Elasticsearch's limit of an id."""


@dataclass(frozen=True, slots=True)
class Document:
    """A record that can go out: its number in the batch, its id, its bytes."""

    number: int
    id: str
    record: Record

    @property
    def size(self) -> int:
        """Return about how many bytes it adds to a request."""
        return len(self.record.value) + len(self.id) + 24


def document_of(number: int, record: Record) -> Document:
    """Return the document of a record, whose id is read from its first bytes, where the wire order has it.

    Raises ``Invalid`` for a record that does not begin with its id, and for one with a newline in it, which would end the
    document and begin whatever its writer wanted.
    """
    found = _ID.match(record.value)
    if found is None:
        raise Invalid('does not begin with {"event.id":"…" of printable ASCII')
    newline = record.value.find(b"\n")
    if newline >= 0:
        raise Invalid(f"has a newline at byte {newline}")
    return Document(number, found[1].decode("ascii"), record)


def encode_bulk(documents: Iterable[Document]) -> bytes:
    """Return the lines that create the documents, each with its id as ``_id``."""
    return b"".join(
        b'{"create":{"_id":"%b"}}\n%b\n' % (each.id.encode("ascii"), each.record.value) for each in documents
    )
