"""From a process to its container: the path of its control group, while the process lives, and what was seen of it before.

Paths as Docker, Podman, containerd, CRI-O and Kubernetes make them, in cgroup v1 and v2::

    4:memory:/docker/<64 hex digits>
    0::/system.slice/docker-<64 hex digits>.scope
    0::/machine.slice/libpod-<64 hex digits>.scope/container
    0::/kubepods.slice/…/kubepods-pod<uid>.slice/cri-containerd-<64 hex digits>.scope
"""

from __future__ import annotations

import re
from collections import OrderedDict
from pathlib import Path
from time import monotonic
from typing import Final

__all__ = ["ContainerResolver", "container_in"]

_ID: Final = re.compile(r"(?<![0-9a-f])(?<!conmon-)([0-9a-f]{64})(?![0-9a-f])")
_MAX_REMEMBERED: Final = 65_536
_MAX_REMEMBERED_SECONDS: Final = 60.0
"""After this a process id may have been given to another process."""


class ContainerResolver:
    """Finds the container of a process by its id on the host; used by one thread.

    A living process is always asked for anew: a runtime's process moves into the container's control group with the id it
    had before. A container that was found is remembered for a minute after the process was last seen, for processes that
    live only for milliseconds; their parents answer for those that were never seen. None means: of the host, or unknown.
    """

    def __init__(self, processes: Path = Path("/proc")) -> None:
        self._processes = processes
        self._remembered: OrderedDict[int, tuple[str, float]] = OrderedDict()

    def container_of(self, pid: int, parent: int | None = None) -> str | None:
        """Return the full id (64 hex digits) of the container that ``pid`` runs in, or ran in a moment ago."""
        container = self._look(pid) or (self._look(parent) if parent and not self.lives(pid) else None)
        if container is not None:
            self.remember(pid, container)
        return container

    def lives(self, pid: int) -> bool:
        """Return whether there is such a process now."""
        return (self._processes / str(pid)).exists()

    def remember(self, pid: int, container: str) -> None:
        """Take in what is known from elsewhere, for a process that has ended."""
        self._remembered[pid] = (container, monotonic())
        self._remembered.move_to_end(pid)
        if len(self._remembered) > _MAX_REMEMBERED:
            self._remembered.popitem(last=False)

    def _look(self, pid: int) -> str | None:
        try:
            groups = (self._processes / str(pid) / "cgroup").read_text("ascii", "replace")
        except OSError:  # it has ended, or we may not look
            container, at = self._remembered.get(pid, (None, 0.0))
            return container if monotonic() - at < _MAX_REMEMBERED_SECONDS else None
        self._remembered.pop(pid, None)
        return container_in(groups)


def container_in(groups: str) -> str | None:
    """Return the container id in the text of ``/proc/PID/cgroup``; None for a process of the host.

    The outermost id counts: it is the one that this host's engine knows, and a process cannot choose it, while one that is
    root in its container may make groups with any name below.
    """
    for line in groups.splitlines():
        found = _ID.search(line.split(":", 2)[-1])
        if found:
            return found[1]
    return None
