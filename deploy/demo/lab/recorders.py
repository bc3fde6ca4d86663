"""The recorders: our own collectors with ``--record``, one for each sensor, and the merging of what they took."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import zstandard

from deploy.demo.lab.errors import LabError
from deploy.demo.lab.processes import CLEAN_ENVIRONMENT, must_live, running
from schemas.codec import dumps, loads

HOST = "shop-host-1"
START_SECONDS = 5
# An event of auditd is complete once the next one has come, or after two seconds.
SETTLE_SECONDS = 4
COMPRESSION_LEVEL = 19


@contextmanager
def recorders_running(folder: Path, sources: Mapping[str, Sequence[str]]) -> Iterator[list[Path]]:
    """Run a collector for each format with the options that name its source; yield the files that they write.

    They are stopped in the end, and have written everything then.
    """
    environment = CLEAN_ENVIRONMENT | {"TIDEWAITER_STATE_DIRECTORY": str(folder / "state")}
    files = [folder / f"{name}.ndjson" for name in sources]
    with ExitStack() as stack:
        logs = {}
        for (name, options), file in zip(sources.items(), files, strict=True):
            command = [sys.executable, "-m", "deploy.cli", "collect", name, *options]
            command += ["--record", str(file), "--host", HOST, "--id", f"{HOST}-{name}"]
            log = folder / f"collect-{name}.log"
            logs[log] = stack.enter_context(running(command, log=log, environment=environment))
        time.sleep(START_SECONDS)
        _all_live(logs)
        yield files
        time.sleep(SETTLE_SECONDS)
        _all_live(logs)


def _all_live(logs: Mapping[Path, Any]) -> None:
    for log, process in logs.items():
        must_live(process, log)


def merge(files: list[Path], target: Path) -> Counter[str]:
    """Write the recorders' lines, sorted by time, into one compressed file; return how many there are of each format."""
    lines = [line for file in files for line in file.read_bytes().splitlines()]
    records = sorted(map(loads, lines), key=lambda record: int(record["time"]))
    if not records:
        raise LabError("the recorders have taken nothing")
    text = b"".join(dumps(record) + b"\n" for record in records)
    target.write_bytes(zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_content_size=True).compress(text))
    return Counter(record["format"] for record in records)
