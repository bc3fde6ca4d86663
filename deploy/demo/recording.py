"""The recording that ships with the demo, and playing it into files that real collectors follow.

``recording.ndjson.zst`` holds one raw record a line in the order in which they were taken, as in
``{"time": 1795425279750, "format": "auditd", "line": "type=SYSCALL msg=…"}``; ``manifest.json`` tells the story around it.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import zstandard

from schemas.codec import loads
from schemas.errors import ConfigurationError

__all__ = ["FORMATS", "Change", "Recording", "Step", "play"]

DIRECTORY: Final = Path(__file__).parent / "recording"
FORMATS: Final = ("docker", "auditd", "kubernetes-audit")

_TICK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the attack as the script that made the recording did it; ``time`` is milliseconds since 1970."""

    step: str
    time: int
    container: str
    what: str


@dataclass(frozen=True, slots=True)
class Change:
    """What the shop's people changed in normal operation: ``restart``, ``scale-up``, ``scale-down``, ``rollout`` and such."""

    time: int
    change: str
    containers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """Raw records of several sensors, in the order in which they were taken, and the story behind them.

    Where there is no attack, ``attack_start`` is the recording's end.
    """

    path: Path
    attack_start: int
    steps: tuple[Step, ...]
    changes: tuple[Change, ...] = ()

    @classmethod
    def shipped(cls) -> Recording:
        """Return the recording of the demo; raise ``ConfigurationError`` where the installation lacks it."""
        return cls._of("recording.ndjson.zst", "manifest.json")

    @classmethod
    def normal_hour(cls) -> Recording:
        """Return an hour of normal load with a rollout; raise ``ConfigurationError`` where the installation lacks it."""
        return cls._of("normal-hour.ndjson.zst", "normal-hour.json")

    @classmethod
    def _of(cls, records: str, manifest: str) -> Recording:
        path = DIRECTORY / manifest
        if not path.is_file():
            raise ConfigurationError(
                f"{path} is missing: install Tidewaiter again, or make a recording with python -m deploy.demo.lab"
            )
        told = loads(path.read_bytes())
        steps = tuple(
            Step(step["step"], step["time"], step["container"], step["what"]) for step in told.get("steps", ())
        )
        changes = tuple(
            Change(change["time"], change["change"], tuple(change["containers"])) for change in told.get("changes", ())
        )
        return cls(DIRECTORY / records, told.get("attack_start", told["end"]), steps, changes)

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records: ``time`` in milliseconds since 1970, ``format``, ``line``."""
        with self.path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            for line in io.BufferedReader(stream):
                yield loads(line)


def play(records: Sequence[dict[str, Any]], directory: Path, seconds: float, passed: Callable[[int], None]) -> None:
    """Append records to ``directory/FORMAT.log`` within about ``seconds``, keeping order and relative pace.

    ``passed`` is called with the recorded time that the play has come to.
    """
    first, last = records[0]["time"], records[-1]["time"]
    speed = max((last - first) / (seconds * 1000), 1e-9)
    started, clock = time.monotonic(), 0.0
    with ExitStack() as stack:
        files = {name: stack.enter_context((directory / f"{name}.log").open("ab")) for name in FORMATS}
        for record in records:
            due = (record["time"] - first) / speed / 1000
            if due - clock >= _TICK_SECONDS:
                clock = due
                _flush(files)
                passed(record["time"])
                time.sleep(max(0.0, started + due - time.monotonic()))
            files[record["format"]].write(record["line"].encode() + b"\n")
    passed(last)


def _flush(files: dict[str, io.BufferedWriter]) -> None:
    for file in files.values():
        file.flush()
