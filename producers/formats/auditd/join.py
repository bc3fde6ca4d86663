"""Joining the records of an event: they share node, time and serial number, and may be interleaved with others'."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from producers.formats.auditd.record import AuditRecord, Key
from producers.formats.auditd.said import stands_alone
from producers.types import Position

__all__ = ["Joiner"]

_LAST_TYPES: Final = frozenset({"PROCTITLE", "EOE"})
"""The kernel writes PROCTITLE last of all; EOE follows on the socket, but not in the log file."""

_MAX_LOG_NANOSECONDS: Final = 2_000_000_000
_MAX_IDLE_SECONDS: Final = 1.0
_MAX_HELD_RECORDS: Final = 4_096
_REMEMBERED_ENDS: Final = 1_024


@dataclass(slots=True)
class _Group:
    """Records of one event, and where to resume so that the first of them is read again."""

    before: Position | None
    arrived: float
    records: list[AuditRecord] = field(default_factory=list)
    ended: bool = False


class Joiner:
    """Puts records together and gives an event out when it is over.

    One without an end (records are lost under load) is over when the log is two seconds on, when 4,096 records are held, or
    when nothing at all came for a second.
    """

    def __init__(self) -> None:
        self._groups: OrderedDict[Key, _Group] = OrderedDict()
        self._ends: OrderedDict[Key, None] = OrderedDict()
        self._held_records = 0
        self._before: Position | None = None
        self._fresh = False

    def add(self, record: AuditRecord) -> bool:
        """Take in a record; return False if its event is over and has been given out without it."""
        self._fresh = True
        group = self._groups.get(record.key)
        if group is None:
            if record.type == "EOE" or record.key in self._ends:
                return False
            group = self._groups[record.key] = _Group(self._before, monotonic())
        group.records.append(record)
        self._held_records += 1
        group.ended = group.ended or record.type in _LAST_TYPES or stands_alone(record.type)
        return True

    def seen(self, position: Position) -> None:
        """Remember where the last record ended: what comes next begins there."""
        self._before = position

    def complete(self, record: AuditRecord) -> Iterator[list[AuditRecord]]:
        """Yield the records of the events that are over now that ``record`` has come."""
        group = self._groups.get(record.key)
        if group is not None and group.ended:
            yield self._take(record.key)
        while self._groups and self._too_old(next(iter(self._groups.values())), record.nanoseconds):
            yield self._take()

    def idle(self) -> Iterator[list[AuditRecord]]:
        """Yield what has waited too long for more; waiting counts only while no record comes at all."""
        if self._fresh:
            self._fresh = False
            return
        deadline = monotonic() - _MAX_IDLE_SECONDS
        while self._groups and next(iter(self._groups.values())).arrived <= deadline:
            yield self._take()

    def rest(self) -> Iterator[list[AuditRecord]]:
        """Yield all that is held."""
        while self._groups:
            yield self._take()

    @property
    def held(self) -> Position | None:
        """Return the position before the first held record, ``{}`` if it is the first of all; None if none is held."""
        for group in self._groups.values():
            return group.before or {}
        return None

    def _too_old(self, group: _Group, nanoseconds: int) -> bool:
        if self._held_records >= _MAX_HELD_RECORDS:
            return True
        return nanoseconds - group.records[0].nanoseconds > _MAX_LOG_NANOSECONDS

    def _take(self, key: Key | None = None) -> list[AuditRecord]:
        key = key or next(iter(self._groups))
        group = self._groups.pop(key)
        self._held_records -= len(group.records)
        if group.ended:
            self._ends[key] = None
            if len(self._ends) > _REMEMBERED_ENDS:
                self._ends.popitem(last=False)
        return group.records
