from __future__ import annotations

from typing import Any

import pytest

from streams.judge.subjects import Mount, reach_of, subjects_of
from tests.streams.judge.policies import request, start


def sections(record: dict[str, Any]) -> list[str]:
    return [section for section, _ in subjects_of(record)]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"event.action": "exec", "process.executable": "/x", "file.path": "/x"}, ["exec"]),
        ({"event.action": "open", "file.path": "/x"}, ["files"]),
        ({"event.action": "connect", "network.direction": "egress"}, ["network.egress"]),
        ({"event.action": "accept", "network.direction": "ingress"}, ["network.ingress"]),
        ({"event.action": "dns", "dns.question.name": "a"}, ["network.dns"]),
        ({"event.action": "container-die"}, ["containers"]),
        ({"event.action": "container-exec"}, ["containers", "access.exec_into_container"]),
        ({"event.action": "container-health-check"}, ["containers"]),
        ({"event.action": "image-pull", "container.settings.images": ["a"]}, ["images.registries", "containers"]),
        (request("list", "secrets"), ["access.secrets", "access.api"]),
        (request("create", "pods", subresource="exec"), ["access.exec_into_container", "access.api"]),
        (request("get", "pods"), ["access.api"]),
        ({"event.action": "something"}, []),
        ({}, []),
    ],
)
def test_a_record_concerns_sections(record: dict[str, Any], expected: list[str]) -> None:
    assert sections(record) == expected


@pytest.mark.parametrize(
    "action", ["container-create", "container-start", "container-restart", "container-update", "facts"]
)
def test_a_start_concerns_each_setting(action: str) -> None:
    record = start(
        images=["nginx"],
        privileged=True,
        root=True,
        host_namespaces=["pid"],
        devices=["/dev/sda"],
        mounts=["/etc:/x:ro"],
        seccomp="unconfined",
        **{"capabilities.add": ["SYS_ADMIN"]},
    ) | {"event.action": action}
    assert [subject for subject in subjects_of(record) if subject[0] != "containers"] == [
        ("images.registries", "nginx"),
        ("images.tags", "nginx"),
        ("images.digest", "nginx"),
        ("settings.privileged", True),
        ("settings.root", True),
        ("settings.host_namespaces", "pid"),
        ("settings.capabilities", "SYS_ADMIN"),
        ("settings.devices", "/dev/sda"),
        ("settings.mounts", Mount("/etc", "/x", writable=False, propagation="")),
        ("settings.seccomp", "unconfined"),
    ]


def test_what_is_required_is_asked_only_where_all_settings_are_known() -> None:
    assert sections(start(privileged=False)) == ["containers"]
    assert sections(start(read_only_root=False)) == [
        "settings.limits",
        "settings.limits.minimum",
        "settings.limits.maximum",
        "settings.dropped_capabilities",
        "settings.no_new_privileges",
        "settings.read_only_root",
        "settings.profiles",
        "settings.required_labels",
        "containers",
    ]


def test_the_name_in_the_facts_stands_for_the_image_but_says_nothing_of_its_tag() -> None:
    record = {"event.action": "container-start", "container.image.name": "registry.example/web"}
    asked = ["pushed", "signature", "signers", "scan", "max_age_days", "max_scan_age_days"]
    assert sections(record) == ["images.registries", *(f"images.{key}" for key in asked), "containers"]


@pytest.mark.parametrize(
    ("verb", "concerned"), [("create", True), ("update", True), ("patch", True), ("get", False), ("delete", False)]
)
def test_requests_that_write_concern_settings(verb: str, concerned: bool) -> None:  # noqa: FBT001 - a column
    record = request(verb, "deployments") | {"container.settings.privileged": True}
    assert ("settings.privileged" in sections(record)) is concerned


@pytest.mark.parametrize(("outcome", "concerned"), [("success", True), ("unknown", True), ("failure", False)])
def test_a_write_that_was_refused_starts_nothing(outcome: str, concerned: bool) -> None:  # noqa: FBT001 - a column
    record = request("create", "pods", outcome=outcome) | {"container.settings.privileged": True}
    assert ("settings.privileged" in sections(record)) is concerned


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("/etc:/x:ro", Mount("/etc", "/x", writable=False, propagation="")),
        ("/etc:/x:rw:rshared", Mount("/etc", "/x", writable=True, propagation="rshared")),
        ("/a:b:/x:rw", Mount("/a:b", "/x", writable=True, propagation="")),
        ("/etc::ro", Mount("/etc", "", writable=False, propagation="")),
        ("/etc", Mount("/etc", "", writable=True, propagation="")),
        ("/etc:/x", Mount("/etc", "", writable=True, propagation="")),
    ],
)
def test_mounts_are_read(text: str, mount: Mount) -> None:
    assert dict(subjects_of(start(mounts=[text])))["settings.mounts"] == mount


@pytest.mark.parametrize(
    ("record", "reach"),
    [
        (request("get", "pods", subresource="exec"), "exec"),
        (request("create", "pods", subresource="attach"), "attach"),
        (request("create", "pods", subresource="portforward"), "portforward"),
        (request("patch", "pods", subresource="ephemeralcontainers"), "debug"),
        (request("get", "pods", subresource="ephemeralcontainers"), None),
        (request("get", "pods", subresource="log"), None),
        ({"event.action": "container-exec"}, "exec"),
        ({"event.action": "container-attach"}, "attach"),
        ({"event.action": "container-exec-die"}, None),
        ({"event.action": "exec"}, None),
    ],
)
def test_reaching_into_a_container(record: dict[str, Any], reach: str | None) -> None:
    assert reach_of(record) == reach
