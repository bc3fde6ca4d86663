from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from producers.origins.stdin import StdinFeeder
from producers.types import Record
from tests.producers.origins.feeding import MEBIBYTE, fed, to_the_end


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    os.close(read)
    try:
        os.close(write)
    except OSError:  # the test closed it, which is how input ends
        return


def test_every_line_comes_and_then_the_end(pipe: tuple[int, int], tmp_path: Path) -> None:
    read, write = pipe
    os.write(write, b"one\ntwo\nlast without end")
    os.close(write)
    with fed(tmp_path / "s", StdinFeeder(read, 100)) as origin:
        items = to_the_end(origin)
    found = [(item.data, item.place) for item in items if isinstance(item, Record)]
    assert found == [(b"one", "stdin:1"), (b"two", "stdin:2"), (b"last without end", "stdin:3")]


def test_a_full_spool_makes_the_writer_wait_and_loses_nothing(pipe: tuple[int, int], tmp_path: Path) -> None:
    read, write = pipe
    lines = [b"%06d" % number + b"x" * 1000 for number in range(5_000)]

    writer = os.fdopen(os.dup(write), "wb")
    os.close(write)

    def feed() -> None:
        with writer:
            writer.writelines(line + b"\n" for line in lines)

    thread = threading.Thread(target=feed)
    thread.start()
    found: list[bytes] = []
    with fed(tmp_path / "s", StdinFeeder(read, 2000), max_bytes=MEBIBYTE) as origin:
        while len(found) < len(lines):
            items = [item for item in origin.read(1000, 0.1) if isinstance(item, Record)]
            found += [item.data for item in items]
            if items:
                origin.acknowledge(items[-1].position)
    thread.join()
    assert found == lines


def test_it_stops_while_nothing_comes(pipe: tuple[int, int], tmp_path: Path) -> None:
    with fed(tmp_path / "s", StdinFeeder(pipe[0], 100)) as origin:
        assert origin.read(10, 0) == []


def test_it_stops_while_the_spool_is_full(pipe: tuple[int, int], tmp_path: Path) -> None:
    read, write = pipe
    with fed(tmp_path / "s", StdinFeeder(read, 10_000), max_bytes=10_000) as origin:
        for _ in range(3):
            os.write(write, b"x" * 8_000 + b"\n")
        while not origin.read(10, 0.1):
            pass
