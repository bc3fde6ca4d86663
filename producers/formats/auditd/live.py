"""The container of a process, found while it can be and written into the line.

Many processes have ended before their records are read. Their parents may still tell, or the device that the program lies
on: each container has a root file system of its own, with a device number of its own (``dev=00:28`` in the PATH record of an
exec), which is learned from the execs of processes that could be found.
"""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from producers.containers import ContainerResolver

__all__ = ["LiveContainers"]

_EVENT: Final = re.compile(rb"type=([A-Z_]+) (msg=audit\([0-9.:]+\))")
_PID: Final = re.compile(rb"[ :]pid=(\d{1,10})\b")
_PARENT: Final = re.compile(rb"[ :]ppid=(\d{1,10})\b")
_CONTAINER: Final = re.compile(rb" container=[0-9a-f]{64}$")
_PROGRAM: Final = re.compile(rb" item=0 .* dev=(00:[0-9a-f]+) ")
_SUCCESS: Final = b" success=yes "
_MAX_EVENTS: Final = 1_024
_MAX_DEVICES: Final = 4_096


@dataclass(frozen=True, slots=True)
class _Act:
    """A system call: who made it, whether it succeeded, whether it was an exec; ``lives``: of the host for certain."""

    pid: int
    container: str | None
    lives: bool
    succeeded: bool
    executes: bool = False


class LiveContainers:
    """Marks lines of this host (``host``, where they name their node) with `` container=<64 hex digits>`` at their end."""

    def __init__(self, host: str, resolver: ContainerResolver, root: Path = Path("/")) -> None:
        self._node = b"node=%b " % host.encode()
        self._resolver = resolver
        self._acts: OrderedDict[bytes, _Act] = OrderedDict()
        device = root.stat().st_dev
        self._devices: OrderedDict[bytes, str | None] = OrderedDict(
            {b"%02x:%02x" % (os.major(device), os.minor(device)): None}
        )

    def marked(self, line: bytes) -> bytes:
        """Return the line with the container of its process, or as it is."""
        event = _EVENT.search(line[: len(self._node) + 128])
        foreign = line.startswith(b"node=") and not line.startswith(self._node)
        if event is None or foreign or _CONTAINER.search(line):
            return line
        container = self._container(event[1], event[2], line)
        return b"%b container=%b" % (line, container.encode()) if container else line

    def _container(self, type_: bytes, event: bytes, line: bytes) -> str | None:
        act = self._acts.get(event)
        if type_ == b"EXECVE" and act is not None:
            self._acts[event] = replace(act, executes=True)
        elif type_ == b"PATH" and act is not None and act.executes:
            return self._by_device(act, line)
        elif type_ != b"PATH":
            return self._by_process(event, line)
        return None

    def _by_process(self, event: bytes, line: bytes) -> str | None:
        pid, parent = _PID.search(line), _PARENT.search(line)
        if pid is None:
            return None
        process = int(pid[1])
        container = self._resolver.container_of(process, int(parent[1]) if parent else None)
        lives = container is None and self._resolver.lives(process)
        self._acts[event] = _Act(process, container, lives, _SUCCESS in line)
        if len(self._acts) > _MAX_EVENTS:
            self._acts.popitem(last=False)
        return container

    def _by_device(self, act: _Act, line: bytes) -> str | None:
        program = _PROGRAM.search(line)
        if program is None or not act.succeeded:
            return None
        device = program[1]
        if act.container is None and not act.lives:
            found = self._devices.get(device)
            if found is not None:
                self._resolver.remember(act.pid, found)
            return found
        self._learn(device, act.container)
        return None

    def _learn(self, device: bytes, container: str | None) -> None:
        """Take a device as a container's, or for good as the host's: containers may execute its programs too."""
        if container is None or self._devices.get(device, "") is not None:
            self._devices[device] = container
            self._devices.move_to_end(device)
        if len(self._devices) > _MAX_DEVICES:
            self._devices.popitem(last=False)
