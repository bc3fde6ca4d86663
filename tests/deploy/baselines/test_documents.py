from __future__ import annotations

from pathlib import Path

import pytest

from deploy.baselines.documents import read_documents
from schemas.baseline import Baseline
from schemas.errors import ConfigurationError, PolicyErrors
from streams.baseline.document import write_baseline

WEB = Baseline("container:/shop/web/web", 3, {"exec": (("/usr/sbin/nginx",),)})
APP = Baseline("container:/shop/app/app", 1, {"exec": (("/usr/bin/python3",),)})


def written(directory: Path, name: str, text: str) -> Path:
    path = directory / name
    path.write_text(text)
    return path


def test_documents_know_whether_they_were_edited(tmp_path: Path) -> None:
    same = written(tmp_path, "web.yaml", write_baseline(WEB))
    edited = written(tmp_path, "app.yaml", write_baseline(APP).replace("python3", "python3.12"))
    first, second = read_documents([same, edited])
    assert (first.baseline, first.edited) == (WEB, False)
    assert (second.baseline.elements, second.edited) == ({"exec": (("/usr/bin/python3.12",),)}, True)


def test_all_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    one = written(tmp_path, "1.yaml", "principal: a\nversion: 1\nelements: {exe: []}\n")
    two = written(tmp_path, "2.yaml", "principal: b\nversion: x\nelements: {}\n")
    with pytest.raises(PolicyErrors) as told:
        read_documents([one, two])
    assert [(fault.file, fault.path) for fault in told.value.faults] == [
        (str(one), "elements.exe"),
        (str(two), "version"),
    ]


def test_a_principal_may_stand_in_one_file_only(tmp_path: Path) -> None:
    files = [written(tmp_path, name, write_baseline(WEB)) for name in ("1.yaml", "2.yaml")]
    with pytest.raises(PolicyErrors, match=r"of which \S*1.yaml is too; keep one of them"):
        read_documents(files)


def test_what_cannot_be_read_says_what_can(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff")
    for name in ("none.yaml", "bytes", "."):
        with pytest.raises(ConfigurationError, match="baseline export"):
            read_documents([tmp_path / name])
