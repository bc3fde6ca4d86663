from __future__ import annotations

import gzip
import os
import shutil
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.origins.file import FILE_LOST, FILE_TRUNCATED, FileOrigin
from producers.origins.rotation import Sibling, chain_of
from producers.types import Gap, Position, Record
from schemas.errors import ConfigurationError


class Reader:
    """Reads like a collector: what it has read counts once its position is committed, and it can die in between."""

    def __init__(self, path: Path, *, follow: bool = True) -> None:
        self.path = path
        self.follow = follow
        self.committed: list[bytes] = []
        self.gaps: list[Gap] = []
        self.position: Position | None = None
        self.start()

    def start(self) -> None:
        self.origin = FileOrigin(self.path, follow=self.follow, max_line_bytes=1000)
        self.origin.open(self.position)
        self._pending: list[Record | Gap] = []

    def read(self, limit: int = 1000) -> None:
        self._pending += self.origin.read(limit, 0)

    def commit(self) -> None:
        for item in self._pending:
            if isinstance(item, Gap):
                self.gaps.append(item)
            else:
                self.committed.append(item.data)
            self.position = item.position or self.position
        self._pending = []

    def restart(self) -> None:
        self.origin.close()
        self.start()

    def drain(self) -> list[bytes]:
        """Commit everything there is and return it since the last call."""
        before = len(self.committed)
        while True:
            self.read()
            if not self._pending:
                return self.committed[before:]
            self.commit()


class Log:
    """A log file as its writer and logrotate treat it."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "audit.log"
        self.path.touch()

    def write(self, text: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(text)

    def _shift(self) -> None:
        numbers = [int(p.suffix[1:]) for p in self.path.parent.glob("audit.log.*") if p.suffix[1:].isdigit()]
        for number in sorted(numbers, reverse=True):
            self._numbered(number).rename(self._numbered(number + 1))

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"audit.log.{number}")

    def rotate(self, *, create: bool = True) -> None:
        self._shift()
        self.path.rename(self._numbered(1))
        if create:
            self.path.touch()

    def copy_and_truncate(self) -> None:
        self._shift()
        shutil.copyfile(self.path, self._numbered(1))
        os.truncate(self.path, 0)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_lines_come_with_place_line_and_position(log: Log) -> None:
    log.write(b"one\r\ntwo\n")
    origin = FileOrigin(log.path)
    origin.open(None)
    first, second = origin.read(10, 0)
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert (first.data, first.place, first.line) == (b"one", f"{log.path}:1", 1)
    assert (second.data, second.position["offset"]) == (b"two", 9)
    origin.close()
    again = FileOrigin(log.path)
    again.open(first.position)
    (same,) = again.read(10, 0)
    assert isinstance(same, Record)
    assert (same.data, same.place, same.position) == (second.data, f"{log.path}@5", second.position)
    again.close()


def test_a_line_is_waited_for_until_its_end(log: Log) -> None:
    reader = Reader(log.path)
    log.write(b"begin")
    assert reader.drain() == []
    reader.restart()
    log.write(b" and end\nnext")
    assert reader.drain() == [b"begin and end"]


def test_at_most_the_limit_comes_at_once(log: Log) -> None:
    log.write(b"1\n2\n3\n")
    origin = FileOrigin(log.path)
    origin.open(None)
    assert [len(origin.read(2, 0)) for _ in range(3)] == [2, 1, 0]
    origin.close()


def test_a_file_that_is_not_followed_ends_with_its_last_line_even_without_an_end(log: Log) -> None:
    log.write(b"one\ntwo")
    origin = FileOrigin(log.path, follow=False)
    origin.open(None)
    items = [*origin.read(10, 0), *origin.read(10, 0)]
    assert [item.data for item in items if isinstance(item, Record)] == [b"one", b"two"]
    with pytest.raises(EOFError):
        origin.read(10, 0)
    origin.open(items[-1].position)
    with pytest.raises(EOFError):
        origin.read(10, 0)
    origin.close()


def test_a_file_may_appear_later(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "audit.log")
    assert reader.drain() == []
    Log(tmp_path).write(b"here\n")
    assert reader.drain() == [b"here"]


@pytest.mark.parametrize("follow", [True, False])
def test_a_path_that_cannot_work_is_said(tmp_path: Path, follow: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    with pytest.raises(ConfigurationError, match="--file"):
        FileOrigin(tmp_path, follow=follow).open(None)
    with pytest.raises(ConfigurationError, match="no directory"):
        FileOrigin(tmp_path / "no" / "file", follow=follow).open(None)


def test_a_file_that_is_missing_and_not_followed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--file"):
        FileOrigin(tmp_path / "none", follow=False).open(None)


def test_a_position_of_another_source_is_refused(log: Log) -> None:
    with pytest.raises(ConfigurationError, match="own collector id"):
        FileOrigin(log.path).open({"row": 7})


@pytest.mark.parametrize("restart", [True, False])
@pytest.mark.parametrize("create", [True, False])
def test_a_renamed_file_is_read_to_its_end_first(log: Log, restart: bool, create: bool) -> None:  # noqa: FBT001 - parameters of pytest
    reader = Reader(log.path)
    log.write(b"1\n")
    assert reader.drain() == [b"1"]
    log.write(b"2\n")
    log.rotate(create=create)
    if restart:
        reader.restart()
    assert reader.drain() == [b"2"]
    log.write(b"3\n")
    assert reader.drain() == [b"3"]
    assert reader.gaps == []


def test_what_is_written_while_the_next_file_is_looked_for_is_read_first(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(log.path)
    log.write(b"1\n")
    assert reader.drain() == [b"1"]
    log.rotate()
    log.write(b"3\n")

    def late_write(path: Path) -> list[Sibling]:
        monkeypatch.undo()
        with path.with_name("audit.log.1").open("ab") as file:
            file.write(b"2\n")
        return chain_of(path)

    monkeypatch.setattr("producers.origins.file.chain_of", late_write)
    assert reader.drain() == [b"2", b"3"]


@pytest.mark.parametrize("restart", [True, False])
def test_several_rotations_at_once_lose_nothing(log: Log, restart: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    reader = Reader(log.path)
    log.write(b"1\n")
    reader.drain()
    for number in (b"2\n", b"3\n", b"4\n"):
        log.write(number)
        log.rotate()
    log.rotate()
    log.write(b"5\n")
    if restart:
        reader.restart()
    assert reader.drain() == [b"2", b"3", b"4", b"5"]


@pytest.mark.parametrize("restart", [True, False])
def test_a_truncated_file_is_finished_in_its_copy(log: Log, restart: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    reader = Reader(log.path)
    log.write(b"1\n")
    reader.drain()
    log.write(b"2\n3\n")
    log.copy_and_truncate()
    log.write(b"4 which is longer than all that was there before\n")
    if restart:
        reader.restart()
    assert reader.drain() == [b"2", b"3", b"4 which is longer than all that was there before"]
    assert reader.gaps == []


def test_truncation_without_a_copy_is_a_gap_only_if_something_is_lost(log: Log) -> None:
    reader = Reader(log.path)
    log.write(b"1\n")
    reader.drain()
    os.truncate(log.path, 0)
    log.write(b"2\n")
    assert reader.drain() == [b"2"]
    assert reader.gaps == []
    log.write(b"half")
    reader.drain()
    os.truncate(log.path, 0)
    log.write(b"3\n")
    assert reader.drain() == [b"3"]
    assert [gap.cause for gap in reader.gaps] == [FILE_TRUNCATED]
    reader.restart()
    assert reader.drain() == []


def test_a_file_that_is_gone_is_a_gap_told_once(log: Log) -> None:
    reader = Reader(log.path)
    log.write(b"1\n")
    reader.drain()
    log.path.unlink()
    log.write(b"2\n")
    reader.restart()
    reader.drain()
    reader.restart()
    reader.drain()
    assert reader.committed == [b"1", b"2"]
    assert [gap.cause for gap in reader.gaps] == [FILE_LOST]


def test_what_was_rotated_after_a_lost_file_is_still_read(log: Log) -> None:
    reader = Reader(log.path)
    log.write(b"1\n")
    reader.drain()
    log.path.unlink()
    log.write(b"2\n")
    os.utime(log.path, ns=(0, log.path.stat().st_mtime_ns + 1_000_000_000))
    log.rotate()
    log.write(b"3\n")
    reader.restart()
    assert reader.drain() == [b"2", b"3"]


def test_a_new_file_with_the_inode_of_a_lost_one_is_not_mistaken_for_it(log: Log) -> None:
    reader = Reader(log.path)
    log.write(b"the old file\n")
    reader.drain()
    assert reader.position is not None
    reader.origin.close()
    log.path.write_bytes(b"the new file, longer\n")
    assert log.path.stat().st_ino == reader.position["inode"]
    reader.start()
    assert reader.drain() == [b"the new file, longer"]
    assert [gap.cause for gap in reader.gaps] == [FILE_LOST]


def test_compressed_and_foreign_files_are_left_alone(log: Log) -> None:
    reader = Reader(log.path)
    log.write(b"1\n")
    reader.drain()
    log.path.with_name("audit.log.2.gz").write_bytes(gzip.compress(b"x\n"))
    log.path.with_name("audit.log.swp").write_bytes(b"x\n")
    log.path.with_name("audit-old.log").write_bytes(b"x\n")
    log.rotate()
    log.write(b"2\n")
    assert reader.drain() == [b"2"]


@pytest.mark.parametrize("name", ["audit.log-20260102", "audit.log-2026-01-02", "audit-2026-01-02T10-00-00.000.log"])
def test_dated_names_are_known(log: Log, name: str) -> None:
    reader = Reader(log.path)
    log.write(b"1\n")
    reader.drain()
    log.write(b"2\n")
    log.path.rename(log.path.with_name(name))
    log.write(b"3\n")
    reader.restart()
    assert reader.drain() == [b"2", b"3"]


def test_a_line_too_long_is_cut_and_the_next_one_is_whole(log: Log) -> None:
    reader = Reader(log.path)
    log.write(b"x" * 1_000_000 + b"\nnext\n")
    first, second = reader.drain()
    assert (len(first), second) == (1001, b"next")


Action = tuple[str, int]
ACTIONS = st.one_of(
    st.tuples(st.sampled_from(["write", "half"]), st.integers(1, 4)),
    st.tuples(st.sampled_from(["read"]), st.integers(1, 5)),
    st.tuples(st.sampled_from(["rotate", "rotate-away", "copy", "commit", "restart"]), st.just(0)),
)


@settings(max_examples=200)
@given(actions=st.lists(ACTIONS, max_size=40))
def test_every_line_comes_exactly_once_whatever_happens(actions: list[Action]) -> None:
    with TemporaryDirectory() as directory:
        log = Log(Path(directory))
        log.write(b"line 0\n")
        reader = Reader(log.path)
        reader.drain()
        written = [b"line 0"]
        open_line = False
        for action, amount in actions:
            open_line = _act(log, reader, written, action, amount, open_line=open_line)
        if open_line:
            log.write(b"\n")
        reader.drain()
        reader.restart()
        reader.drain()
        assert Counter(reader.committed) == Counter(written)
        assert reader.committed == written
        assert reader.gaps == []
        reader.origin.close()


def _act(log: Log, reader: Reader, written: list[bytes], action: str, amount: int, *, open_line: bool) -> bool:
    match action:
        case "write" | "half":
            for _ in range(amount):
                if open_line:
                    log.write(b"-whole\n")
                    written[-1] += b"-whole"
                    open_line = False
                written.append(b"line %d" % len(written))
                log.write(written[-1] + b"\n" * (action == "write"))
                open_line = action == "half"
        case "read":
            reader.read(amount)
        case "commit":
            reader.commit()
        case "restart":
            reader.restart()
        case _:
            if open_line:  # a writer finishes its line before its file is taken away
                log.write(b"\n")
            log.copy_and_truncate() if action == "copy" else log.rotate(create=action == "rotate")
            log.path.touch()
            open_line = False
    return open_line
