from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard

from deploy.recorded import records_of_file, records_of_period
from schemas.codec import encode_event
from schemas.errors import ConfigurationError, Invalid
from schemas.settings import KafkaSettings
from tests.deploy.test_rejudge import event

EVENTS = [event(number) for number in range(3)]
LINES = b"".join(encode_event(one) + b"\n" for one in EVENTS)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ndjson", LINES),
        ("a.ndjson.gz", gzip.compress(LINES)),
        ("a.zst", zstandard.compress(LINES)),
        ("frames.zst", zstandard.compress(LINES[:100]) + zstandard.compress(LINES[100:])),
        ("gaps", b"\n" + LINES.replace(b"\n", b"\n\n")),
    ],
)
def test_files_are_read_again_and_again(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    records = records_of_file(tmp_path / name)
    assert list(records()) == list(records()) == EVENTS


def test_rows_of_a_trial_are_records_too(tmp_path: Path) -> None:
    row = b'{"input.line":7,"verdict.policy":null,' + encode_event(EVENTS[0])[1:]
    (tmp_path / "a").write_bytes(row)
    assert list(records_of_file(tmp_path / "a")()) == EVENTS[:1]


def test_what_is_no_event_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b'{"a": 1}\nnot json\n[]\n' + LINES)
    found = list(records_of_file(tmp_path / "a")())
    faults = [str(one) for one in found if isinstance(one, Invalid)]
    assert [fault.partition(": ")[0] for fault in faults] == [f"{tmp_path}/a:{number}" for number in (1, 2, 3)]
    assert found[3:] == EVENTS


@pytest.mark.parametrize(("name", "content"), [("a.gz", b"no"), ("a.zst", b"no"), ("b.gz", gzip.compress(LINES)[:-9])])
def test_a_broken_file_is_a_clear_error(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        list(records_of_file(tmp_path / name)())
    with pytest.raises(ConfigurationError, match="cannot be read"):
        list(records_of_file(tmp_path / "missing")())


def test_a_time_that_is_none_is_a_clear_error() -> None:
    with pytest.raises(ConfigurationError, match="`soon` is no time"):
        records_of_period(KafkaSettings(), "soon", "")
