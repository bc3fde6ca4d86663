from __future__ import annotations

from typing import Any

import pytest

from producers.formats.docker.settings import settings_of
from tests.producers.formats.docker.engine_records import inspect_of


def setting(name: str, **changes: Any) -> Any:
    return settings_of(inspect_of(**changes)).get(f"container.settings.{name}")


def test_a_container_with_nothing_asked_for_says_what_it_is_not() -> None:
    assert settings_of(inspect_of()) == {
        "container.settings.images": ["registry.example:5000/shop/web:1.0"],
        "container.settings.privileged": False,
        "container.settings.user": "",
        "container.settings.root": True,
        "container.settings.read_only_root": False,
        "container.settings.no_new_privileges": False,
        "container.settings.network_mode": "bridge",
        "container.settings.environment_secrets": ["PASSWORD"],
        "container.settings.entrypoint": ["/web", "--port", "80"],
    }


def test_variables_that_hold_secrets_are_named_and_their_values_are_not_kept() -> None:
    variables = ["PATH=/bin", "DB_PASSWORD=hunter2", "TOKEN_FILE=/run/token", "API_KEY=", "OPTIONS=-Dpassword=hunter2"]
    found = settings_of(inspect_of(Config={"Env": variables}, HostConfig={"Runtime": "runsc"}))
    assert found["container.settings.environment_secrets"] == ["DB_PASSWORD", "OPTIONS"]
    assert found["container.settings.runtime"] == "runsc"
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("user", "root"),
    [("", True), ("0", True), ("root", True), ("0:0", True), ("root:web", True), ("1000", False), ("web:0", False)],
)
def test_root_by_any_name(user: str, root: bool) -> None:  # noqa: FBT001 - a column of the table
    assert setting("root", Config={"User": user}) is root
    assert setting("user", Config={"User": user}) == user


def test_namespaces_of_the_host() -> None:
    modes = {"PidMode": "host", "IpcMode": "shareable", "NetworkMode": "host", "UTSMode": "host", "UsernsMode": "host"}
    assert setting("host_namespaces", HostConfig=modes) == ["pid", "network", "uts", "user"]


def test_capabilities_by_one_name() -> None:
    host = {"CapAdd": ["CAP_SYS_ADMIN", "net_admin", "SYS_ADMIN"], "CapDrop": ["all"]}
    assert setting("capabilities.add", HostConfig=host) == ["NET_ADMIN", "SYS_ADMIN"]
    assert setting("capabilities.drop", HostConfig=host) == ["ALL"]


def test_mounts_of_host_paths_and_volumes_by_name() -> None:
    mounts = [
        {"Type": "bind", "Source": "/", "Destination": "/host", "RW": True, "Propagation": "rprivate"},
        {"Type": "bind", "Source": "/etc", "Destination": "/e", "RW": False, "Propagation": "rshared"},
        {"Type": "volume", "Name": "data", "Source": "/var/lib/docker/volumes/data/_data", "Destination": "/data"},
        {"Type": "volume", "Name": "9" * 64, "Destination": "/cache"},
        {"Type": "tmpfs", "Destination": "/run"},
    ]
    assert setting("mounts", Mounts=mounts) == ["/:/host:rw", "/etc:/e:ro:rshared"]
    assert setting("volumes", Mounts=mounts) == ["anonymous", "data"]


def test_what_differs_in_every_pod_is_not_part_of_a_mount() -> None:
    source = "/var/lib/kubelet/pods/0a1b2c3d-0000-4000-8000-00000000beef/volumes/kubernetes.io~secret/tls"
    mounts = [{"Type": "bind", "Source": source, "Destination": "/tls", "RW": False}]
    assert setting("mounts", Mounts=mounts) == ["/var/lib/kubelet/pods/*/volumes/kubernetes.io~secret/tls:/tls:ro"]


def test_ports_devices_and_networks() -> None:
    host = {
        "PortBindings": {
            "80/tcp": [{"HostIp": "", "HostPort": "8080"}, {"HostIp": "127.0.0.1", "HostPort": "81"}],
            "53/udp": [{"HostPort": ""}],
            "443/tcp": None,
        },
        "Devices": [{"PathOnHost": "/dev/kvm", "PathInContainer": "/dev/kvm", "CgroupPermissions": "rwm"}],
        "NetworkMode": "container:" + "1" * 64,
    }
    assert setting("ports", HostConfig=host) == ["0/udp", "127.0.0.1:81/tcp", "8080/tcp"]
    assert setting("devices", HostConfig=host) == ["/dev/kvm"]
    assert setting("network_mode", HostConfig=host) == "container"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["no-new-privileges"], {"no_new_privileges": True}),
        (["no-new-privileges:true", "label=disable"], {"no_new_privileges": True}),
        (["no-new-privileges=false"], {"no_new_privileges": False}),
        (["seccomp=unconfined", "apparmor=unconfined"], {"seccomp": "unconfined", "apparmor": "unconfined"}),
        (["seccomp:unconfined"], {"seccomp": "unconfined"}),
    ],
)
def test_security_options(options: list[str], expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        assert setting(name, HostConfig={"SecurityOpt": options}) == value


def test_a_seccomp_profile_that_is_sent_whole_is_known_by_its_digest() -> None:
    first, second = (
        setting("seccomp", HostConfig={"SecurityOpt": [f'seccomp={{"defaultAction":"{action}"}}']})
        for action in ("SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW")
    )
    assert first.startswith("custom:")
    assert len(first) < 32
    assert first != second


def test_the_engines_own_apparmor_profile() -> None:
    assert setting("apparmor", AppArmorProfile="docker-default") == "docker-default"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ({"Memory": 1024, "NanoCpus": 500_000_000, "PidsLimit": 10}, (1024, 0.5, 10, ["cpu", "memory", "pids"])),
        ({"CpuQuota": 50_000, "CpuPeriod": 100_000}, (None, 0.5, None, ["cpu"])),
        ({"CpuQuota": 50_000}, (None, 0.5, None, ["cpu"])),
        ({"Memory": 0, "PidsLimit": -1, "CpuQuota": -1}, (None, None, None, None)),
    ],
)
def test_limits(host: dict[str, int], expected: tuple[Any, ...]) -> None:
    names = ("limits.memory", "limits.cpu", "limits.pids", "limited")
    assert tuple(setting(name, HostConfig=host) for name in names) == expected
