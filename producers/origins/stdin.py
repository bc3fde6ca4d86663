"""Standard input, one record a line.

Example: ``some-sensor | tidewaiter collect falco --stdin``. A pipe cannot be asked again, so lines go through the spool.
"""

from __future__ import annotations

import os
import select
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from producers.lines import Line, LineCutter
from producers.origins.spooled import Keep
from producers.spool import Entry, SpoolFull

__all__ = ["StdinFeeder"]

_CHUNK_BYTES: Final = 256 * 1024
_ROOM_SECONDS: Final = 0.05


class StdinFeeder:
    """Reads a file descriptor to its end; while the spool is full it reads nothing, so that the writer waits.

    Lines are safe once they are in the spool; what the pipe itself holds when the process is killed is lost with it.
    """

    def __init__(self, descriptor: int, max_line_bytes: int) -> None:
        self._descriptor = descriptor
        self._cutter = LineCutter(max_line_bytes)
        self._number = 0
        self._stopping = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        self._thread = ThreadPoolExecutor(1, "stdin")

    def start(self, keep: Keep) -> Future[None]:
        """Begin to read."""
        return self._thread.submit(self._feed, keep)

    def stop(self) -> None:
        """Stop reading; what is in the pipe stays there."""
        self._stopping.set()
        os.write(self._wake_write, b"\n")
        self._thread.shutdown()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _feed(self, keep: Keep) -> None:
        while self._waited():
            chunk = os.read(self._descriptor, _CHUNK_BYTES)
            if not chunk:
                rest = self._cutter.rest()
                self._put(keep, [] if rest is None else [rest])
                return
            self._put(keep, self._cutter.feed(chunk))

    def _waited(self) -> bool:
        """Wait for input; return False when it is time to stop."""
        ready, _, _ = select.select([self._descriptor, self._wake_read], [], [])
        return self._wake_read not in ready

    def _put(self, keep: Keep, lines: list[Line]) -> None:
        first = self._number + 1
        self._number += len(lines)
        entries = [Entry(line.data, f"stdin:{number}") for number, line in enumerate(lines, first)]
        while entries:
            try:
                keep(entries).result()
            except SpoolFull:
                if self._stopping.wait(_ROOM_SECONDS):
                    return
            else:
                return
