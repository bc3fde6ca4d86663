from __future__ import annotations

from pathlib import Path

import pytest
import zstandard

from deploy.demo.lab.errors import LabError
from deploy.demo.lab.privacy import check_privacy


def compressed(path: Path, text: str) -> Path:
    path.write_bytes(zstandard.ZstdCompressor().compress(text.encode()))
    return path


def test_a_proxy_of_this_machine_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:word@proxy.corporation.example:3128/")
    recording = compressed(tmp_path / "recording", '{"line": "Env=https_proxy=http://proxy.corporation.example:3128"}')
    with pytest.raises(LabError, match=r"proxy\.corporation\.example"):
        check_privacy(recording)


def test_this_host_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "annas-laptop")
    with pytest.raises(LabError, match="annas-laptop"):
        check_privacy(compressed(tmp_path / "recording", "node=annas-laptop type=SYSCALL"))


def test_words_that_are_nobodys_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "vm")
    monkeypatch.setenv("SERVICE_URL", "http://127.0.0.1:8000/")
    check_privacy(compressed(tmp_path / "recording", "vm_overcommit 127.0.0.1 deb.debian.org"))
