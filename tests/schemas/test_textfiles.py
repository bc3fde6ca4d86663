from __future__ import annotations

from pathlib import Path

from schemas.textfiles import read_text_files


def test_files_are_named_by_their_directory_where_several_are_named(tmp_path: Path) -> None:
    for name in ("one/a.yaml", "one/sub/b.yml", "one/a.cases.yaml", "one/.git/c.yml", "two/a.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    alone, _ = read_text_files([tmp_path / "one"], "rules")
    assert [(file.name, file.text) for file in alone] == [("a.yaml", "one/a.yaml"), ("sub/b.yml", "one/sub/b.yml")]
    both, faults = read_text_files([tmp_path / "one", tmp_path / "two"], "rules")
    assert [file.name for file in both] == ["one/a.yaml", "one/sub/b.yml", "two/a.yaml"]
    assert faults == []


def test_what_gives_no_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.yml").write_bytes(b"x\n\xff")
    files, faults = read_text_files([tmp_path / "a.yml", tmp_path / "empty", tmp_path / "nowhere"], "rules")
    assert files == []
    assert sorted((fault.line, fault.message) for fault in faults) == [
        (1, "does not exist; name a file or directory of rules"),
        (1, "has no .yaml file in it; name a file or directory of rules"),
        (2, "is not UTF-8 text; save it as UTF-8"),
    ]
