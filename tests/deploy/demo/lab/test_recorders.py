from __future__ import annotations

from pathlib import Path

import pytest
import zstandard

from deploy.demo.lab.errors import LabError
from deploy.demo.lab.recorders import merge
from schemas.codec import dumps, loads


def recorded(path: Path, format_: str, *times: int) -> Path:
    path.write_bytes(b"".join(dumps({"time": time, "format": format_, "line": str(time)}) + b"\n" for time in times))
    return path


def test_recordings_are_merged_by_time(tmp_path: Path) -> None:
    docker, auditd = recorded(tmp_path / "a", "docker", 1, 4), recorded(tmp_path / "b", "auditd", 2, 3, 5)
    counts = merge([docker, auditd], tmp_path / "merged")
    text = zstandard.ZstdDecompressor().decompress((tmp_path / "merged").read_bytes())
    assert [loads(line)["time"] for line in text.splitlines()] == [1, 2, 3, 4, 5]
    assert counts == {"docker": 2, "auditd": 3}


def test_records_of_one_moment_keep_their_order(tmp_path: Path) -> None:
    path = tmp_path / "a"
    lines = [{"time": 7, "format": "auditd", "line": f"record {number}"} for number in range(50)]
    path.write_bytes(b"".join(dumps(line) + b"\n" for line in lines))
    merge([path], tmp_path / "merged")
    text = zstandard.ZstdDecompressor().decompress((tmp_path / "merged").read_bytes())
    assert [loads(line) for line in text.splitlines()] == lines


def test_nothing_recorded_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="nothing"):
        merge([recorded(tmp_path / "a", "docker")], tmp_path / "merged")
