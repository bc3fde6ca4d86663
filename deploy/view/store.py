"""The file of the view: rows are written, and places in topics, together or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from deploy.view.rows import Content, Principal, Row, Value
from deploy.view.schema import COLUMNS, DDL, TABLES
from schemas.topics import Name

__all__ = ["Followed", "Store"]

_DIGEST_BYTES: Final = 16
_MAX_REMEMBERED: Final = 500_000
_BUSY_SECONDS: Final = 30.0
_MIN_WASTE: Final = 50_000
_NONE: Final[Mapping[bytes, str]] = MappingProxyType({})


def _insert(table: str) -> str:
    columns = [name for part in COLUMNS[table] for name in part]
    return f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - names of ours


def _delete(table: str) -> str:
    return f"DELETE FROM {table} WHERE {' AND '.join(f'{name} = ?' for name in COLUMNS[table][0])}"  # noqa: S608 - as above


_INSERTS: Final = MappingProxyType({table: _insert(table) for table in COLUMNS})
_DELETES: Final = MappingProxyType({table: _delete(table) for table in COLUMNS})
_UNUSED: Final = """
DELETE FROM contents WHERE id NOT IN (
    SELECT known FROM activities UNION SELECT done FROM activities UNION SELECT verdict FROM activities
    UNION SELECT known FROM entities UNION SELECT record FROM shared
)
"""
_UNNAMED: Final = """
DELETE FROM principals WHERE id NOT IN (
    SELECT principal FROM activities UNION SELECT principal FROM entities UNION SELECT principal FROM baselines
)
"""


@dataclass(frozen=True, slots=True)
class Followed:
    """A topic that was read before: which of its name it is, and when it was read last (seconds since 1970)."""

    generation: str
    read: float


class Store:
    """One file; used by one thread of one process at a time for writing, while others may read."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        self._numbers: dict[str | bytes, int] = {}
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.execute("PRAGMA cache_size = -65536")

    def create(self, meta: Mapping[str, str]) -> None:
        """Make the tables of a new file, which is this version's as soon as they are all there."""
        self.connection.execute("BEGIN IMMEDIATE")
        for statement in filter(str.strip, DDL.split(";")):
            self.connection.execute(statement)
        self.connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        self.connection.execute("COMMIT")

    def meta(self) -> dict[str, str]:
        """Return what the file says of itself; empty for a file that no view was made in."""
        try:
            return dict(self.connection.execute("SELECT name, value FROM meta"))
        except sqlite3.OperationalError:  # there are no tables
            return {}

    def followed(self, topic: Name) -> Followed | None:
        """Return what is known of a topic; None where it was never read."""
        row = self.connection.execute("SELECT generation, read FROM topics WHERE topic = ?", [topic]).fetchone()
        return Followed(*row) if row else None

    def begin(self, topic: Name, generation: str, moment: float) -> int:
        """Let go of all rows of a topic, which is read from its beginning from now on, and return how many there were."""
        self.connection.execute("BEGIN IMMEDIATE")
        gone = self.connection.execute(f"DELETE FROM {TABLES[topic]}").rowcount  # noqa: S608 - names of ours
        self.connection.execute("DELETE FROM positions WHERE topic = ?", [topic])
        self.connection.execute("DELETE FROM unreadable WHERE topic = ?", [topic])
        self.connection.execute("INSERT OR REPLACE INTO topics VALUES (?, ?, ?)", [topic, generation, moment])
        self.connection.execute("COMMIT")
        return gone

    def positions(self, topic: Name) -> dict[int, int]:
        """Return where to read on in each partition of a topic that was read before."""
        return dict(self.connection.execute("SELECT partition, position FROM positions WHERE topic = ?", [topic]))

    def unreadable(self, topic: Name) -> set[bytes]:
        """Return the keys whose latest record could not be read."""
        return {key for (key,) in self.connection.execute("SELECT key FROM unreadable WHERE topic = ?", [topic])}

    def write(
        self,
        topic: Name,
        rows: Iterable[Row],
        positions: Mapping[int, int],
        unreadable: Mapping[bytes, str] = _NONE,
        readable: Iterable[bytes] = (),
    ) -> None:
        """Write rows, of a key the last one, and where to read on behind them: all of it or, where the process dies, nothing.

        ``unreadable`` says of keys why their record cannot be read; those of ``readable`` could not be before.
        """
        self.connection.execute("BEGIN IMMEDIATE")
        for row in rows:
            self._write(TABLES[topic], row)
        self.connection.executemany(
            "DELETE FROM unreadable WHERE topic = ? AND key = ?", [(topic, key) for key in readable]
        )
        told = [(topic, key, why) for key, why in unreadable.items()]
        self.connection.executemany("INSERT OR REPLACE INTO unreadable VALUES (?, ?, ?)", told)
        places = [(topic, number, position) for number, position in positions.items()]
        self.connection.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?, ?)", places)
        self.connection.execute("COMMIT")

    def note(self, **meta: str) -> None:
        """Keep something beside the rows."""
        self.connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta.items())

    def note_read(self, topic: Name, moment: float) -> None:
        """Note that a topic was read to its end, beginning at this moment."""
        self.connection.execute("UPDATE topics SET read = ? WHERE topic = ?", [moment, topic])

    def tidy(self, replaced: int) -> bool:
        """Let go of contents and names that no row points to, if so many rows were written that this may be half of them; return whether it was."""
        (used,) = self.connection.execute("SELECT count(*) FROM contents").fetchone()
        if replaced < max(_MIN_WASTE, used // 2):
            return False
        self.connection.execute(_UNUSED)
        self.connection.execute(_UNNAMED)
        self._numbers.clear()
        return True

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def _write(self, table: str, row: Row) -> None:
        key = tuple(map(self._column, row.key))
        if row.values is None:
            self.connection.execute(_DELETES[table], key)
        else:
            self.connection.execute(_INSERTS[table], (*key, *map(self._column, row.values)))

    def _column(self, value: Value) -> str | int | bytes:
        if isinstance(value, Principal):
            return self._number(
                value.name, "INSERT INTO principals (name) VALUES (?)", "principals WHERE name", [value.name]
            )
        if isinstance(value, Content):
            digest = blake2b(value.text, digest_size=_DIGEST_BYTES).digest()
            insert = "INSERT INTO contents (digest, text) VALUES (?, ?)"
            return self._number(digest, insert, "contents WHERE digest", [digest, value.text.decode()])
        return value

    def _number(self, name: str | bytes, insert: str, where: str, values: list[Any]) -> int:
        number = self._numbers.get(name)
        if number is None:
            found = self.connection.execute(f"SELECT id FROM {where} = ?", [name]).fetchone()  # noqa: S608 - names of ours
            number = found[0] if found else self.connection.execute(insert, values).lastrowid
            if len(self._numbers) >= _MAX_REMEMBERED:
                self._numbers.clear()
            self._numbers[name] = number = int(number or 0)
        return number
