"""Becomes the given program after what has to happen inside the new process; run as a script, imports nothing of ours.

Arguments: directory to stand in; parent to die with (0: outlive it); user id and group id (-1: stay who we are); program and its
arguments. The process keeps its id, so who started us knows the program's.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
FIRST_UNSHARED_DESCRIPTOR = 3


def main(directory: str, parent_id: int, user_id: int, group_id: int, command: list[str]) -> None:
    """Change directory, account and fate, in this order: a change of account forgets the signal of a dying parent."""
    os.chdir(directory)
    os.closerange(FIRST_UNSHARED_DESCRIPTOR, os.sysconf("SC_OPEN_MAX"))
    if user_id >= 0:
        os.setgroups([])
        os.setgid(group_id)
        os.setuid(user_id)
    if parent_id:
        _die_with(parent_id)
    os.execvp(command[0], command)  # noqa: S606  # becoming the program is the purpose


def _die_with(parent_id: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_id:
        sys.exit("the process that started this one has ended already")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
