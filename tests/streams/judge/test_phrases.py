from __future__ import annotations

from typing import Any

import pytest

from streams.judge.phrases import phrase
from streams.judge.subjects import subjects_of
from tests.streams.judge.policies import request, start


@pytest.mark.parametrize(
    ("section", "record", "expected"),
    [
        ("exec", {"event.action": "exec", "process.executable": "/bin/sh"}, "runs /bin/sh"),
        ("exec", {"event.action": "exec"}, "runs an unknown program"),
        ("files", {"event.action": "open", "file.path": "/x", "file.access": ["read", "write"]}, "reads and writes /x"),
        ("files", {"event.action": "connect", "file.path": "/x", "process.name": "a"}, "opens /x with a"),
        (
            "network.egress",
            {"network.direction": "egress", "destination.ip": "10.0.0.1", "destination.port": 80},
            "connects to 10.0.0.1 port 80",
        ),
        ("network.egress", {"network.direction": "egress", "destination.domain": "a.example"}, "connects to a.example"),
        ("network.ingress", {"network.direction": "ingress", "source.ip": "10.0.0.1"}, "accepts from 10.0.0.1"),
        (
            "network.ingress",
            {"network.direction": "ingress", "source.ip": "10.0.0.1", "destination.port": 80},
            "accepts from 10.0.0.1 on port 80",
        ),
        ("network.dns", {"dns.question.name": "a.example"}, "asks for the name a.example"),
        ("containers", {"event.action": "container-die"}, "is container-die"),
        (
            "access.exec_into_container",
            request("create", "pods", subresource="exec", namespace="shop", name="web")
            | {"container.exec.command": "sh"},
            "alice executes sh in container shop/web",
        ),
        (
            "access.exec_into_container",
            request("create", "pods", subresource="portforward", namespace="shop", name="web"),
            "alice forwards a port of container shop/web",
        ),
        ("access.exec_into_container", {"event.action": "container-exec"}, "someone executes in container"),
        ("access.api", request("delete", "pods", namespace="shop", name="web"), "alice: delete pods shop/web"),
        ("access.api", request("get", "pods", effective="bob"), "alice as bob: get pods"),
        ("access.api", {"kubernetes.audit.verb": "get", "url.path": "/metrics"}, "someone: get /metrics"),
        ("settings.mounts", start(mounts=["/srv:/x:rw:rshared"]), "mounts /srv of the host with propagation rshared"),
    ],
)
def test_what_was_done_is_said_in_words(section: str, record: dict[str, Any], expected: str) -> None:
    assert phrase(section, dict(subjects_of(record))[section], None) == expected


def test_long_values_are_cut() -> None:
    assert len(phrase("exec", {"process.executable": "/" + "x" * 5000}, None)) < 200


@pytest.mark.parametrize("section", ["limits", "dropped_capabilities", "no_new_privileges", "read_only_root"])
def test_what_lacks_is_said_in_words(section: str) -> None:
    assert "{" not in phrase(f"settings.{section}", start(read_only_root=False), "memory")
