from __future__ import annotations

import pytest

from deploy.demo.lab.errors import LabError
from deploy.demo.lab.tools import check_machine


def test_without_root_it_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match="needs root"):
        check_machine()


def test_missing_tools_are_named_as_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(
        "shutil.which", lambda tool: None if tool in ("etcd", "auditctl", "auditd") else f"/usr/bin/{tool}"
    )
    with pytest.raises(LabError, match=r"apt-get install auditd etcd-server$"):
        check_machine()
