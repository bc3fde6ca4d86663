from __future__ import annotations

from pathlib import Path

import pytest

from deploy.stack import java
from deploy.stack.java import Java, find_javas, read_version


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "25-ea" 2025-09-16', 25),
        ("Error: could not find libjava.so", None),
    ],
)
def test_the_major_version_is_read(output: str, version: int | None) -> None:
    assert read_version(output) == version


def test_every_installation_is_found_once_newest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = install(tmp_path / "jvm" / "old", "11.0.2")
    new = install(tmp_path / "jvm" / "new" / "Contents" / "Home", "25")
    broken = tmp_path / "jvm" / "broken"
    (broken / "bin" / "java").mkdir(parents=True)
    (tmp_path / "jvm" / "link").symlink_to(old)
    monkeypatch.setattr(java, "INSTALLATION_DIRECTORIES", (tmp_path / "jvm", tmp_path / "absent"))
    monkeypatch.setenv("PATH", f"{old / 'bin'}")
    monkeypatch.setenv("JAVA_HOME", str(new))
    assert find_javas() == (Java(new, 25), Java(old, 11))
    assert find_javas()[0].executable == new / "bin" / "java"


def test_there_may_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "INSTALLATION_DIRECTORIES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", "")
    assert find_javas() == ()


def install(home: Path, version: str) -> Path:
    executable = home / "bin" / "java"
    executable.parent.mkdir(parents=True)
    executable.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    executable.chmod(0o755)
    return home
