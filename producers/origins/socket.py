"""A Unix stream socket, one record a line.

Example: ``tidewaiter collect auditd --socket /run/tidewaiter/audit.sock``. Whoever writes cannot be asked again, so lines go
through the spool.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import socket
import stat
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from producers.lines import Line, LineCutter
from producers.origins.spooled import Keep
from producers.spool import Entry, SpoolFull
from schemas.errors import ConfigurationError

__all__ = ["SocketFeeder"]

_CHUNK_BYTES: Final = 256 * 1024
_ROOM_SECONDS: Final = 0.05
_MODE: Final = 0o660


class SocketFeeder:
    """Listens on a path, which only its owner and group may write to; several may write at once, each in whole lines.

    Lines are safe once they are in the spool, of which writers are not told. While the spool is full nothing is read, so
    that writers wait. A last line without an end is a record when its writer has gone.
    """

    def __init__(self, path: Path, max_line_bytes: int) -> None:
        self._path = path
        self._max_line_bytes = max_line_bytes
        self._thread = ThreadPoolExecutor(1, "socket")
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._writers: set[asyncio.Task[None]] = set()

    def start(self, keep: Keep) -> Future[None]:
        """Begin to listen."""
        listener = self._listen()
        return self._thread.submit(self._loop.run_until_complete, self._serve(listener, keep))

    def stop(self) -> None:
        """Stop listening, keep what whole lines have come, and remove the path."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.shutdown()
        self._loop.close()

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if self._is_left_over():
                self._path.unlink()
            listener.bind(str(self._path))
            self._path.chmod(_MODE)
            listener.listen()
            listener.setblocking(False)  # noqa: FBT003 - the signature is the standard library's
        except OSError as error:
            listener.close()
            raise ConfigurationError(
                f"cannot listen on {self._path}: {error.strerror}; check the path of --socket"
            ) from error
        return listener

    def _is_left_over(self) -> bool:
        """Return whether a socket is there that nobody listens on; a living one, or anything else, is left alone."""
        if not self._path.exists() or not stat.S_ISSOCK(self._path.stat().st_mode):
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(str(self._path)) == errno.ECONNREFUSED

    async def _serve(self, listener: socket.socket, keep: Keep) -> None:
        with listener:
            async with asyncio.TaskGroup() as group:
                accepting = group.create_task(self._accept(listener, keep, group))
                await self._stopping.wait()
                self._path.unlink(missing_ok=True)
                accepting.cancel()
                for task in self._writers:
                    task.cancel()

    async def _accept(self, listener: socket.socket, keep: Keep, group: asyncio.TaskGroup) -> None:
        for number in itertools.count(1):
            connection, _ = await self._loop.sock_accept(listener)
            task = group.create_task(self._receive(connection, keep, f"{self._path}#{number}"))
            self._writers.add(task)
            task.add_done_callback(self._writers.discard)

    async def _receive(self, connection: socket.socket, keep: Keep, name: str) -> None:
        cutter = LineCutter(self._max_line_bytes)
        with connection:
            while chunk := await self._chunk(connection):
                await self._put(keep, cutter.feed(chunk), name)
        rest = cutter.rest()
        if rest is not None:
            await self._put(keep, [rest], name)

    async def _chunk(self, connection: socket.socket) -> bytes:
        try:
            return await self._loop.sock_recv(connection, _CHUNK_BYTES)
        except ConnectionError:
            return b""

    async def _put(self, keep: Keep, lines: list[Line], name: str) -> None:
        while lines:
            try:
                await asyncio.wrap_future(keep([Entry(line.data, name) for line in lines]))
            except SpoolFull:
                await asyncio.sleep(_ROOM_SECONDS)
            else:
                return
