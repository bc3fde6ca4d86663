from __future__ import annotations

from pathlib import Path

import pytest

from deploy.known import principals_of_file
from schemas.errors import ConfigurationError


def test_names_tell_where_their_principals_are(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("container:lab/shop/web/nginx\n\nuser:lab/system:node:a\nuser:/bob\nhost:node-1\n")
    assert principals_of_file(tmp_path / "a") == {
        "container:lab/shop/web/nginx": {
            "workload.cluster": "lab",
            "workload.namespace": "shop",
            "workload.name": "web",
            "workload.container": "nginx",
        },
        "user:lab/system:node:a": {"user.name": "system:node:a", "orchestrator.cluster.name": "lab"},
        "user:/bob": {"user.name": "bob"},
        "host:node-1": {},
    }


def test_records_tell_the_facts_of_their_principals(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(
        '{"verdict.principal":"host:a","workload.labels":["tier=front"],"process.executable":"/x"}\n{"event.id":"1"}\n'
    )
    assert principals_of_file(tmp_path / "a") == {"host:a": {"workload.labels": ["tier=front"]}}


def test_a_broken_record_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('host:a\n{"verdict.principal"\n')
    with pytest.raises(ConfigurationError, match=r"a:2: not JSON.*name a file of principals"):
        principals_of_file(tmp_path / "a")
