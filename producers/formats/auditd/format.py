"""The format: lines in, joined events out, and the container of a process while it can still be found."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from producers.containers import ContainerResolver
from producers.formats.auditd.events import event_of
from producers.formats.auditd.join import Joiner
from producers.formats.auditd.lost import LostRecords
from producers.formats.auditd.record import AuditRecord, parse_record
from producers.types import FormatOptions, Outcome, Position, Record, Result
from schemas.errors import Drop

__all__ = ["AuditdFormat"]

_END_MARK: Final = "audit end-of-event mark"
_LATE: Final = "audit record of an event that is over"
_SEPARATOR: Final = "ausearch separator"

_PID: Final = re.compile(rb"[ :]pid=(\d{1,10})\b")
_PARENT: Final = re.compile(rb"[ :]ppid=(\d{1,10})\b")
_CONTAINER: Final = re.compile(rb" container=[0-9a-f]{64}$")


class AuditdFormat:
    """Events of Linux audit; see the module for input and output.

    A line is part of an event, dropped (end marks, separators) or Invalid. The entity is the container that the line
    names (``enrich`` put it there), else the host that the record came from.
    """

    def __init__(self, options: FormatOptions) -> None:
        self._host = options.host
        self._joiner = Joiner()
        self._lost = LostRecords(options.host)
        self._containers = ContainerResolver() if options.live else None

    def enrich(self, record: Record) -> Record:
        """Return the record with `` container=<64 hex digits>`` at its end if its process runs in a container now.

        To be called as soon as a live record is read, before it is stored or parsed; not live, it does nothing.
        """
        line = record.data.rstrip()
        if self._containers is None or _CONTAINER.search(line) or self._is_foreign(line):
            return record
        pid = _PID.search(line)
        if pid is None:
            return record
        parent = _PARENT.search(line)
        container = self._containers.container_of(int(pid[1]), int(parent[1]) if parent else None)
        return replace(record, data=b"%b container=%b" % (line, container.encode())) if container else record

    def parse(self, record: Record) -> Iterable[Result | Outcome]:
        """Return the events that this line completes; nothing if it is held."""
        try:
            return self._parse(record)
        finally:
            self._joiner.seen(record.position)

    def flush(self, *, final: bool = False) -> Iterable[Result | Outcome]:
        """Return events that have waited for a second without any record coming; all if ``final``."""
        return [self._outcome(records) for records in (self._joiner.rest() if final else self._joiner.idle())]

    @property
    def held(self) -> Position | None:
        """Return the position before the first held line; ``{}`` if that is where this run began to read."""
        return self._joiner.held

    def _parse(self, record: Record) -> list[Result | Outcome]:
        if record.data.strip() == b"----":
            raise Drop(_SEPARATOR)
        lost = self._lost.event_of(record)
        if lost is not None:
            return [lost]
        parsed = parse_record(record)
        self._lost.clock = parsed.nanoseconds
        joined = self._joiner.add(parsed)
        results: list[Result | Outcome] = [self._outcome(records) for records in self._joiner.complete(parsed)]
        if not joined:
            results.append(Drop(_END_MARK if parsed.type == "EOE" else _LATE))
        return results

    def _outcome(self, records: list[AuditRecord]) -> Outcome:
        return Outcome(event_of(records, self._host), tuple(record.source for record in records))

    def _is_foreign(self, line: bytes) -> bool:
        return line.startswith(b"node=") and not line.startswith(b"node=%b " % self._host.encode())
