"""The container of a process, found while it can be.

Many processes have ended before their records are read. Their parents may still tell, or the device that the program lies
on: each container has a root file system of its own, with a device number of its own (``dev=00:28`` in the PATH record of an
exec), which is learned from the execs of processes that could be found.
"""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from pathlib import Path
from typing import Final

from producers.containers import ContainerResolver
from producers.formats.auditd.acts import Act

__all__ = ["Owners"]

_PROGRAM: Final = re.compile(rb" item=0 .* dev=(00:[0-9a-f]+) ")
_MAX_DEVICES: Final = 4_096


class Owners:
    """Finds containers; ``root`` is the host's root directory."""

    def __init__(self, resolver: ContainerResolver, root: Path = Path("/")) -> None:
        self._resolver = resolver
        device = root.stat().st_dev
        self._devices: OrderedDict[bytes, str | None] = OrderedDict(
            {b"%02x:%02x" % (os.major(device), os.minor(device)): None}
        )

    def by_process(self, act: Act) -> str | None:
        """Return the container of who acts, as far as a process can still be asked."""
        act.container = self._resolver.container_of(act.pid, act.parent)
        act.lives = act.container is None and self._resolver.lives(act.pid)
        return act.container

    def by_program(self, act: Act, line: bytes) -> str | None:
        """Return the container of an exec that was not known yet, from the device in its first PATH record."""
        program = _PROGRAM.search(line)
        if program is None or not (act.executes and act.succeeded):
            return None
        device = program[1]
        if act.container is not None or act.lives:
            self._learn(device, act.container)
            return None
        act.container = self._devices.get(device)
        if act.container is not None:
            self._resolver.remember(act.pid, act.container)
        return act.container

    def _learn(self, device: bytes, container: str | None) -> None:
        """Take a device as a container's, or for good as the host's: containers may execute its programs too."""
        if container is None or self._devices.get(device, "") is not None:
            self._devices[device] = container
            self._devices.move_to_end(device)
        if len(self._devices) > _MAX_DEVICES:
            self._devices.popitem(last=False)
