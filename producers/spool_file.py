"""The SQLite file of a spool: opened, checked, and moved aside when it is broken."""

from __future__ import annotations

import sqlite3
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.errors import ConfigurationError

__all__ = ["SpoolFile", "connect", "open_spool_file"]

_BROKEN: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB NOT NULL, place TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS identity (id TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class SpoolFile:
    """A file that can be used; ``lost`` is where a broken one was moved to, None if there was none."""

    path: Path
    identity: str
    lost: Path | None


def open_spool_file(path: Path) -> SpoolFile:
    """Make the file or check the one that is there; a broken one is moved aside, and a new one has another identity.

    Raises ``ConfigurationError`` if it cannot be used at all.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lost = None if _is_sound(path) else _move_aside(path)
        return SpoolFile(path, _prepare(path), lost)
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(
            f"the spool {path} cannot be used: {error}; check the rights and the space there, or set state_directory"
        ) from error


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection for one thread, which need not be the calling one; every commit is synced to the disk."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _is_sound(path: Path) -> bool:
    if not path.exists():
        return True
    connection = sqlite3.connect(path)
    try:
        return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in _BROKEN:
            raise
        return False
    finally:
        connection.close()


def _move_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.broken-{time.time_ns()}")
    for ending in ("", "-wal", "-shm"):
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    return aside


def _prepare(path: Path) -> str:
    connection = connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(_SCHEMA)
        found = connection.execute("SELECT id FROM identity").fetchone()
        if found is None:
            found = (uuid.uuid4().hex,)
            connection.execute("INSERT INTO identity VALUES (?)", found)
        return str(found[0])
    finally:
        connection.close()
