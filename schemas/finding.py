"""A finding: that a correlation rule holds of a group; the record of topic ``findings``.

Correlate writes it when the condition first holds, and again when more comes that belongs to it: ``revision`` counts from 1. The key is
``ENTITY|ID`` with the entity of which it was first told, so that it is in the partition of the judge that tells of it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final, get_type_hints

from schemas.codec import dumps, dumps_sorted, loads
from schemas.errors import Invalid
from schemas.event import parse_time
from schemas.hit import Group

__all__ = ["Finding", "finding_id"]

_ID_BYTES: Final = 12


def finding_id(correlation: str, definition: str, group: Group, stretch: int) -> str:
    """Return the id (24 hex digits) of what a correlation finds of a group in one stretch of time."""
    content = dumps_sorted([correlation, definition, group, stretch])
    return blake2b(content, digest_size=_ID_BYTES).hexdigest()


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found.

    ``first`` and ``last`` are the times of the first hit of the first window that fulfils the condition and of the last hit of the last one,
    ``count`` the hits between them. ``event``, ``time``, ``entity`` and ``principal`` are those of the hit that fulfilled it first, ``events`` the last ids up to it. ``continues`` says that the
    condition also held within a timespan before, in another finding: then it is no news. ``told`` is the entity under whose key it is,
    which stays.
    """

    id: str
    correlation: str
    definition: str
    group: Group
    names: tuple[str, ...]
    title: str
    level: str
    file: str
    tags: tuple[str, ...]
    techniques: tuple[str, ...]
    rules_hash: str
    first: str
    last: str
    count: int
    events: tuple[str, ...]
    event: str
    time: str
    entity: str
    principal: str
    continues: bool = False
    reported: bool = True
    revision: int = 1
    told: str = ""

    @property
    def key(self) -> bytes:
        """The key of its record."""
        return f"{self.told}|{self.id}".encode()

    @property
    def is_news(self) -> bool:
        """Whether it is to be told to people: once, and not if it goes on with one that was."""
        return self.reported and self.revision == 1 and not self.continues

    def encode(self) -> bytes:
        """Return the record."""
        return dumps(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Finding:
        """Return the finding of a record; raise ``Invalid`` for what is none."""
        stored = loads(data)
        if not isinstance(stored, dict) or stored.keys() != _KINDS.keys():
            raise Invalid("not a finding as this version writes it")
        wrong = [name for name, kind in _KINDS.items() if not _is_of(stored[name], kind)]
        if wrong:
            raise Invalid(f"not a finding: {', '.join(wrong)} is of another type")
        for name in ("first", "last", "time"):
            parse_time(stored[name])
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
        }
        return cls(**values)


_KINDS: Final = MappingProxyType({one.name: get_type_hints(Finding)[one.name] for one in fields(Finding)})


def _is_of(value: Any, kind: Any) -> bool:
    if kind in {str, int, bool}:
        return type(value) is kind
    elements = str | None if kind == Group else str
    return isinstance(value, list) and all(isinstance(one, elements) for one in value)
