"""The record of a started process on disk: enough to find it again, and never to take another process for it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

__all__ = ["RunFile", "measure_creation_seconds", "read_run_files"]

SUFFIX = ".pid.json"
CREATION_TOLERANCE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class RunFile:
    """One started process; with the time of its creation, since the system gives a process id out again."""

    name: str
    process_id: int
    created_since_boot_seconds: float
    log: str
    address: str
    stop_timeout_seconds: float

    @property
    def age_seconds(self) -> float:
        """Return how long ago the process was created; it may have ended since."""
        return time.time() - psutil.boot_time() - self.created_since_boot_seconds

    def find_process(self) -> psutil.Process | None:
        """Return the process while it lives: None where it has ended, is a zombie, or its id has another process now."""
        try:
            process = psutil.Process(self.process_id)
            difference_seconds = abs(measure_creation_seconds(process) - self.created_since_boot_seconds)
            alive = process.status() != psutil.STATUS_ZOMBIE and difference_seconds < CREATION_TOLERANCE_SECONDS
        except psutil.NoSuchProcess:
            return None
        return process if alive else None

    def write(self, directory: Path) -> None:
        """Write the file whole, replacing an older one of the same name."""
        staging = directory / f"{self.name}.new"
        staging.write_text(json.dumps(asdict(self)))
        staging.replace(directory / f"{self.name}{SUFFIX}")

    def remove(self, directory: Path) -> None:
        (directory / f"{self.name}{SUFFIX}").unlink(missing_ok=True)


def measure_creation_seconds(process: psutil.Process) -> float:
    """Return when the process was created, in seconds since boot: the same also after somebody has set the clock."""
    return process.create_time() - psutil.boot_time()


def read_run_files(directory: Path) -> tuple[RunFile, ...]:
    """Return the records of a directory in the order in which the processes were started."""
    records = (RunFile(**json.loads(path.read_text())) for path in directory.glob(f"*{SUFFIX}"))
    return tuple(sorted(records, key=lambda record: record.created_since_boot_seconds))
