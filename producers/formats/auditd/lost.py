"""Audit's own notices that records were lost: the kernel says so in its log, which may be read together with audit's."""

from __future__ import annotations

import re
from typing import Final

from producers.types import Record
from schemas.codec import Event
from schemas.errors import Invalid
from schemas.event import parse_time, timestamp
from schemas.facts import host_entity

__all__ = ["LostRecords"]

_NOTICE: Final = re.compile(rb"audit_lost=(\d{1,18})\b|backlog limit exceeded|audit: rate limit exceeded")
_AUDIT_LINE: Final = re.compile(rb"(?:node=\S+ )?type=")


class LostRecords:
    """Turns a notice into a `telemetry gap` event; ``clock`` is the time of the last audit record, in nanoseconds.

    The kernel's counter goes on from boot, so a number of missing records is given from the second notice on.
    """

    def __init__(self, host: str) -> None:
        self.clock: int | None = None
        self._host = host
        self._lost: int | None = None

    def event_of(self, record: Record) -> Event | None:
        """Return the gap that a line of the kernel's log tells of; None for any other line.

        Raises ``Invalid`` if neither the line nor any audit record before it tells the time.
        """
        notice = None if _AUDIT_LINE.match(record.data) else _NOTICE.search(record.data)
        if notice is None:
            return None
        event: Event = {
            "@timestamp": timestamp(self._time(record.data)),
            "entity.id": host_entity(self._host),
            "event.kind": "alert",
            "event.category": ["host"],
            "event.type": ["info"],
            "event.action": "telemetry-gap",
            "event.module": "auditd",
            "event.dataset": "auditd.log",
            "gap.cause": "audit records lost",
            "message": record.data.decode("utf-8", "backslashreplace"),
        }
        return event | self._count(notice[1])

    def _count(self, digits: bytes | None) -> Event:
        if digits is None:
            return {}
        total, before = int(digits), self._lost
        self._lost = total
        return {"gap.last": str(total)} | ({} if before is None or before > total else {"gap.count": total - before})

    def _time(self, line: bytes) -> int:
        word = line.split(maxsplit=1)[0].decode("ascii", "replace")
        try:
            return parse_time(word)
        except Invalid:
            if self.clock is None:
                raise Invalid(f"a notice of lost audit records with no time: {line[:80]!r}") from None
            return self.clock
