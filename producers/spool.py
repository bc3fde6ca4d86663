"""The spool: records that cannot be asked for again wait here, durable, until Kafka has them.

One SQLite file (WAL, ``synchronous=FULL``) a collector. Every writer waits until its records are on the disk; those that
wait at the same time share one commit, so that many small pushes cost few syncs. It is bounded in bytes; when it is full,
writers are refused, and it is for them to say so to whoever sends.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from producers.spool_file import connect, open_spool_file
from schemas.errors import TidewaiterError

__all__ = ["Entry", "Row", "Spool", "SpoolFull"]

_READ_BYTES: Final = 4 * 1024 * 1024
_OVERHEAD_BYTES: Final = 64
_COST: Final = f"COALESCE(SUM(LENGTH(data) + {_OVERHEAD_BYTES}), 0)"
_LET_GO_SECONDS: Final = 0.5
"""Letting go of rows waits so long for records to share their commit."""


class SpoolFull(TidewaiterError):
    """The spool holds as many bytes as it may; try again once Kafka has taken some."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record to keep: its bytes, and where it came from for a person."""

    data: bytes
    place: str


@dataclass(frozen=True, slots=True)
class Row:
    """One record that is kept; numbers rise and are never used again."""

    number: int
    data: bytes
    place: str


@dataclass(frozen=True, slots=True)
class _Order:
    """What the writing thread is asked for: keep entries, let go of rows up to a number, end."""

    entries: Sequence[Entry] = ()
    upto: int = 0
    last: bool = False
    done: Future[None] = field(default_factory=Future)

    def cost(self) -> int:
        return sum(len(entry.data) + _OVERHEAD_BYTES for entry in self.entries)


class Spool:
    """Durable queue of records; any thread may ``put``, one thread reads and acknowledges.

    A record is on the disk once the future of its ``put`` is done, and is kept until it is acknowledged. ``identity``
    changes when the file is lost or broken; a broken one is moved to ``lost``.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        opened = open_spool_file(path)
        self.identity = opened.identity
        self.lost = opened.lost
        self._path = path
        self._max_bytes = max_bytes
        self._orders: SimpleQueue[_Order] = SimpleQueue()
        self._changed = threading.Condition()
        self._reader, self._connection = connect(path), connect(path)
        self._size: int = self._reader.execute(f"SELECT {_COST} FROM rows").fetchone()[0]  # noqa: S608 - a constant
        self._newest = _newest(self._reader)
        self._writer = threading.Thread(target=self._write, name="spool", daemon=True)
        self._writer.start()

    @property
    def size(self) -> int:
        """Bytes that are kept or about to be."""
        return self._size

    def put(self, entries: Sequence[Entry]) -> Future[None]:
        """Keep all entries or none; the future is done when they are on the disk, or fails as the disk does.

        Raises ``SpoolFull``. An empty spool takes entries of any size.
        """
        order = _Order(entries)
        with self._changed:
            if self._size and self._size + order.cost() > self._max_bytes:
                raise SpoolFull(f"the spool {self._path} holds {self._size} of {self._max_bytes} bytes")
            self._size += order.cost()
        self._orders.put(order)
        return order.done

    def read(self, behind: int, limit: int, timeout_seconds: float) -> list[Row]:
        """Return the rows behind a number, at most ``limit`` and about 4 MiB of them; wait for the first one."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest > behind, timeout_seconds)
        rows: list[Row] = []
        size = 0
        query = "SELECT id, data, place FROM rows WHERE id > ? ORDER BY id LIMIT ?"
        for row in self._reader.execute(query, (behind, limit)):
            rows.append(Row(*row))
            size += len(rows[-1].data)
            if size >= _READ_BYTES:
                break
        return rows

    def acknowledge(self, number: int) -> None:
        """Let go of the rows up to a number, soon."""
        self._orders.put(_Order(upto=number))

    def close(self) -> None:
        """Write what was asked for, and close the file."""
        self._orders.put(_Order(last=True))
        self._writer.join()
        self._reader.close()
        self._connection.close()

    def _write(self) -> None:
        upto, ended = 0, False
        while not ended:
            orders = self._waiting(_LET_GO_SECONDS if upto else None)
            upto = max(upto, *(order.upto for order in orders)) if orders else upto
            ended = any(order.last for order in orders)
            keeping = [order for order in orders if order.entries]
            if (keeping or ended or not orders) and self._store(keeping, upto):
                upto = 0

    def _waiting(self, timeout_seconds: float | None) -> list[_Order]:
        """Return all orders that wait, at least one unless the time is over."""
        orders: list[_Order] = []
        try:
            orders.append(self._orders.get(timeout=timeout_seconds))
            while True:
                orders.append(self._orders.get_nowait())
        except Empty:
            return orders

    def _store(self, orders: Sequence[_Order], upto: int) -> bool:
        """Write in one transaction; return whether it was, and tell those who wait either way."""
        try:
            freed = self._transact([entry for order in orders for entry in order.entries], upto)
        except sqlite3.Error as error:
            self._note(-sum(order.cost() for order in orders))
            for order in orders:
                order.done.set_exception(error)
            return False
        self._note(-freed)
        for order in orders:
            order.done.set_result(None)
        return True

    def _transact(self, entries: Sequence[Entry], upto: int) -> int:
        with self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            freed: int = connection.execute(f"SELECT {_COST} FROM rows WHERE id <= ?", (upto,)).fetchone()[0]  # noqa: S608 - a constant
            connection.execute("DELETE FROM rows WHERE id <= ?", (upto,))
            values = [(entry.data, entry.place) for entry in entries]
            connection.executemany("INSERT INTO rows (data, place) VALUES (?, ?)", values)
        return freed

    def _note(self, change: int) -> None:
        with self._changed:
            self._size += change
            self._newest = _newest(self._connection)
            self._changed.notify_all()


def _newest(connection: sqlite3.Connection) -> int:
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'rows'").fetchone()
    return int(found[0]) if found else 0
