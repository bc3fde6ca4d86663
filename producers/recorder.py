"""Recording: what an origin gives, enriched and unparsed, in a file that can be played again.

One JSON object a line: ``{"time": 1767348000123, "format": "auditd", "line": "type=SYSCALL …"}``, ``time`` in milliseconds
since 1970 as the collector read it. Bytes that are not UTF-8 become U+FFFD.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import BinaryIO, Final

from producers.origins.spooled import Enrich
from producers.types import Gap, Origin, Record
from schemas.codec import dumps

__all__ = ["Recorder"]

_LIMIT: Final = 2_000
_IDLE_SECONDS: Final = 0.2


class Recorder:
    """Writes an origin's records behind what is in a file, and lets the origin let go of them once they are on the disk.

    At least once: what was not synced before a crash is asked for again where the origin can be asked.
    """

    def __init__(self, origin: Origin, format_name: str, path: Path, enrich: Enrich | None = None) -> None:
        self.recorded = 0
        self._origin = origin
        self._format_name = format_name
        self._path = path
        self._enrich = enrich
        self._stopping = False

    def stop(self) -> None:
        """Ask ``run`` to write what it has and return; may be called from a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Record until the origin ends or ``stop`` is called. Gaps are not recorded."""
        try:
            self._origin.open(None)
            with self._path.open("ab") as file:
                while not self._stopping:
                    self._step(file)
        except EOFError:
            return
        finally:
            self._origin.close()

    def _step(self, file: BinaryIO) -> None:
        items = self._origin.read(_LIMIT, _IDLE_SECONDS)
        records = [item for item in items if not isinstance(item, Gap)]
        if not records:
            return
        file.writelines(map(self._line, records))
        file.flush()
        os.fsync(file.fileno())
        self.recorded += len(records)
        self._origin.acknowledge(records[-1].position)

    def _line(self, record: Record) -> bytes:
        enriched = self._enrich(record) if self._enrich else record
        milliseconds = time.time_ns() // 1_000_000
        text = enriched.data.decode("utf-8", "replace")
        return dumps({"time": milliseconds, "format": self._format_name, "line": text}) + b"\n"
