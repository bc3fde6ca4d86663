from __future__ import annotations

from typing import Any, Final

import jsonschema
import pytest
from hypothesis import given

from schemas.baseline import Baseline, Element
from schemas.errors import ConfigurationError
from streams.baseline.exports.kubearmor import kubearmor
from streams.baseline.exports.types import Options
from streams.baseline.exports.words import path_of
from tests.streams.baseline.exports.reading import comments_of, learned, manifest_of
from tests.streams.baseline.exports.strategies import baselines

_ACTION: Final = {"enum": ["Allow", "Audit", "Block"]}


def _matches(**more: Any) -> dict[str, Any]:
    common = {"action": _ACTION, **more}
    path = {"path": {"type": "string", "pattern": r"^\/+.*[^\/]$"}, **common}
    directory = {"dir": {"type": "string", "pattern": r"^\/$|^\/.*\/$"}, "recursive": {"type": "boolean"}, **common}
    return {
        "type": "object",
        "properties": {
            "matchPaths": _listed(path, "path"),
            "matchDirectories": _listed(directory, "dir"),
            "action": _ACTION,
        },
        "minProperties": 1,
        "additionalProperties": False,
    }


def _listed(properties: dict[str, Any], required: str) -> dict[str, Any]:
    item = {"type": "object", "properties": properties, "required": [required], "additionalProperties": False}
    return {"type": "array", "items": item, "minItems": 1}


SCHEMA: Final = {
    "type": "object",
    "properties": {
        "apiVersion": {"const": "security.kubearmor.com/v1"},
        "kind": {"const": "KubeArmorPolicy"},
        "metadata": {"type": "object", "required": ["name"]},
        "spec": {
            "type": "object",
            "properties": {
                "selector": {
                    "type": "object",
                    "properties": {"matchLabels": {"type": "object", "additionalProperties": {"type": "string"}}},
                    "additionalProperties": False,
                },
                "process": _matches(),
                "file": _matches(readOnly={"type": "boolean"}),
                "network": {
                    "type": "object",
                    "properties": {
                        "matchProtocols": _listed(
                            {
                                "protocol": {"type": "string", "pattern": "(icmp|ICMP|tcp|TCP|udp|UDP|raw|RAW)$"},
                                "action": _ACTION,
                            },
                            "protocol",
                        )
                    },
                    "additionalProperties": False,
                },
                "action": _ACTION,
            },
            "required": ["selector", "process", "file", "action"],
            "additionalProperties": False,
        },
    },
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "additionalProperties": False,
}
"""The fields of the resource definition of security.kubearmor.com/v1 that are used."""


def spec_of(baseline: Baseline) -> Any:
    manifest = manifest_of(kubearmor(baseline, Options()))
    jsonschema.validate(manifest, SCHEMA)
    return manifest["spec"]


def told(baseline: Baseline, kind: str) -> list[str]:
    comments = comments_of(kubearmor(baseline, Options()))
    return [comment.removeprefix(f"{kind}: ") for comment in comments if comment.startswith(f"{kind}: ")]


def test_programs_and_files_are_allowed_by_path_and_reading_alone_is_read_only() -> None:
    spec = spec_of(
        learned(
            exec=[("/usr/sbin/nginx",), ("/bin/busybox", "sh")],
            file=[("/etc/nginx/nginx.conf", "read"), ("/run/nginx.pid", "write"), ("/run/nginx.pid", "read")],
        )
    )
    assert spec["selector"] == {"matchLabels": {"app.kubernetes.io/name": "web"}}
    assert spec["process"] == {"matchPaths": [{"path": "/bin/busybox"}, {"path": "/usr/sbin/nginx"}]}
    assert spec["file"] == {
        "matchPaths": [{"path": "/etc/nginx/nginx.conf", "readOnly": True}, {"path": "/run/nginx.pid"}]
    }
    assert spec["action"] == "Allow"


def test_stars_at_the_end_are_directories() -> None:
    baseline = learned(exec=[("/opt/bin/*",)], file=[("/srv/**", "read"), ("/tmp/*", "create")])  # noqa: S108 - a path that is compared
    spec = spec_of(baseline)
    assert spec["process"] == {"matchDirectories": [{"dir": "/opt/bin/", "recursive": False}]}
    assert spec["file"]["matchDirectories"] == [
        {"dir": "/srv/", "recursive": True, "readOnly": True},
        {"dir": "/tmp/", "recursive": False},  # noqa: S108 - a path that is compared
    ]
    assert not any("exactly" in note for note in told(baseline, "Open"))


def test_a_star_within_a_path_opens_the_directory_before_it_and_a_comment_says_so() -> None:
    baseline = learned(exec=[("/a",)], file=[("/proc/*/status", "read")])
    assert spec_of(baseline)["file"] == {"matchDirectories": [{"dir": "/proc/", "recursive": True, "readOnly": True}]}
    assert "file /proc/*/status: KubeArmor cannot say it exactly, so what lies below /proc/ is allowed." in told(
        baseline, "Open"
    )


@pytest.mark.parametrize(("given_name", "other"), [("exec", "file"), ("file", "process")])
def test_what_is_not_in_the_baseline_stays_open(given_name: str, other: str) -> None:
    element: Element = ("/a",) if given_name == "exec" else ("/a", "read")
    baseline = Baseline("container:prod/shop/web/web", 1, {given_name: (element,)})
    assert spec_of(baseline)[other] == {"matchDirectories": [{"dir": "/", "recursive": True}]}
    assert any("is not in the baseline" in note for note in told(baseline, "Open"))


def test_a_dimension_that_nothing_runs_without_stays_open_where_it_has_no_elements() -> None:
    baseline = learned(exec=[("/a",)], file=[])
    assert spec_of(baseline)["file"] == {"matchDirectories": [{"dir": "/", "recursive": True}]}
    assert "every file, since no element of `file` can be said here, and nothing runs without." in told(
        baseline, "Open"
    )


def test_protocols_are_allowed_where_both_directions_are_known() -> None:
    listen: list[Element] = [("listen", "80", "tcp")]
    known = learned(exec=[("/a",)], egress=[("10.0.0.1", "", "icmp")], ingress=listen, dns=[("a.example",)])
    assert spec_of(known)["network"] == {"matchProtocols": [{"protocol": name} for name in ("icmp", "tcp", "udp")]}
    assert "network" not in spec_of(learned(exec=[("/a",)], ingress=listen))
    assert "network" not in spec_of(learned(exec=[("/a",)], egress=[("10.0.0.1", "1", "sctp")], ingress=listen))


def test_who_used_no_network_may_use_none() -> None:
    protocols = spec_of(learned(exec=[("/a",)], egress=[], ingress=[]))["network"]["matchProtocols"]
    assert {(one["protocol"], one["action"]) for one in protocols} == {
        (name, "Block") for name in ("icmp", "raw", "tcp", "udp")
    }


def test_what_was_taken_out_is_blocked() -> None:
    never: dict[str, list[Element]] = {
        "exec": [("/usr/bin/wget",), ("/opt/**",)],
        "file": [("/etc/shadow", "read"), ("/etc/passwd", "write")],
    }
    spec = spec_of(learned(never, exec=[("/usr/bin/*",)], file=[("/etc/**", "read")]))
    assert spec["process"]["matchPaths"] == [{"path": "/usr/bin/wget", "action": "Block"}]
    assert {"dir": "/opt/", "recursive": True, "action": "Block"} in spec["process"]["matchDirectories"]
    assert spec["file"]["matchPaths"] == [
        {"path": "/etc/passwd", "readOnly": True, "action": "Block"},
        {"path": "/etc/shadow", "action": "Block"},
    ]


def test_what_cannot_be_blocked_without_more_is_told() -> None:
    never: dict[str, list[Element]] = {
        "exec": [("/bin/busybox", "wget"), ("/home/*/x",)],
        "file": [("/var/log/x", "read")],
        "args": [("/a", "-x")],
    }
    baseline = learned(never, exec=[("/bin/busybox", "sh")], file=[("/var/log/x", "write")])
    assert "Block" not in str(spec_of(baseline))
    assert [note.split(":")[0] for note in told(baseline, "Never")] == [
        "args /a -x",
        "exec /bin/busybox",
        "exec /home/*/x",
        "file /var/log/x",
    ]


@pytest.mark.parametrize("name", ["a b", "a,", "a\n/b rwx,", "[x]", "{{x}}", "a\\*", "g++", "é", "x" * 300, '"'])
def test_a_name_that_means_something_in_the_profile_of_kubearmor_is_left_out_and_a_comment_says_so(name: str) -> None:
    baseline = learned(exec=[("/a",), (f"/srv/{name}",)], file=[("/b", "read"), (f"/srv/{name}/*", "read")])
    spec = spec_of(baseline)
    assert spec["process"] == {"matchPaths": [{"path": "/a"}]}
    assert "srv" not in str(spec["file"])
    assert len(told(baseline, "Left out")) == 2


def test_a_policy_of_nothing_but_names_that_are_left_out_stays_open() -> None:
    baseline = learned(exec=[("/a b",)], file=[("relative", "read")])
    spec = spec_of(baseline)
    assert spec["process"] == spec["file"] == {"matchDirectories": [{"dir": "/", "recursive": True}]}
    assert len([note for note in told(baseline, "Open") if "can be said here" in note]) == 2


def test_without_programs_and_files_there_is_none() -> None:
    with pytest.raises(ConfigurationError, match="made of exec and file, and neither is in version 3"):
        kubearmor(learned(egress=[]), Options())


@given(
    baselines(("exec", "file", "egress", "ingress", "dns")).filter(lambda one: {"exec", "file"} & one.elements.keys())
)
def test_no_name_breaks_out_and_every_policy_fits_the_definition(baseline: Baseline) -> None:
    spec = spec_of(baseline)
    words = [
        element[0]
        for found in (baseline.elements, baseline.never)
        for name in ("exec", "file")
        for element in found.get(name, ())
        if element
    ]
    known = {path.text for word in words if (path := path_of(word)) is not None}
    for section in ("process", "file"):
        assert {match["path"] for match in spec[section].get("matchPaths", ())} <= known
