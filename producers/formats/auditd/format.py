"""The format: lines in, joined events out, and the container of a process while it can still be found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from producers.formats.auditd.events import event_of
from producers.formats.auditd.join import Joiner
from producers.formats.auditd.live import LiveMarks
from producers.formats.auditd.lost import LostRecords
from producers.formats.auditd.record import AuditRecord, parse_record
from producers.types import FormatOptions, Outcome, Position, Record, Result
from schemas.errors import Drop

__all__ = ["AuditdFormat"]

_END_MARK: Final = "audit end-of-event mark"
_LATE: Final = "audit record of an event that is over"
_SEPARATOR: Final = "ausearch separator"


class AuditdFormat:
    """Events of Linux audit; see the module for input and output.

    A line is part of an event, dropped (end marks, separators) or Invalid. The entity is the container that the line
    names (``enrich`` put it there), else the host that the record came from.
    """

    def __init__(self, options: FormatOptions) -> None:
        self._options = options
        self._joiner = Joiner()
        self._lost = LostRecords(options.host)
        self._live = LiveMarks(options.host, options.peers) if options.live else None

    def enrich(self, record: Record) -> Record:
        """Return the record with what is known only now at its end: container, hash of a program, peer.

        To be called as soon as a live record is read, before it is stored or parsed; not live, it does nothing.
        """
        if self._live is None:
            return record
        line = record.data.rstrip()
        marked = self._live.marked(line)
        return record if marked is line else replace(record, data=marked)

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
        return Outcome(event_of(records, self._options), tuple(record.source for record in records))
