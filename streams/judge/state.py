"""The judge's state of one partition as records of ``judge-state``, and back.

Keys: ``entity/ID`` facts of an entity; ``counter/KEY`` a counter at its last flush; ``baseline/PRINCIPAL`` the number of the last step of
its baseline's life that was told; ``shared/SUBJECT`` the hash of the facts that were told of it last; ``marks`` what every transaction rewrites: the counts changed since that flush, the next number of the
judge's own records, the adopted policies, rules and baselines, the clock. A tombstone removes.
All of it is written in the transaction that it speaks of, so a restored judge counts nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Final

from schemas.codec import dumps, loads
from schemas.errors import TidewaiterError
from schemas.facts import Facts
from streams.judge.memo import Context, Counter

__all__ = [
    "COUNTED",
    "MARKS",
    "CounterState",
    "EntityState",
    "Marks",
    "StateReader",
    "StateRecord",
    "counter_record",
    "entity_record",
    "facts_told_record",
    "marks_record",
    "told_record",
]

MARKS: Final = b"marks"

StateRecord = tuple[bytes, bytes | None]
"""Key and value of a compacted record; no value is a tombstone."""


class StateError(TidewaiterError):
    """A record of ``judge-state`` that this version cannot read; judging on would give wrong counts."""


@dataclass(slots=True)
class Marks:
    """What changes with every transaction of a partition; ``outcomes`` counts the verdicts as they were given.

    ``hours`` are the figures of the hours that are open, ``series`` their numbers, of which ``opened`` was given last, ``unsaid`` those that
    have changed since they were written to ``kpi``; ``reached`` is the latest hour of the events. ``doubtful`` says that rows are still to
    be written anew since something else was adopted.
    """

    number: int = 0
    adopted: str = ""
    rules: str = ""
    baselines: str = ""
    shared: str = ""
    findings: int = 0
    clock: str = ""
    heartbeats: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    hours: dict[str, dict[str, int]] = field(default_factory=dict)
    series: dict[str, int] = field(default_factory=dict)
    opened: int = 0
    unsaid: list[str] = field(default_factory=list)
    reached: str = ""
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class EntityState:
    """An entity as it is stored."""

    entity: str
    facts: Facts
    seen: str
    ended: str
    stopped: str = ""
    kept: str = ""


@dataclass(frozen=True, slots=True)
class CounterState:
    """A counter as it is stored, with the deciding facts of its context."""

    principal: str
    context: str
    deciding: dict[str, Any]
    values: dict[str, Any]

    def counted(self) -> dict[str, Any]:
        """Return what it had counted: all values but those that say what is counted."""
        return {name: value for name, value in self.values.items() if name not in _NAMING}


@dataclass(slots=True)
class StateReader:
    """Collects the records of a partition, the later of a key winning, until all are read."""

    entities: dict[str, EntityState] = field(default_factory=dict)
    counters: dict[str, CounterState] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)
    changed: dict[str, list[Any]] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    facts_told: dict[str, str] = field(default_factory=dict)

    def take(self, key: bytes, value: bytes | None) -> None:
        """Take in one record in the order of offsets; raise ``StateError`` for a kind that this version does not know."""
        kind, _, name = key.decode().partition("/")
        if kind == "entity":
            _keep(self.entities, name, _entity(name, loads(value)) if value else None)
        elif kind == "counter":
            _keep(self.counters, name, _counter(loads(value)) if value else None)
        elif kind == "baseline":
            _keep(self.told, name, loads(value) if value else None)
        elif kind == "shared":
            _keep(self.facts_told, name, loads(value) if value else None)
        elif key == MARKS and value:
            stored = loads(value)
            self.changed = stored.pop("counts")
            self.marks = Marks(**stored)
        else:
            raise StateError(
                f"judge-state holds {key!r}, which this version does not know; run the version that wrote it"
            )


def _keep(table: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        table.pop(name, None)
    else:
        table[name] = value


def _entity(name: str, stored: dict[str, Any]) -> EntityState:
    facts = Facts({field_: (rank, value) for field_, (rank, value) in stored["facts"].items()})
    return EntityState(name, facts, stored["seen"], stored["ended"], stored.get("stopped", ""), stored.get("kept", ""))


def _counter(stored: dict[str, Any]) -> CounterState:
    return CounterState(stored["principal"], stored["context"], stored["deciding"], stored["values"])


def entity_record(entity: EntityState | None, name: str) -> StateRecord:
    """Return the record of an entity; its tombstone for None."""
    key = b"entity/" + name.encode()
    if entity is None:
        return key, None
    stored = {"facts": entity.facts.fields, "seen": entity.seen, "ended": entity.ended, "kept": entity.kept}
    return key, dumps(stored | ({"stopped": entity.stopped} if entity.stopped else {}))


def told_record(principal: str, number: int) -> StateRecord:
    """Return the record of the last step of a baseline's life that was told, by its number."""
    return b"baseline/" + principal.encode(), dumps(number)


def facts_told_record(subject: str, content_hash: str) -> StateRecord:
    """Return the record of the facts that were told last of an image or a secret."""
    return b"shared/" + subject.encode(), dumps(content_hash)


COUNTED: Final = ("count", "last", "last_id", "samples", "replicas", "unauthorized")
"""What changes of a counter with every event, so that the marks carry it until its next record."""

_NAMING: Final = ("slot", "activity")
_VALUES: Final = (
    "slot",
    "dimension",
    "count",
    "first",
    "first_id",
    "last",
    "last_id",
    "samples",
    "born",
    "replicas",
    "unauthorized",
)


def counter_record(counter: Counter) -> StateRecord:
    """Return the record of a counter as it is now; a count of zero is a tombstone (its events were moved)."""
    key = b"counter/" + counter.key.encode()
    if counter.count == 0:
        return key, None
    context: Context = counter.context
    values = {name: getattr(counter, name) for name in _VALUES} | {"activity": counter.activity.decode()}
    return key, dumps(
        {"principal": context.principal, "context": context.hash, "deciding": context.deciding, "values": values}
    )


def marks_record(marks: Marks, changed: Iterable[Counter]) -> StateRecord:
    """Return the record that every transaction of a partition writes: marks, and counts changed since the last flush."""
    counts = {counter.key: [getattr(counter, name) for name in COUNTED] for counter in changed}
    return MARKS, dumps({one.name: getattr(marks, one.name) for one in fields(marks)} | {"counts": counts})
