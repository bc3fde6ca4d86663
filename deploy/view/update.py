"""Bringing the view up to date: what topics have come to hold since it was read last, or everything where that is no longer enough."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Final

from deploy.kafka import generations_of
from deploy.view.rows import TOPICS_READ, Row, rows_of
from deploy.view.schema import version_of_view
from deploy.view.store import Store
from schemas.codec import dumps_sorted
from schemas.errors import Invalid
from schemas.settings import Settings
from schemas.topics import Name
from streams.kafka import Consumed
from streams.restoring import Moved, read_to_end

__all__ = ["Progress", "following", "update"]

_FILE: Final = "view.sqlite"
_CLIENT: Final = "tidewaiter-view"
_LONGEST_SECONDS: Final = 20 * 3600.0
"""A tombstone stays in its topic for a day at least: whoever was away longer may have missed one (``delete.retention.ms``)."""

_BROKEN: Final = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})

Progress = Callable[[Name, int], None]
"""Told how many records of a topic were read more."""


def _in_silence(_: Name, __: int) -> None:
    """Tell nobody."""


@contextmanager
def following(
    settings: Settings, *, rebuild: bool = False, progress: Progress = _in_silence
) -> Iterator[sqlite3.Connection]:
    """Bring the view up to date and let it be read, as it is then, while the context lasts.

    Several processes may ask at once: one brings the view up to date, the others wait for it and read on from there. Blocks while a
    transaction of a judge is open. Raises ``ConfigurationError`` where Kafka does not answer or has no such topics.
    """
    directory = settings.state_directory / "view"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        store = update(settings, directory / _FILE, rebuild=rebuild, progress=progress)
        store.connection.execute("BEGIN")
        store.connection.execute("SELECT 1 FROM meta").fetchone()  # what is read from now on is of this moment
    try:
        yield store.connection
    finally:
        store.close()


def update(settings: Settings, path: Path, *, rebuild: bool = False, progress: Progress = _in_silence) -> Store:
    """Return the view in a file, up to date; the caller keeps others from writing it."""
    generations = generations_of(settings.kafka, TOPICS_READ)
    expected = {"version": version_of_view(), "generation": dumps_sorted(generations).decode()}
    partitions = {topic: count for topic, (_, count) in generations.items()}
    store = _opened(path)
    if rebuild or not _goes_on(store.meta(), expected):
        store = _anew(store, path, expected)
    try:
        _read(settings, store, partitions, progress)
    except Moved:
        store = _anew(store, path, expected)
        _read(settings, store, partitions, progress)
    return store


def _goes_on(meta: Mapping[str, str], expected: Mapping[str, str]) -> bool:
    """Return whether what is there is of these topics and this version, and was read not too long ago."""
    return expected.items() <= meta.items() and 0 <= time() - float(meta["read"]) < _LONGEST_SECONDS


def _opened(path: Path) -> Store:
    try:
        return Store(path)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in _BROKEN:
            raise
        _remove(path)
        return Store(path)


def _anew(store: Store, path: Path, meta: Mapping[str, str]) -> Store:
    store.close()
    _remove(path)
    store = Store(path)
    store.create({**meta, "read": str(time()), "replaced": "0", "unreadable": "0"})
    return store


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _read(settings: Settings, store: Store, partitions: Mapping[Name, int], progress: Progress) -> None:
    began, meta = time(), store.meta()
    replaced, unreadable = int(meta["replaced"]), int(meta["unreadable"])
    for topic in TOPICS_READ:
        batch, begin = _Batch(store, topic, progress), store.positions(topic)
        numbers = range(partitions[topic])
        read_to_end(settings.kafka, _CLIENT, topic, numbers, batch.take, begin=begin, noted=batch.write)
        replaced += batch.read if begin else 0
        unreadable += batch.unreadable
    replaced = 0 if store.tidy(replaced) else replaced
    store.note(read=str(began), replaced=str(replaced), unreadable=str(unreadable))


@dataclass(slots=True)
class _Batch:
    """What was read of one topic since it was last written."""

    store: Store
    topic: Name
    progress: Progress
    read: int = 0
    unreadable: int = 0
    _rows: list[Row] = field(default_factory=list)
    _written: dict[int, int] = field(default_factory=dict)

    def take(self, message: Consumed) -> None:
        """Take in a record; one that cannot be read is counted, whoever wrote it has a dead letter of it or has not started.

        What it has replaced is gone, as it is once the topic has been compacted.
        """
        self.read += 1
        try:
            self._rows.extend(rows_of(self.topic, message.key(), message.value()))
        except Invalid:
            self.unreadable += 1
            with suppress(Invalid):
                self._rows.extend(rows_of(self.topic, message.key(), None))

    def write(self, positions: Mapping[int, int]) -> None:
        if positions == self._written:
            return
        self.store.write(self.topic, self._rows, positions)
        self.progress(self.topic, self.read)
        self._rows.clear()
        self._written = dict(positions)
