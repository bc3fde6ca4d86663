from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psutil

from deploy.stack.run_file import RunFile, measure_creation_seconds, read_run_files

OURSELVES = psutil.Process()


def record(name: str = "one") -> RunFile:
    return RunFile(
        name=name,
        process_id=OURSELVES.pid,
        created_since_boot_seconds=measure_creation_seconds(OURSELVES),
        log="/one.log",
        address="",
        stop_timeout_seconds=1.0,
    )


def test_a_process_is_found_again_by_what_was_written(tmp_path: Path) -> None:
    record().write(tmp_path)
    (read,) = read_run_files(tmp_path)
    assert read == record()
    assert read.find_process() == OURSELVES
    assert read.age_seconds > 0


def test_another_process_with_the_same_id_is_not_taken_for_it() -> None:
    older = replace(record(), created_since_boot_seconds=record().created_since_boot_seconds - 1)
    assert older.find_process() is None


def test_records_come_in_the_order_of_starting_and_go(tmp_path: Path) -> None:
    later = replace(record("a"), created_since_boot_seconds=record().created_since_boot_seconds + 1)
    for each in (later, record("b")):
        each.write(tmp_path)
    assert [each.name for each in read_run_files(tmp_path)] == ["b", "a"]
    later.remove(tmp_path)
    later.remove(tmp_path)
    assert [each.name for each in read_run_files(tmp_path)] == ["b"]


def test_a_directory_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert read_run_files(tmp_path / "absent") == ()
