from __future__ import annotations

import json
from pathlib import Path

from producers.recorder import Recorder
from producers.testing import ScriptedOrigin
from producers.types import Gap, Record


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_records_are_written_enriched_and_then_let_go_of(tmp_path: Path) -> None:
    path = tmp_path / "recording.ndjson"
    origin = ScriptedOrigin([b"one", Gap("lost"), b"two \xff"])
    recorder = Recorder(
        origin, "auditd", path, lambda record: Record(record.data + b"!", record.place, record.position)
    )
    recorder.run()
    rows = lines_of(path)
    assert [(row["format"], row["line"]) for row in rows] == [("auditd", "one!"), ("auditd", "two \ufffd!")]
    assert all(isinstance(row["time"], int) for row in rows)
    assert (recorder.recorded, origin.closed) == (2, 1)
    assert origin.acknowledged == [{"next": 1}, {"next": 3}]


def test_a_second_recording_goes_behind_the_first(tmp_path: Path) -> None:
    path = tmp_path / "recording.ndjson"
    for text in (b"one", b"two"):
        Recorder(ScriptedOrigin([text]), "falco", path).run()
    assert [row["line"] for row in lines_of(path)] == ["one", "two"]


def test_stop_ends_it_with_all_that_was_read(tmp_path: Path) -> None:
    path = tmp_path / "recording.ndjson"
    recorder: list[Recorder] = []
    origin = ScriptedOrigin([b"one", lambda: recorder[0].stop(), b"never"])  # noqa: PLW0108 - it is not there yet
    recorder.append(Recorder(origin, "falco", path))
    recorder[0].run()
    assert [row["line"] for row in lines_of(path)] == ["one"]
