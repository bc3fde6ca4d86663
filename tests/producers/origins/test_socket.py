from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from producers.origins.socket import SocketFeeder
from schemas.errors import ConfigurationError
from tests.producers.origins.feeding import fed, records


def send(path: Path, data: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(path))
        connection.sendall(data)


def test_lines_of_several_writers_come(tmp_path: Path) -> None:
    path = tmp_path / "in.sock"
    with fed(tmp_path / "s", SocketFeeder(path, 100)) as origin:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        send(path, b"one\ntwo\n")
        send(path, b"three\nwithout end")
        found = records(origin, 4)
    assert sorted(record.data for record in found) == [b"one", b"three", b"two", b"without end"]
    assert {record.place for record in found} == {f"{path}#1", f"{path}#2"}
    assert not path.exists()


def test_a_writer_that_stays_does_not_hold_up_another_or_the_end(tmp_path: Path) -> None:
    path = tmp_path / "in.sock"
    with fed(tmp_path / "s", SocketFeeder(path, 100)) as origin, socket.socket(socket.AF_UNIX) as staying:
        staying.connect(str(path))
        staying.sendall(b"half a li")
        send(path, b"other\n")
        assert [record.data for record in records(origin, 1)] == [b"other"]
        staying.sendall(b"ne\n")
        assert [record.data for record in records(origin, 1)] == [b"half a line"]


def test_a_full_spool_makes_writers_wait_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "in.sock"
    lines = [b"%04d" % number + b"x" * 1000 for number in range(300)]
    origin_of = fed(tmp_path / "s", SocketFeeder(path, 2000), max_bytes=300_000)
    with origin_of as origin, socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        for number in range(0, 300, 100):
            connection.sendall(b"\n".join(lines[number : number + 100]) + b"\n")
            found = records(origin, 100)
            assert [record.data for record in found] == lines[number : number + 100]
            origin.acknowledge(found[-1].position)


def test_a_socket_left_over_by_a_killed_collector_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "in.sock"
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))
    with fed(tmp_path / "s", SocketFeeder(path, 100)) as origin:
        send(path, b"one\n")
        assert len(records(origin, 1)) == 1


def test_a_path_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "in.sock"
    path.write_text("precious")
    with pytest.raises(ConfigurationError, match="--socket"), fed(tmp_path / "s", SocketFeeder(path, 100)):
        pass
    assert path.read_text() == "precious"
    other = tmp_path / "other.sock"
    with fed(tmp_path / "s1", SocketFeeder(other, 100)) as origin:
        with pytest.raises(ConfigurationError, match="--socket"), fed(tmp_path / "s2", SocketFeeder(other, 100)):
            pass
        send(other, b"still here\n")
        assert len(records(origin, 1)) == 1
