"""Bringing the view up to date: what topics have come to hold since it was read last, or everything where that is no longer enough."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Final

from deploy.kafka import generations_of
from deploy.view.rows import Row, rows_of
from deploy.view.schema import version_of_view
from deploy.view.store import Followed, Store
from schemas.errors import ConfigurationError, Invalid
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
    settings: Settings, topics: Iterable[Name], *, rebuild: bool = False, progress: Progress = _in_silence
) -> Iterator[sqlite3.Connection]:
    """Bring what the view has of these topics up to date and let it be read, as it is then, while the context lasts.

    Several processes may ask at once: one brings the view up to date, the others wait for it and read on from there. Blocks while a
    transaction of a judge is open. Raises ``ConfigurationError`` where Kafka does not answer or has no such topics, or there is no
    right or room to keep the view.
    """
    directory = settings.state_directory / "view"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with (directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            store = update(settings, directory / _FILE, topics, rebuild=rebuild, progress=progress)
            store.connection.execute("BEGIN")
            store.connection.execute("SELECT 1 FROM meta").fetchone()  # what is read from now on is of this moment
    except (OSError, sqlite3.OperationalError) as error:
        raise ConfigurationError(
            f"the local view cannot be kept in {directory}: {error}; check the rights and the space there, or set state_directory"
        ) from error
    try:
        yield store.connection
    finally:
        store.close()


def update(
    settings: Settings, path: Path, topics: Iterable[Name], *, rebuild: bool = False, progress: Progress = _in_silence
) -> Store:
    """Return the view in a file, of these topics up to date; the caller keeps others from writing it."""
    generations = generations_of(settings.kafka, topics)
    store, version = _opened(path), version_of_view()
    if rebuild or store.meta().get("version") != version:
        store.close()
        _remove(path)
        store = Store(path)
        store.create({"version": version, "replaced": "0"})
    replaced = int(store.meta()["replaced"])
    for topic, (generation, partitions) in generations.items():
        replaced += _follow(settings, _Batch(store, topic, progress), f"{generation}/{partitions}", partitions)
    store.note(replaced="0" if store.tidy(replaced) else str(replaced))
    return store


def _follow(settings: Settings, batch: _Batch, generation: str, partitions: int) -> int:
    """Read a topic to its end, from its beginning where it cannot be gone on from; return how many rows that may have replaced."""
    store, topic, began, replaced = batch.store, batch.topic, time(), 0
    if not _goes_on(store.followed(topic), generation):
        replaced = store.begin(topic, generation, began)
    begin = store.positions(topic)
    try:
        _read(settings, batch, partitions, begin)
    except Moved:
        replaced += store.begin(topic, generation, began)
        begin = {}
        _read(settings, batch, partitions, begin)
    store.note_read(topic, began)
    return replaced + (batch.read if begin else 0)


def _goes_on(known: Followed | None, generation: str) -> bool:
    """Return whether what is there is of this topic, and was read not too long ago."""
    return known is not None and known.generation == generation and 0 <= time() - known.read < _LONGEST_SECONDS


def _read(settings: Settings, batch: _Batch, partitions: int, begin: Mapping[int, int]) -> None:
    read_to_end(settings.kafka, _CLIENT, batch.topic, range(partitions), batch.take, begin=begin, noted=batch.write)


def _opened(path: Path) -> Store:
    try:
        return Store(path)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in _BROKEN:
            raise
        _remove(path)
        return Store(path)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


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
        self.store.write(self.topic, self._rows, positions, self.unreadable)
        self.progress(self.topic, self.read)
        self._rows.clear()
        self.unreadable = 0
        self._written = dict(positions)
