"""Running a feeder through a spool, as the collector does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from producers.origins.spooled import Enrich, Feeder, SpooledOrigin
from producers.types import Gap, Position, Record

MEBIBYTE = 1024 * 1024


@contextmanager
def fed(
    path: Path,
    feeder: Feeder,
    position: Position | None = None,
    *,
    enrich: Enrich | None = None,
    max_bytes: int = MEBIBYTE,
) -> Iterator[SpooledOrigin]:
    """Open an origin over a feeder, and close it whatever happens."""
    origin = SpooledOrigin("shop", path, max_bytes, feeder, enrich)
    try:
        origin.open(position)
        yield origin
    finally:
        origin.close()


def records(origin: SpooledOrigin, amount: int) -> list[Record]:
    """Read until so many records came."""
    found: list[Record] = []
    while len(found) < amount:
        found += [item for item in origin.read(1000, 0.1) if not isinstance(item, Gap)]
    return found


def to_the_end(origin: SpooledOrigin) -> list[Record | Gap]:
    """Read until the origin ends."""
    found: list[Record | Gap] = []
    while True:
        try:
            found += origin.read(1000, 0.1)
        except EOFError:
            return found
