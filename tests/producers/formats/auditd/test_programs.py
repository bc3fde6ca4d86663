from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import pytest

from producers.formats.auditd import AuditdFormat, programs
from producers.formats.auditd.live import LiveMarks
from producers.types import FormatOptions, Record
from tests.producers.formats.auditd.audit_lines import CONTAINER, line, one, syscall, title

LATER = 3600
BYTES = b"#! a program"
HASH = hashlib.sha256(BYTES).hexdigest()
MAIN, GONE, LIVING = 7, 999_998, 8


class Host:
    """A host whose processes are files: a container with a process that goes on, and a root of its own."""

    def __init__(self, folder: Path) -> None:
        self.processes, self.host_root, self.root = folder / "proc", folder / "host", folder / "container"
        for place in (self.processes, self.host_root / "bin", self.root / "bin"):
            place.mkdir(parents=True)
        self.process(MAIN)
        self.format = AuditdFormat(FormatOptions(host="node-1"))
        self.format._live = LiveMarks("node-1", processes=self.processes, root=self.host_root)
        self.serial = 0

    def process(self, pid: int) -> Path:
        place = self.processes / str(pid)
        place.mkdir()
        (place / "cgroup").write_text(f"0::/docker/{CONTAINER}")
        (place / "root").symlink_to(self.root)
        return place

    def program(self, content: bytes = BYTES, *, name: str = "bin/tool", root: Path | None = None) -> Path:
        file = (root or self.root) / name
        file.write_bytes(content)
        return file

    def executes(
        self, pid: int, file: Path, *, after: float = LATER, name: str = "/bin/tool", success: str = "yes"
    ) -> list[bytes]:
        """Return the marked lines of an exec of a file, some seconds after now."""
        self.serial += 1
        found = file.stat()
        device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"
        place: dict[str, Any] = {"serial": self.serial, "second": int(time.time() + after)}
        lines = [
            syscall(59, {"pid": pid, "ppid": MAIN, "exe": f'"{name}"', "success": success}, **place),
            line("EXECVE", 'argc=1 a0="tool"', **place),
            line("PATH", f'item=0 name="tool" inode={found.st_ino} dev={device} mode=0100755 nametype=NORMAL', **place),
            line("PATH", 'item=1 name="/lib/ld.so" inode=4 dev=00:28 mode=0100755 nametype=NORMAL', **place),
            title(**place),
        ]
        return [self.format.enrich(Record(data, "test", {})).data for data in lines]

    def hash_of(self, pid: int, file: Path, **changes: object) -> object:
        return one(*self.executes(pid, file, **changes)).get("process.hash.sha256")  # type: ignore[arg-type] # options of executes


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_living_process_is_asked_for_its_own_file(host: Host) -> None:
    file = host.program()
    host.process(LIVING).joinpath("exe").symlink_to(file)
    marked = host.executes(LIVING, file, after=0)
    assert marked[2].endswith(f" sha256={HASH}".encode())
    assert [b"sha256" in data for data in marked] == [False, False, True, False, False]
    event = one(*marked)
    assert event["process.hash.sha256"] == HASH
    assert event["entity.id"] == CONTAINER[:12]


def test_of_a_process_that_is_gone_the_program_is_found_below_its_containers_root(host: Host) -> None:
    assert host.hash_of(GONE, host.program()) == HASH


def test_a_process_of_the_host_that_is_gone_is_looked_up_on_the_host(host: Host) -> None:
    (host.processes / str(MAIN) / "cgroup").write_text("0::/")
    assert host.hash_of(GONE, host.program(root=host.host_root)) == HASH


def test_a_program_that_was_overwritten_has_another_hash(host: Host) -> None:
    file = host.program()
    assert host.hash_of(GONE, file) == HASH
    with file.open("r+b") as stream:
        stream.write(b"evil")
    os.utime(file, (0, 0))
    assert host.hash_of(GONE, file) == hashlib.sha256(file.read_bytes()).hexdigest() != HASH


def test_a_file_that_was_changed_since_the_exec_is_not_taken_for_it(host: Host) -> None:
    file = host.program()
    assert host.hash_of(GONE, file, after=-60) is None


def test_another_file_in_the_place_of_the_executed_one_is_not_taken_for_it(host: Host) -> None:
    file = host.program()
    marked = host.executes(GONE, file)
    assert b"sha256" in marked[2]
    other = host.program(name="bin/other")
    assert host.hash_of(GONE, other) is None


def test_a_process_that_has_executed_something_else_meanwhile_is_not_asked(host: Host) -> None:
    file, other = host.program(), host.program(b"other", name="bin/other")
    host.process(LIVING).joinpath("exe").symlink_to(other)
    assert host.hash_of(LIVING, file) == HASH, "the path still tells"


def test_no_link_is_followed_out_of_the_container(host: Host) -> None:
    secret = host.program(root=host.host_root)
    (host.root / "bin" / "tool").symlink_to(secret)
    assert host.hash_of(GONE, secret) is None
    (host.root / "usr").symlink_to(host.host_root)
    assert host.hash_of(GONE, secret, name="/usr/bin/tool") is None


@pytest.mark.parametrize("name", ["tool", "/", "/bin", "/bin/missing", "/bin/too\\0l", "(null)"])
def test_a_name_that_is_no_path_of_a_file_has_no_hash(host: Host, name: str) -> None:
    assert host.hash_of(GONE, host.program(), name=name) is None


def test_an_exec_that_failed_and_a_record_that_is_no_exec_have_none(host: Host) -> None:
    file = host.program()
    assert host.hash_of(GONE, file, success="no") is None
    opened = [data.replace(b"type=EXECVE", b"type=CWD") for data in host.executes(GONE, file)]
    assert "process.hash.sha256" not in one(*opened[:2], *opened[3:])


def test_a_container_that_is_gone_leaves_no_hash_and_no_guess(host: Host) -> None:
    file = host.program()
    assert host.hash_of(GONE, file) == HASH
    (host.processes / str(MAIN) / "cgroup").write_text("0::/elsewhere")
    assert host.hash_of(GONE, file) is None


def test_a_file_that_is_too_long_or_none_is_not_read(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_MAX_BYTES", len(BYTES) - 1)
    assert host.hash_of(GONE, host.program()) is None
    pipe = host.root / "bin" / "pipe"
    os.mkfifo(pipe)
    assert host.hash_of(GONE, pipe, name="/bin/pipe") is None


def test_each_version_of_a_file_is_read_once_as_soon_as_it_has_settled(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    digest = programs._digest

    def counted(file: int) -> str:
        read.append(file)
        return digest(file)

    monkeypatch.setattr(programs, "_digest", counted)
    file = host.program()
    host.hash_of(GONE, file)
    host.hash_of(GONE, file)
    assert len(read) == 2, "it could be changed again within the same moment"
    monkeypatch.setattr(programs, "time_ns", lambda: time.time_ns() + 2_000_000_000)
    host.hash_of(GONE, file)
    host.hash_of(GONE, file)
    assert len(read) == 3


def test_what_is_remembered_is_bounded(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_MAX_HASHES", 2)
    monkeypatch.setattr(programs, "time_ns", lambda: time.time_ns() + 2_000_000_000)
    for number in range(5):
        name = f"bin/tool-{number}"
        assert host.hash_of(GONE, host.program(name=name), name=f"/{name}") == HASH
    live = host.format._live
    assert live is not None
    assert len(live._programs._hashes) == 2


def test_what_is_read_in_a_second_is_bounded(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1_000.0
    monkeypatch.setattr(programs, "monotonic", lambda: clock)
    monkeypatch.setattr(programs, "_BYTES_AT_ONCE", 2 * len(BYTES))
    monkeypatch.setattr(programs, "_BYTES_A_SECOND", len(BYTES))
    live = host.format._live
    assert live is not None
    live._programs._allowance = programs._Allowance()
    file = host.program()
    assert [host.hash_of(GONE, file) for _ in range(3)] == [HASH, HASH, None]
    clock += 1
    assert [host.hash_of(GONE, file) for _ in range(2)] == [HASH, None]
