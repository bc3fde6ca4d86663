"""Bringing the view up to date: what topics have come to hold since it was read last, or everything where that is no longer enough."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time
from typing import Final, NamedTuple

from deploy.kafka import generations_of
from deploy.view.rows import Row, rows_of
from deploy.view.schema import SHARING, version_of_view
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
        found = _follow(settings, store, _Topic(topic, f"{generation}/{partitions}", partitions), progress)
        replaced += found if topic in SHARING else 0
    store.note(replaced="0" if store.tidy(replaced) else str(replaced))
    return store


class _Topic(NamedTuple):
    """A topic as Kafka has it now."""

    name: Name
    generation: str
    partitions: int


def _follow(settings: Settings, store: Store, topic: _Topic, progress: Progress) -> int:
    """Read a topic to its end, from its beginning where it cannot be gone on from; return how many rows that may have replaced."""
    began, replaced = time(), 0
    if not _goes_on(store.followed(topic.name), topic.generation):
        replaced = store.begin(topic.name, topic.generation, began)
    try:
        replaced += _read(settings, store, topic, progress)
    except Moved:
        replaced += store.begin(topic.name, topic.generation, began)
        _read(settings, store, topic, progress)
    store.note_read(topic.name, began)
    return replaced


def _goes_on(known: Followed | None, generation: str) -> bool:
    """Return whether what is there is of this topic, and was read not too long ago."""
    return known is not None and known.generation == generation and 0 <= time() - known.read < _LONGEST_SECONDS


def _read(settings: Settings, store: Store, topic: _Topic, progress: Progress) -> int:
    begin, batch = store.positions(topic.name), _Batch(store, topic.name, progress)
    read_to_end(
        settings.kafka, _CLIENT, topic.name, range(topic.partitions), batch.take, begin=begin, noted=batch.write
    )
    return batch.read if begin else 0


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


class _Batch:
    """What was read of one topic since it was last written."""

    def __init__(self, store: Store, topic: Name, progress: Progress) -> None:
        self.read = 0
        self._store = store
        self._topic: Name = topic
        self._progress = progress
        self._rows: list[Row] = []
        self._unreadable = store.unreadable(topic)
        self._told: dict[bytes, str] = {}
        self._mended: set[bytes] = set()
        self._written: dict[int, int] = {}

    def take(self, message: Consumed) -> None:
        """Take in a record; one that cannot be read is noted, whoever wrote it has a dead letter of it or has not started.

        What it has replaced is gone, as it is once the topic has been compacted.
        """
        self.read += 1
        key, value = message.key() or b"", message.value()
        try:
            self._rows.extend(rows_of(self._topic, key, value))
        except Invalid as error:
            with suppress(Invalid):
                self._rows.extend(rows_of(self._topic, key, None))
            if value is not None:
                self._unreadable.add(key)
                self._told[key] = str(error)
                return
        if key in self._unreadable:
            self._unreadable.remove(key)
            self._told.pop(key, None)
            self._mended.add(key)

    def write(self, positions: Mapping[int, int]) -> None:
        """Write what was taken, where anything was."""
        if positions == self._written:
            return
        self._store.write(self._topic, self._rows, positions, self._told, self._mended)
        self._progress(self._topic, self.read)
        self._rows.clear()
        self._told.clear()
        self._mended.clear()
        self._written = dict(positions)
