"""Hashes of programs in real containers, living and ended, and of one that is overwritten meanwhile."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from producers.formats.auditd.live import LiveMarks
from tests.producers.formats.auditd.audit_lines import line, one, syscall, title
from tests.producers.origins.docker.podman import Podman, own_podman

pytestmark = pytest.mark.privileged

TOOL = "/bin/tool"
BUSYBOX = Path("/bin/busybox")
OTHER = Path("/usr/bin/sleep")
GONE = 2**22 + 1


@pytest.fixture
def podman() -> Iterator[Podman]:
    with own_podman() as podman:
        yield podman


class Watched:
    """A running container whose root is reached as the collector reaches it, and the lines of execs in it."""

    def __init__(self, podman: Podman) -> None:
        self.container = podman.run("web")
        self.main = int(podman("inspect", "--format", "{{.State.Pid}}", "web"))
        self.root = Path(f"/proc/{self.main}/root")
        self.live = LiveMarks("node-1")
        self.serial = 0
        self.live.marked(syscall(59, {"pid": self.main}, serial=self.serial))

    def put(self, program: Path) -> None:
        shutil.copy(program, f"{self.root}{TOOL}")
        time.sleep(0.05)

    def hash_of(self, pid: int) -> Any:
        """Return what the event of an exec of the tool by a process says, just now."""
        self.serial += 1
        place: dict[str, Any] = {"serial": self.serial, "second": int(time.time()) + 1}
        found = Path(f"{self.root}{TOOL}").stat()
        device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"
        lines = [
            syscall(59, {"pid": pid, "ppid": self.main, "exe": f'"{TOOL}"'}, **place),
            line("EXECVE", 'argc=1 a0="tool"', **place),
            line(
                "PATH", f'item=0 name="{TOOL}" inode={found.st_ino} dev={device} mode=0100755 nametype=NORMAL', **place
            ),
            title(**place),
        ]
        return one(*map(self.live.marked, lines)).get("process.hash.sha256")


def test_an_approved_program_that_is_overwritten_and_run_is_seen_with_both_hashes(podman: Podman) -> None:
    watched = Watched(podman)
    first, second = (hashlib.sha256(program.read_bytes()).hexdigest() for program in (BUSYBOX, OTHER))
    watched.put(BUSYBOX)
    assert watched.hash_of(GONE) == first
    watched.put(OTHER)
    assert watched.hash_of(GONE) == second
    podman("rm", "--force", "--time", "0", "web")


def test_a_living_process_whose_program_is_deleted_still_has_its_hash(podman: Podman) -> None:
    watched = Watched(podman)
    inode = Path(f"{watched.root}/bin/busybox").stat().st_ino
    place: dict[str, Any] = {"serial": 7, "second": int(time.time()) - 60}
    lines = [
        syscall(59, {"pid": watched.main, "exe": '"/bin/busybox"'}, **place),
        line("EXECVE", 'argc=1 a0="sleep"', **place),
        line("PATH", f'item=0 name="/bin/sleep" inode={inode} dev=00:28 mode=0100755 nametype=NORMAL', **place),
        title(**place),
    ]
    Path(f"{watched.root}/bin/busybox").unlink()
    event = one(*map(watched.live.marked, lines))
    assert event["process.hash.sha256"] == hashlib.sha256(BUSYBOX.read_bytes()).hexdigest()
    assert event["entity.id"] == watched.container[:12]
