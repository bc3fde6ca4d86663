"""A hit: one event that one correlation rule counts in one group; the record of topic ``rule-hits``.

The judge writes it in the transaction of the verdict, and correlate writes one for a correlation that counts others. The key is
``CORRELATION|GROUP``, so that all that can come together is in one partition. A hit is known by its id and time: whoever is given it
twice counts it once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from schemas.codec import dumps, loads
from schemas.errors import Invalid
from schemas.event import parse_time

__all__ = ["Group", "Hit", "hit_key"]

Group = tuple[str | None, ...]
"""What the fields of ``group-by`` are, in the order of the rule; None for a field that the event does not have."""

_TEXTS: Final = ("event.id", "@timestamp", "entity.id", "verdict.principal", "hit.correlation", "hit.definition")
_LISTS: Final = ("rule.id", "hit.value")


@dataclass(frozen=True, slots=True)
class Hit:
    """What is counted.

    ``correlation`` is the label of the rule that counts and ``definition`` the hash of how it counts: hits of one that was changed
    since are not counted together. ``rules`` are the labels of those of its rules that the event matched, ``values`` what the field has
    whose values count. ``event`` is the id of the event, or of the finding that counts like one.
    """

    correlation: str
    definition: str
    group: Group
    rules: tuple[str, ...]
    values: tuple[str, ...]
    event: str
    time: str
    entity: str
    principal: str

    @property
    def key(self) -> bytes:
        """The key of its record."""
        return hit_key(self.correlation, self.group)

    def encode(self) -> bytes:
        """Return the record."""
        return dumps(
            {
                "event.id": self.event,
                "@timestamp": self.time,
                "entity.id": self.entity,
                "verdict.principal": self.principal,
                "rule.id": self.rules,
                "hit.correlation": self.correlation,
                "hit.definition": self.definition,
                "hit.group": self.group,
                "hit.value": self.values,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Hit:
        """Return the hit of a record; raise ``Invalid`` for what is none."""
        stored = loads(data)
        if not isinstance(stored, dict) or stored.keys() != {*_TEXTS, *_LISTS, "hit.group"}:
            raise Invalid("not a hit of a rule as this version writes it")
        _check(stored)
        parse_time(stored["@timestamp"])
        return cls(
            stored["hit.correlation"],
            stored["hit.definition"],
            tuple(stored["hit.group"]),
            tuple(stored["rule.id"]),
            tuple(stored["hit.value"]),
            stored["event.id"],
            stored["@timestamp"],
            stored["entity.id"],
            stored["verdict.principal"],
        )


def hit_key(correlation: str, group: Group) -> bytes:
    """Return the key of all hits of a group, by which they find their partition."""
    return f"{correlation}|".encode() + dumps(group)


def _check(stored: dict[str, Any]) -> None:
    wrong = [name for name in _TEXTS if not isinstance(stored[name], str)]
    wrong += [name for name in _LISTS if not _is_list(stored[name], str)]
    wrong += [] if _is_list(stored["hit.group"], str | None) else ["hit.group"]
    if wrong:
        raise Invalid(f"not a hit of a rule: {', '.join(wrong)} must be text")


def _is_list(value: Any, of: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, of) for one in value)
