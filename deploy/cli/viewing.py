"""The local view for commands, which are told how far it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from deploy.cli.console import err
from deploy.view.read import unreadable
from deploy.view.update import following
from schemas.settings import Settings
from schemas.topics import Name

__all__ = ["tell_left_out", "viewing"]


@contextmanager
def viewing(settings: Settings, topics: Iterable[Name], *, rebuild: bool = False) -> Iterator[sqlite3.Connection]:
    """Follow topics, as ``deploy.view.update`` does, and say on a terminal what is being read."""
    with err.status("reading what Kafka holds") as status:

        def progress(topic: Name, records: int) -> None:
            status.update(f"reading {topic}: {records} records")

        with following(settings, topics, rebuild=rebuild, progress=progress) as view:
            status.stop()
            yield view


def tell_left_out(view: sqlite3.Connection, topics: Sequence[Name]) -> None:
    """Say what could not be read of topics, where an answer may do without."""
    if left_out := unreadable(view, topics):
        err.print(f"left out: {left_out}", style="yellow", markup=False, soft_wrap=True)
