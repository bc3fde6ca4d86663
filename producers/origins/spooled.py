"""Sources that cannot be asked again: a feeder takes records in and keeps them in the spool, the collector reads from there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final, Protocol

from producers.spool import Entry, Spool
from producers.types import Gap, Position, Record
from schemas.errors import ConfigurationError
from schemas.telemetry import gauge

__all__ = ["SPOOL_LOST", "Enrich", "Feeder", "Keep", "SpooledOrigin"]

SPOOL_LOST: Final = "the spool was lost or broken"

Enrich = Callable[[Record], Record]
"""Adds to a live record what can only be known now, such as the container of a process that may be gone in a moment."""

Keep = Callable[[Sequence[Entry]], Future[None]]
"""Enriches entries and puts them into the spool; called by one thread. Raises ``SpoolFull``."""


class Feeder(Protocol):
    """Takes records in from outside, in a thread of its own."""

    def start(self, keep: Keep) -> Future[None]:
        """Begin; the future is done when nothing will ever come again, or fails as the feeder does.

        Raises ``ConfigurationError`` if it cannot begin.
        """

    def stop(self) -> None:
        """Take nothing more in and return when the thread has ended; called once, also if it never began."""


class SpooledOrigin:
    """Records of a feeder by way of the spool.

    Exactly once from the moment that a record is in the spool, which is when its sender is told so (if it can be told).
    A spool that was lost or broken is a ``Gap``.
    """

    def __init__(self, collector_id: str, path: Path, max_bytes: int, feeder: Feeder, enrich: Enrich | None) -> None:
        self._collector_id = collector_id
        self._path = path
        self._max_bytes = max_bytes
        self._feeder = feeder
        self._enrich = enrich
        self._spool: Spool | None = None
        self._behind = 0
        self._gaps: list[Gap] = []

    def open(self, position: Position | None) -> None:
        """Open the spool, go behind ``position`` in it, and let the feeder begin."""
        if position is not None and not {"spool", "row"} <= position.keys():
            raise ConfigurationError(
                "this collector id was used for another kind of source; give each source its own collector id"
            )
        self._spool = spool = Spool(self._path, self._max_bytes)
        known = position is not None and position["spool"] == spool.identity
        if position is not None and known:
            self._behind = position["row"]
        elif position is not None or spool.lost is not None:
            first = f"row {position['row'] + 1}" if position is not None else ""
            self._gaps.append(Gap(SPOOL_LOST, first=first, position=self._position(0)))
        self._fed = self._feeder.start(self._keep)

    def read(self, limit: int, timeout_seconds: float) -> Sequence[Record | Gap]:
        """Return rows of the spool; end once the feeder has ended and the spool is read."""
        if self._gaps:
            return [self._gaps.pop()]
        spool = self._opened()
        ended = self._fed.done()
        rows = spool.read(self._behind, limit, 0 if ended else timeout_seconds)
        gauge("spool_bytes", spool.size, collector=self._collector_id)
        if rows:
            self._behind = rows[-1].number
        elif ended:
            self._fed.result()
            raise EOFError
        return [Record(row.data, row.place, self._position(row.number)) for row in rows]

    def acknowledge(self, position: Position) -> None:
        """Delete the rows up to ``position``."""
        self._opened().acknowledge(position["row"])

    def close(self) -> None:
        """Stop the feeder, then close the spool."""
        self._feeder.stop()
        if self._spool is not None:
            self._spool.close()

    def _opened(self) -> Spool:
        if self._spool is None:
            raise RuntimeError("the origin is not open")
        return self._spool

    def _position(self, row: int) -> Position:
        return {"spool": self._opened().identity, "row": row}

    def _keep(self, entries: Sequence[Entry]) -> Future[None]:
        if self._enrich is not None:
            enriched = (self._enrich(Record(entry.data, entry.place, {})) for entry in entries)
            entries = [Entry(record.data, record.place) for record in enriched]
        return self._opened().put(entries)
