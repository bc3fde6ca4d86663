from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from producers.spool import Entry, Row, Spool, SpoolFull
from schemas.errors import ConfigurationError

MEBIBYTE = 1024 * 1024


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "shop.sqlite"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    spool = Spool(path, MEBIBYTE)
    yield spool
    spool.close()


def entries(*texts: str) -> list[Entry]:
    return [Entry(text.encode(), f"place of {text}") for text in texts]


def test_what_is_put_is_read_in_order_with_its_place(spool: Spool) -> None:
    spool.put(entries("a", "b")).result()
    spool.put(entries("c")).result()
    assert spool.read(0, 10, 0) == [Row(1, b"a", "place of a"), Row(2, b"b", "place of b"), Row(3, b"c", "place of c")]
    assert [row.data for row in spool.read(1, 1, 0)] == [b"b"]
    assert spool.read(3, 10, 0) == []


def test_rows_survive_and_acknowledged_ones_do_not_come_again(path: Path) -> None:
    first = Spool(path, MEBIBYTE)
    first.put(entries("a", "b", "c")).result()
    first.acknowledge(2)
    first.close()
    second = Spool(path, MEBIBYTE)
    assert (second.identity, second.lost) == (first.identity, None)
    assert second.read(0, 10, 0) == [Row(3, b"c", "place of c")]
    second.acknowledge(3)
    second.close()
    third = Spool(path, MEBIBYTE)
    third.put(entries("d")).result()
    assert [row.number for row in third.read(0, 10, 0)] == [4]
    third.close()


def test_a_reader_is_woken_by_a_writer(spool: Spool) -> None:
    threading.Timer(0.05, lambda: spool.put(entries("late"))).start()
    assert [row.data for row in spool.read(0, 10, 60)] == [b"late"]


def test_a_full_spool_refuses_until_rows_are_let_go_of(spool: Spool) -> None:
    big = [Entry(b"x" * 600_000, "")]
    spool.put(big).result()
    with pytest.raises(SpoolFull, match="of 1048576 bytes"):
        spool.put(big)
    spool.acknowledge(1)
    while True:
        try:
            spool.put(big).result()
        except SpoolFull:
            continue
        break
    assert [row.number for row in spool.read(0, 10, 0)] == [2]


def test_one_entry_larger_than_the_limit_is_taken_alone(spool: Spool) -> None:
    spool.put([Entry(b"x" * 2 * MEBIBYTE, "")]).result()
    assert len(spool.read(0, 10, 0)[0].data) == 2 * MEBIBYTE


def test_the_size_is_known_again_after_a_restart(path: Path) -> None:
    first = Spool(path, MEBIBYTE)
    first.put(entries("abc")).result()
    size = first.size
    assert size > 3
    first.close()
    second = Spool(path, MEBIBYTE)
    assert second.size == size
    second.acknowledge(1)
    second.put(entries("abc")).result()
    assert second.size == size
    second.close()


def test_a_read_gives_about_four_mebibytes_at_once(path: Path) -> None:
    spool = Spool(path, 64 * MEBIBYTE)
    spool.put([Entry(b"x" * MEBIBYTE, "")] * 10).result()
    assert len(spool.read(0, 100, 0)) == 4
    assert len(spool.read(8, 100, 0)) == 2
    spool.close()


@pytest.mark.parametrize(
    "damage", [b"not a database at all, but long enough to be looked at" * 10, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_broken_file_is_moved_aside(path: Path, damage: bytes) -> None:
    first = Spool(path, MEBIBYTE)
    first.put(entries("a")).result()
    first.close()
    path.write_bytes(damage)
    second = Spool(path, MEBIBYTE)
    assert second.lost is not None
    assert second.lost.read_bytes() == damage
    assert second.identity != first.identity
    assert second.read(0, 10, 0) == []
    second.close()


def test_a_place_that_cannot_work_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="state_directory"):
        Spool(tmp_path / "file" / "x.sqlite", MEBIBYTE)
    with pytest.raises(ConfigurationError, match="state_directory"):
        Spool(tmp_path, MEBIBYTE)


def test_a_disk_that_refuses_fails_the_put_and_is_tried_again(spool: Spool, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    spool._connection.execute("PRAGMA busy_timeout = 1")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        spool.put(entries("a")).result()
    assert spool.size == 0
    other.rollback()
    other.close()
    spool.put(entries("b")).result()
    assert [row.data for row in spool.read(0, 10, 0)] == [b"b"]


KILLED_ONCE_DURABLE = """
import os, signal, sys
from pathlib import Path
from producers.spool import Entry, Spool
spool = Spool(Path(sys.argv[1]), 2**20)
spool.put([Entry(b"kept", "here")]).result()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_record_outlives_its_killed_process(path: Path) -> None:
    root = Path(__file__).parent.parent.parent
    code = subprocess.call(
        [sys.executable, "-c", KILLED_ONCE_DURABLE, str(path)], cwd=root, env=os.environ | {"PYTHONPATH": "."}
    )
    assert code == -9
    spool = Spool(path, MEBIBYTE)
    assert [row.data for row in spool.read(0, 10, 0)] == [b"kept"]
    spool.close()
