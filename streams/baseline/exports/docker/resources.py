"""The limits of a container, and what was used of what has none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import ceil
from typing import Final

from streams.baseline.exports.docker.command import Command
from streams.baseline.exports.words import spread

__all__ = ["add_resources"]

_FLAGS: Final = (("memory", "--memory", "bytes"), ("cpu", "--cpus", "cores"), ("pids", "--pids-limit", "processes"))
_NUMBER: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,9})?")
_BANDS: Final = re.compile(r"(-?[0-9]{1,3})(?:-(-?[0-9]{1,3}))?")
_BANDS_AN_OCTAVE: Final = 4


def add_resources(command: Command) -> None:
    """Add each limit, the largest where there were several; where there was none, say what was used."""
    for metric, flag, unit in _FLAGS:
        limits = [value for value in command.settings.of(f"limits.{metric}") if _NUMBER.fullmatch(value)]
        if limits:
            command.add(f"{flag}={max(limits, key=float)}")
        else:
            command.note("Open", f"{metric} has no limit; {_used(command, metric, unit)}")


def _used(command: Command, metric: str, unit: str) -> str:
    highest = max(_highest(command, metric), default=None)
    if highest is None:
        return "how much is used is not in the baseline"
    limit = 2 ** ((highest + 1) / _BANDS_AN_OCTAVE)
    return f"less than {ceil(limit) if limit > 1 else round(limit, 3)} {unit} were used"


def _highest(command: Command, metric: str) -> Iterator[int]:
    for element in command.observed("resource") or ():
        name, word = spread(element, 2)
        bands = _BANDS.fullmatch(word) if name == metric else None
        if bands is not None:
            yield int(bands[2] or bands[1])
