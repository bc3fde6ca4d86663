"""What is asked of the view most: entities, activities summed over partitions, shared facts.

``known`` of an entity or an activity is what decides of it (facts and settings), ``own`` what does not (names, addresses, labels),
``done`` the activity without either. All of it is flat, in the names of ``schemas.fields``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from itertools import groupby
from typing import Any, Final

from schemas.codec import Event, dumps, loads
from schemas.errors import ConfigurationError
from schemas.shared import SharedRecord
from schemas.topics import Name
from streams.judge.shared import SharedFacts

__all__ = [
    "Activity",
    "Entity",
    "activities",
    "entities",
    "refuse_unreadable",
    "shared_facts",
    "shared_records",
    "unreadable",
]


_LONG: Final = 16_384
_SHORT: Final = 64


@dataclass(frozen=True, slots=True)
class Entity:
    """What has facts; a container runs unless it ``stopped`` or ``ended``, both times, empty where it has not. ``seen`` is to the hour."""

    entity: str
    kind: str
    principal: str
    seen: str
    stopped: str
    ended: str
    known: Event
    own: Event

    @property
    def runs(self) -> bool:
        """Return whether it was neither seen to stop nor to be removed."""
        return not (self.stopped or self.ended)


@dataclass(frozen=True, slots=True)
class Activity:
    """What one principal did in one context, over all partitions; ``outcome`` and ``verdict`` are those of the latest row.

    ``digest`` is that of the activity, or begins with ``other-``: what was too much to be told apart, of which ``done`` is empty.
    """

    principal: str
    context: str
    digest: str
    dimension: str
    action: str
    count: int
    first: str
    first_id: str
    last: str
    last_id: str
    outcome: str
    known: Event
    done: Event
    verdict: Event


_ENTITIES: Final = """
SELECT entity, kind, p.name, seen, stopped, ended, k.text, own FROM entities e
JOIN principals p ON p.id = e.principal JOIN contents k ON k.id = e.known
"""
_ACTIVITIES: Final = """
SELECT p.name, a.context, a.slot, dimension, action, count, first, first_id, last, last_id, outcome, k.text, d.text, v.text
FROM activities a JOIN principals p ON p.id = a.principal
JOIN contents k ON k.id = a.known JOIN contents d ON d.id = a.done JOIN contents v ON v.id = a.verdict
WHERE {where} ORDER BY a.principal, a.context, a.slot, a.partition
"""


def entities(view: sqlite3.Connection, kind: str = "", principal: str = "") -> Iterator[Entity]:
    """Yield entities, in order: ``container``, ``host``, ``user``, ``image``, or all; of one principal if it is named."""
    asked = {column: value for column, value in {"kind": kind, "p.name": principal}.items() if value}
    where = " AND ".join(f"{column} = ?" for column in asked) or "1"
    rows = view.execute(f"{_ENTITIES} WHERE {where} ORDER BY entity", [*asked.values()])
    for entity, kind_, name, seen, stopped, ended, known, own in rows:
        yield Entity(entity, kind_, name, seen, stopped, ended, _fields(known), loads(own))


def activities(view: sqlite3.Connection, where: str = "1", values: Sequence[Any] = ()) -> Iterator[Activity]:
    """Yield activities; ``where`` is SQL over columns of the table, such as ``dimension IN ('egress', 'ingress')``."""
    rows = view.execute(_ACTIVITIES.format(where=where), values)
    for _, seen in groupby(map(_activity, rows), key=lambda one: (one.principal, one.context, one.digest)):
        yield reduce(_together, seen)


def shared_records(view: sqlite3.Connection, kind: str = "") -> Iterator[SharedRecord]:
    """Yield what each source says of each subject that begins with ``kind``: images, workloads, secrets, or all."""
    for _, _, text in _shared(view, kind):
        yield SharedRecord.decode(text.encode())


def shared_facts(view: sqlite3.Connection, kind: str = "") -> SharedFacts:
    """Return the same, ready to be joined as judges join it."""
    found = SharedFacts()
    for subject, source, text in _shared(view, kind):
        found.put(dumps([subject, source]), text.encode())
    return found


def unreadable(view: sqlite3.Connection, topics: Sequence[Name]) -> str:
    """Return how many records of these topics this version cannot read, and why the first; empty where it can read all.

    The view has nothing of them.
    """
    where = f"FROM unreadable WHERE topic IN ({', '.join('?' * len(topics))})"
    (count,) = view.execute(f"SELECT count(*) {where}", topics).fetchone()
    if not count:
        return ""
    topic, key, why = view.execute(f"SELECT topic, key, why {where} ORDER BY topic, key LIMIT 1", topics).fetchone()
    name = f"topic {topic}, key {key.decode(errors='replace')[:_SHORT]}: {why}"
    return f"1 record cannot be read ({name})" if count == 1 else f"{count} records cannot be read (the first: {name})"


def refuse_unreadable(view: sqlite3.Connection, topic: Name) -> None:
    """Raise ``ConfigurationError`` where an answer would lack something, because this version cannot read all of a topic."""
    if left_out := unreadable(view, [topic]):
        raise ConfigurationError(f"{left_out}; run the version of Tidewaiter that wrote it")


def _shared(view: sqlite3.Connection, kind: str) -> sqlite3.Cursor:
    asked = "SELECT subject, source, text FROM shared JOIN contents ON id = record WHERE substr(subject, 1, ?) = ? ORDER BY 1, 2"
    return view.execute(asked, [len(kind), kind])


def _activity(row: tuple[Any, ...]) -> Activity:
    principal, context, slot, *rest = row
    *counted, known, done, verdict = rest
    place = (principal, context.hex(), slot.partition("@")[0])
    return Activity(*place, *counted, *map(_fields, (known, done, verdict)))


def _together(one: Activity, other: Activity) -> Activity:
    """Return both as one; which is given first makes no difference."""
    first = min(one, other, key=lambda each: (each.first, each.first_id))
    last = max(one, other, key=lambda each: (each.last, each.last_id))
    return replace(last, count=one.count + other.count, first=first.first, first_id=first.first_id)


def _fields(text: str) -> Event:
    """Return the fields of a content; many rows share one, which nobody changes. Scans of images are too large to be remembered."""
    return _remembered(text) if len(text) < _LONG else _decoded(text)


def _decoded(text: str) -> Event:
    fields: Event = loads(text)
    return fields


_remembered = lru_cache(maxsize=65_536)(_decoded)
