"""Key figures: what was counted in one hour of event time, and how things stood in it; the records of topic ``kpi``.

The judge writes them in the transaction of the verdicts that they count, one record for an hour, a partition of ``events`` and a kind. All
counts of an hour are added up; of the levels of a partition the latest holds until the next::

    2026-11-27T10|counts|0003|17   {"figures": {"verdicts|unauthorized|policy|shells: exec.deny": 3, "blocked|platform": 1}}
    2026-11-27T10|levels|0003|0    {"figures": {"containers": 41, "containers|root": 2}, "members": {"images": ["sha256:9f86…"]}}

The series is another one each time that an hour, which was closed, is opened again: so what is closed is never written over, and nobody
needs to remember it. An event whose time cannot be read is counted in the hour without a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from schemas.codec import dumps, loads
from schemas.errors import Invalid
from schemas.event import parse_time

__all__ = ["UNDATED", "Kind", "KpiRecord", "Place", "hour_of", "place_of"]

Kind = Literal["counts", "levels"]

UNDATED: Final = ""
"""The hour of what has no time that can be read."""

_HOUR: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d")
_KEY: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d|)\|(counts|levels)\|(\d{4})\|(\d+)")


def hour_of(moment: str) -> str:
    """Return the hour in which a UTC time lies that is written as ``timestamp`` writes it; ``UNDATED`` for what is none."""
    hour = moment[:13]
    if not _HOUR.fullmatch(hour):
        return UNDATED
    try:
        parse_time(f"{hour}:00:00")
    except Invalid:
        return UNDATED
    return hour


class Place(NamedTuple):
    """What the key of a record says: which figures it has, not what they are."""

    hour: str
    kind: Kind
    partition: int
    series: int


def place_of(key: bytes) -> Place:
    """Return what a key says; raise ``Invalid`` for what is none."""
    named = _KEY.fullmatch(key.decode(errors="replace"))
    if named is None:
        raise Invalid(f"{key[:64]!r} is no hour, kind, partition and series")
    return Place(named[1], "counts" if named[2] == "counts" else "levels", int(named[3]), int(named[4]))


@dataclass(frozen=True, slots=True)
class KpiRecord:
    """Figures of an hour as one partition knows them.

    ``members`` are what is counted once, in however many partitions it is: of each figure the names of all that it counts.
    """

    hour: str
    kind: Kind
    partition: int
    series: int
    figures: Mapping[str, int]
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def key(self) -> bytes:
        """The key of its record."""
        return f"{self.hour}|{self.kind}|{self.partition:04d}|{self.series}".encode()

    def encode(self) -> bytes:
        """Return the record."""
        return dumps({"figures": self.figures} | ({"members": self.members} if self.members else {}))

    @classmethod
    def decode(cls, key: bytes, data: bytes) -> KpiRecord:
        """Return the figures of a record; raise ``Invalid`` for what are none."""
        return cls.read(place_of(key), data)

    @classmethod
    def read(cls, place: Place, data: bytes) -> KpiRecord:
        """Return the figures of a record whose key was read already; raise ``Invalid`` for what are none."""
        stored = loads(data)
        if not isinstance(stored, dict) or "figures" not in stored or stored.keys() - {"figures", "members"}:
            raise Invalid("not the key figures of an hour as this version writes them")
        return cls(*place, _figures(stored), _members(stored))


def _figures(stored: Mapping[str, Any]) -> Mapping[str, int]:
    figures = stored["figures"]
    if not isinstance(figures, dict) or not all(type(value) is int for value in figures.values()):
        raise Invalid("figures must be whole numbers by name")
    return figures


def _members(stored: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    members = stored.get("members", {})
    if not isinstance(members, dict) or not all(map(_is_names, members.values())):
        raise Invalid("members must be lists of names by figure")
    return {name: tuple(listed) for name, listed in members.items()}


def _is_names(listed: Any) -> bool:
    return isinstance(listed, list) and all(isinstance(one, str) for one in listed)
