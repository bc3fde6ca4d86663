from __future__ import annotations

import shutil
import subprocess
from typing import Final

import pytest
from hypothesis import given, settings

from schemas.baseline import Baseline, Element, literal
from schemas.errors import ConfigurationError
from streams.baseline.exports.docker import docker
from streams.baseline.exports.docker.command import Command
from streams.baseline.exports.docker.mounts import mounts_of
from streams.baseline.exports.settings import settings_of
from streams.baseline.exports.types import Options
from tests.streams.baseline.exports.reading import comments_of, learned
from tests.streams.baseline.exports.strategies import baselines, hostile_principals

SHELL: Final = shutil.which("sh") or "sh"
FLAGS: Final = frozenset(
    {
        *("--user", "--read-only", "--privileged", "--cap-drop", "--cap-add", "--security-opt", "--memory", "--cpus"),
        *(
            "--pids-limit",
            "--pid",
            "--ipc",
            "--network",
            "--uts",
            "--userns",
            "--cgroupns",
            "--publish",
            "--mount",
            "--device",
        ),
    }
)


def arguments(text: str) -> list[str]:
    """Return what a shell gives to ``docker``, which is a function of its own here."""
    script = "docker() { printf '%s\\0' \"$@\"; }\n" + text
    ran = subprocess.run([SHELL, "-eu"], input=script.encode(), capture_output=True, check=True, env={"PATH": ""})
    assert ran.stderr == b""
    return ran.stdout.decode().split("\0")[:-1]


def run(*elements: Element, **more: list[Element]) -> list[str]:
    return arguments(docker(learned(settings=list(elements), **more), Options(image="shop/web:1")))


def told(kind: str, *elements: Element, **more: list[Element]) -> list[str]:
    comments = comments_of(docker(learned(settings=list(elements), **more), Options(image="shop/web:1")))
    return [
        comment.removeprefix(f"{kind}: ").removesuffix(".") for comment in comments if comment.startswith(f"{kind}: ")
    ]


def test_a_container_that_dropped_everything_is_started_as_it_was() -> None:
    found = run(
        ("user", "1000:1000"),
        ("read_only_root", "true"),
        ("capabilities.drop", "ALL"),
        ("capabilities.add", "NET_BIND_SERVICE"),
        ("no_new_privileges", "true"),
        ("limits.memory", "268435456"),
        ("limits.cpu", "0.5"),
        ("limits.pids", "100"),
        ("mounts", "/srv/data:/data:rw"),
        ("mounts", "/etc/shop:/etc/shop:ro"),
        ("ports", "80/tcp"),
        ingress=[("10.0.0.1", "80", "tcp")],
    )
    assert found == [
        *("run", "--user=1000:1000", "--read-only", "--cap-drop=ALL", "--cap-add=NET_BIND_SERVICE"),
        *("--security-opt=no-new-privileges:true", "--memory=268435456", "--cpus=0.5", "--pids-limit=100"),
        *("--publish=80:80/tcp", "--mount=type=bind,source=/etc/shop,target=/etc/shop,readonly"),
        *("--mount=type=bind,source=/srv/data,target=/data", "shop/web:1"),
    ]


def test_the_rights_of_the_runtime_are_granted_by_name_where_they_were_not_dropped() -> None:
    found = run(("capabilities.drop", "MKNOD NET_RAW"), ("capabilities.add", "SYS_NICE"))
    added = [flag.removeprefix("--cap-add=") for flag in found if flag.startswith("--cap-add=")]
    assert "--cap-drop=ALL" in found
    assert len(added) == 14 - 2 + 1
    assert {"CHOWN", "SYS_NICE"} <= set(added)
    assert not {"MKNOD", "NET_RAW"} & set(added)


def test_a_privileged_container_stays_one_and_a_comment_says_what_that_opens() -> None:
    assert "--privileged" in run(("privileged", "true"))
    assert not any(flag.startswith("--cap") for flag in run(("privileged", "true")))
    assert any("it runs privileged" in note for note in told("Open", ("privileged", "true")))
    assert "--privileged" not in run(("privileged", "true"), ("privileged", "false"))


def test_every_capability_is_one_flag() -> None:
    assert run(("capabilities.add", "ALL"))[1:-1] == ["--cap-add=ALL"]


@pytest.mark.parametrize(
    ("capability", "elements", "used"),
    [
        ("NET_BIND_SERVICE", {"ingress": [("listen", "8080", "tcp")]}, False),
        ("NET_BIND_SERVICE", {"ingress": [("listen", "443", "tcp")]}, True),
        ("NET_BIND_SERVICE", {"ingress": [("10.0.0.1", "", "tcp")]}, True),
        ("NET_BIND_SERVICE", {}, None),
        ("CHOWN", {"file": [("/a", "read")]}, False),
        ("CHOWN", {"file": [("/a", "attributes")]}, True),
        ("CHOWN", {"file": [("/a", "**")]}, True),
        ("CHOWN", {}, None),
        ("NET_RAW", {"egress": [("10.0.0.1", "", "icmp")]}, True),
        ("NET_RAW", {"egress": []}, None),
        ("SYS_PTRACE", {"exec": [("/a",)], "file": [], "ingress": [], "egress": []}, None),
    ],
)  # fmt: skip
def test_a_granted_capability_is_told_as_never_used_only_where_that_shows(
    capability: str, elements: dict[str, list[Element]], *, used: bool | None
) -> None:
    granted: list[Element] = [("capabilities.drop", "ALL"), ("capabilities.add", capability)]
    never = told("Never used", *granted, **elements)
    unseen = told("Not observable", *granted, **elements)
    assert bool(never) is (used is False)
    assert (unseen == [f"whether these capabilities are used: {capability}"]) is (used is None)
    assert f"--cap-add={capability}" in run(*granted, **elements)


@pytest.mark.parametrize(
    ("elements", "used"),
    [
        ({"file": [("/data/a", "read")]}, True),
        ({"file": [("/data", "read")]}, True),
        ({"file": [("/*/a", "read")]}, True),
        ({"file": [("/database", "read")]}, False),
        ({"file": [], "exec": [("/data/bin/x",)]}, True),
        ({"file": []}, False),
        ({}, None),
    ],
)
def test_a_mount_is_told_as_never_used_only_where_files_were_observed(
    elements: dict[str, list[Element]], *, used: bool | None
) -> None:
    mount = ("mounts", "/srv/data:/data:rw")
    expected = ["mount of /data: nothing there was accessed, of the files that sensors watch"] if used is False else []
    assert told("Never used", ("capabilities.drop", "ALL"), mount, **elements) == expected
    assert any("mount of /data" in note for note in told("Not observable", mount, **elements)) is (used is None)
    assert "--mount=type=bind,source=/srv/data,target=/data" in run(mount, **elements)


@pytest.mark.parametrize(
    ("port", "ingress", "flag", "never"),
    [
        ("8080/tcp", [("10.0.0.1", "8080", "tcp")], "--publish=8080:8080/tcp", 0),
        ("8080/tcp", [("10.0.0.1", "80", "ip")], "--publish=8080:80/tcp", 0),
        ("0/tcp", [("10.0.0.1", "80", "tcp")], "--publish=80/tcp", 0),
        ("127.0.0.1:8080/tcp", [("10.0.0.1", "8080", "tcp")], "--publish=127.0.0.1:8080:8080/tcp", 0),
        ("127.0.0.1:0/tcp", [("10.0.0.1", "80", "tcp")], "--publish=127.0.0.1::80/tcp", 0),
        (":::8080/tcp", [("10.0.0.1", "8080", "tcp")], "--publish=[::]:8080:8080/tcp", 0),
        ("8080/tcp", [("listen", "8080", "tcp")], "--publish=8080:8080/tcp", 1),
        ("8080/tcp", [("listen", "8080", "tcp"), ("10.0.0.1", "9090", "tcp")], "--publish=8080:8080/tcp", 1),
        ("8080/udp", [("10.0.0.1", "8080", "tcp")], "", 1),
        ("8080/tcp", [("10.0.0.1", "1", "tcp"), ("10.0.0.1", "2", "tcp")], "", 0),
        ("8080/tcp", [], "", 1),
        ("8080/tcp", None, "", 0),
        ("$(x)/tcp", [], "", 0),
    ],
)
def test_a_published_port_leads_to_the_port_that_was_seen_inside(
    port: str, ingress: list[Element] | None, flag: str, never: int
) -> None:
    granted: list[Element] = [("capabilities.drop", "ALL"), ("ports", port)]
    more = {} if ingress is None else {"ingress": ingress}
    assert [one for one in run(*granted, **more) if one.startswith("--publish")] == [flag] * bool(flag)
    assert len(told("Never used", *granted, **more)) == never
    assert bool(told("Left out", *granted, **more)) is not bool(flag)


@pytest.mark.parametrize(
    ("mount", "flag"),
    [
        ("/a:/b:ro", "--mount=type=bind,source=/a,target=/b,readonly"),
        ("/a:b:/c:rw:rshared", "--mount=type=bind,source=/a:b,target=/c,bind-propagation=rshared"),
        ('/a, "b:/c:rw', '--mount=type=bind,"source=/a, ""b",target=/c'),
        ("/a::ro", ""),
        ("/a/*:/b:ro", ""),
        ("/a:/b:rw:odd", ""),
        ("odd", ""),
    ],
)
def test_a_mount_is_given_again_or_left_out(mount: str, flag: str) -> None:
    element = ("mounts", literal(mount))
    assert [one for one in run(element) if one.startswith("--mount")] == [flag] * bool(flag)
    assert bool(told("Left out", element)) is not bool(flag)


@pytest.mark.parametrize(
    ("elements", "could"),
    [
        ({"file": [("/data/x", "write"), ("/etc/x", "read")]}, True),
        ({"file": [("/etc/x", "write")]}, False),
        ({"file": [("/**", "create")]}, False),
        ({}, False),
    ],
)
def test_a_root_that_was_not_written_could_be_read_only(elements: dict[str, list[Element]], *, could: bool) -> None:
    notes = told("Could be", ("mounts", "/srv/data:/data:rw"), **elements)
    assert any(note.startswith("--read-only") for note in notes) is could
    assert "--read-only" not in run(("mounts", "/srv/data:/data:rw"), **elements)


def test_what_protects_is_kept_and_what_does_not_is_told() -> None:
    elements: list[Element] = [
        ("seccomp", "unconfined"),
        ("apparmor", "docker-default"),
        ("no_new_privileges", "false"),
    ]
    found = run(*elements)
    assert [flag for flag in found if flag.startswith("--security-opt")] == [
        "--security-opt=seccomp=unconfined",
        "--security-opt=apparmor=docker-default",
    ]
    assert any("seccomp is unconfined" in note for note in told("Open", *elements))
    assert any("set-user-id" in note for note in told("Open", *elements))
    custom = told("Left out", ("seccomp", "custom:0123456789ab"), ("apparmor", "localhost/a b"))
    assert [note.split(":")[0] for note in custom] == ["seccomp custom", "apparmor localhost/a b"]
    assert not any(
        flag.startswith("--security-opt") for flag in run(("seccomp", "runtime/default"), ("apparmor", "none"))
    )


def test_of_several_users_it_is_one_that_is_not_root() -> None:
    assert "--user=1000" in run(("user", "0"), ("user", "1000"), ("user", "root"))
    assert told("Note", ("user", "0"), ("user", "1000")) == ["it also ran as 0"]
    assert any("the user of its image" in note for note in told("Open", ("user", "none"), ("root", "true")))


def test_of_several_limits_it_is_the_largest_and_what_has_none_says_what_was_used() -> None:
    assert "--memory=2000" in run(("limits.memory", "900"), ("limits.memory", "2000"), ("limits.memory", "none"))
    bands: list[Element] = [("memory", "96-103"), ("memory", "90"), ("cpu", "-9"), ("pids", "x")]
    notes = told("Open", resource=bands)
    assert "memory has no limit; less than 67108864 bytes were used" in notes
    assert "cpu has no limit; less than 0.25 cores were used" in notes
    assert "pids has no limit; how much is used is not in the baseline" in notes


def test_namespaces_and_networks_are_those_it_ran_with() -> None:
    found = run(
        ("host_namespaces", "pid"), ("host_namespaces", "odd"), ("network_mode", "shop_net"), ("devices", "/dev/fuse")
    )
    assert found[1:3] == ["--cap-drop=ALL", "--cap-add=AUDIT_WRITE"]
    assert [flag for flag in found if "cap" not in flag] == [
        "run",
        "--pid=host",
        "--network=shop_net",
        "--device=/dev/fuse",
        "shop/web:1",
    ]
    for mode in ("bridge", "default", "host", "container", "x\\*"):
        assert not any(flag.startswith("--network") for flag in run(("network_mode", mode)))
    assert "--network=none: nothing was connected to or accepted" in told("Could be", egress=[], ingress=[])


def test_what_cannot_be_told_is_left_out() -> None:
    long = "/srv/" + "x" * 200 + "…0123456789abcdef:/a:ro"
    cut = ("mounts", "/srv/" + "x" * 200 + "…0123456789abcdef")
    notes = told("Left out", cut, ("user", "*"), ("volumes", "data"), ("devices", "a"), ("capabilities.add", "FOO"))
    assert {note.split(" ")[0] for note in notes} == {"mounts", "user", "volume", "device", "settings"}
    assert "--user" not in str(run(cut, ("user", "*")))
    assert len(told("Left out", ("mounts", long))) == 0


def test_the_image_is_the_one_asked_for_or_the_one_of_the_baseline_or_none() -> None:
    one: list[Element] = [("run", "registry.example/shop/web"), ("pull", "registry.example/other")]
    two: list[Element] = [*one, ("run", "registry.example/shop/old")]
    assert arguments(docker(learned(settings=[], image=one), Options()))[-1] == "registry.example/shop/web"
    odd: list[Element] = [("run", "--privileged")]
    for images in (two, odd, odd[:0]):
        assert arguments(docker(learned(settings=[], image=images), Options()))[-1] == "IMAGE"


@pytest.mark.parametrize("image", ["--privileged", "a b", "$(x)"])
def test_what_is_no_image_is_refused(image: str) -> None:
    with pytest.raises(ConfigurationError, match="is no image"):
        docker(learned(settings=[]), Options(image=image))


def test_without_settings_there_is_no_command_and_the_error_says_what_to_collect() -> None:
    with pytest.raises(ConfigurationError, match=r"docker run command is made of settings.*docker events"):
        docker(learned(exec=[("/a",)]), Options())


@settings(max_examples=60)
@given(baselines(principals=hostile_principals).filter(lambda one: "settings" in one.elements))
def test_a_shell_gives_docker_these_flags_and_no_name_breaks_out(baseline: Baseline) -> None:
    found = arguments(docker(baseline, Options()))
    assert found[0] == "run"
    assert {flag.partition("=")[0] for flag in found[1:-1]} <= FLAGS
    known = settings_of(baseline)
    assert [flag for flag in found if flag.startswith("--mount=")] == [
        mount.flag for mount in mounts_of(known) if not mount.fault
    ]
    users = {f"--user={user}" for user in known.of("user")}
    assert {flag for flag in found if flag.startswith("--user=")} <= users


def test_parts_of_a_command_see_what_is_not_in_the_baseline() -> None:
    baseline = learned(settings=[], file=[])
    command = Command(baseline, settings_of(baseline))
    assert (command.observed("file"), command.observed("exec")) == ((), None)
