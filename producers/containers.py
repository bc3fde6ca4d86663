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

_MAX_MEMBERS: Final = 4_096
_SEARCH_SECONDS: Final = 1.0
_ROLL_CALL_SECONDS: Final = 15.0


class ContainerResolver:
    """Finds the container of a process by its id on the host; used by one thread.

    A living process is always asked for anew: a runtime's process moves into the container's control group with the id it
    had before. A container that was found is remembered for a minute after the process was last seen, for processes that
    live only for milliseconds; their parents answer for those that were never seen. So is the first process of each container,
    which may do nothing for hours and then clean up at its end. None means: of the host, or unknown.
    """

    def __init__(self, processes: Path = Path("/proc")) -> None:
        self._processes = processes
        self._remembered: OrderedDict[int, tuple[str, float]] = OrderedDict()
        self._members: OrderedDict[str, int] = OrderedDict()
        self._next_search = 0.0
        self._next_roll_call = 0.0

    def container_of(self, pid: int, parent: int | None = None) -> str | None:
        """Return the full id (64 hex digits) of the container that ``pid`` runs in, or ran in a moment ago."""
        if monotonic() >= self._next_roll_call:
            self._call_the_roll()
        container = self._look(pid) or (self._look(parent) if parent and not self.lives(pid) else None)
        if container is not None:
            self.remember(pid, container)
        return container

    def lives(self, pid: int) -> bool:
        """Return whether there is such a process now."""
        return (self._processes / str(pid)).exists()

    def member(self, container: str) -> int | None:
        """Return a process that runs in a container now; None if there is none, or none could be found cheaply.

        All processes are looked through at most once a second, and only where the one that was seen first has ended.
        """
        if self._is_member(container):
            return self._members[container]
        self._members.pop(container, None)
        if monotonic() >= self._next_search:
            self._search()
            self._next_search = monotonic() + _SEARCH_SECONDS
        return self._members.get(container)

    def remember(self, pid: int, container: str) -> None:
        """Take in what is known from elsewhere, for a process that has ended."""
        self._remembered[pid] = (container, monotonic())
        self._remembered.move_to_end(pid)
        if len(self._remembered) > _MAX_REMEMBERED:
            self._remembered.popitem(last=False)

    def _look(self, pid: int) -> str | None:
        groups = self._groups(pid)
        if groups is None:
            container, at = self._remembered.get(pid, (None, 0.0))
            return container if monotonic() - at < _MAX_REMEMBERED_SECONDS else None
        container = container_in(groups)
        if container is None and pid in self._remembered and not self._executes(pid):
            return self._remembered[pid][0]
        self._remembered.pop(pid, None)
        if container is not None and container not in self._members:
            self._join(container, pid)
        return container

    def _groups(self, pid: int) -> str | None:
        try:
            return (self._processes / str(pid) / "cgroup").read_text("ascii", "replace")
        except OSError:  # it has ended, or we may not look
            return None

    def _executes(self, pid: int) -> bool:
        """Return False for a process that is ending: it has no program any more, and the control groups have let go of it."""
        try:
            (self._processes / str(pid) / "exe").readlink()
        except OSError:
            return False
        return True

    def _is_member(self, container: str) -> bool:
        pid = self._members.get(container)
        groups = None if pid is None else self._groups(pid)
        return groups is not None and container_in(groups) == container

    def _join(self, container: str, pid: int) -> None:
        self._members[container] = pid
        if len(self._members) > _MAX_MEMBERS:
            self._members.popitem(last=False)

    def _call_the_roll(self) -> None:
        self._next_roll_call = monotonic() + _ROLL_CALL_SECONDS
        for container, pid in list(self._members.items()):
            self.remember(pid, container)  # also one that has ended since: what it did last is read now
            if not self._is_member(container):
                del self._members[container]

    def _search(self) -> None:
        for pid in sorted(int(entry.name) for entry in self._processes.iterdir() if entry.name.isdecimal()):
            self._look(pid)


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
