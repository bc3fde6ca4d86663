"""Event numbers: dense per (collector, partition), so that every hole would show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["FIRST", "Numbers"]

FIRST: Final = 1


class Numbers:
    """The next number of each partition, counted from 1; ``committed`` is what an earlier run came to."""

    def __init__(self, collector_id: str, partitions: int, committed: Mapping[int, int]) -> None:
        self._collector_id = collector_id
        self._next = [committed.get(partition, FIRST) for partition in range(partitions)]

    def event_id(self, partition: int) -> str:
        """Return the id of the partition's next event: ``shop-docker:0003:000000000042``."""
        return f"{self._collector_id}:{partition:04d}:{self._next[partition]:012d}"

    def advance(self, partition: int) -> None:
        """Say that the id was used."""
        self._next[partition] += 1

    def last(self, partition: int) -> int:
        """Return the last number that was used; 0 before the first."""
        return self._next[partition] - 1

    def snapshot(self) -> dict[int, int]:
        """Return the next number of each partition that has one, to be committed with the events."""
        return {partition: number for partition, number in enumerate(self._next) if number > FIRST}
