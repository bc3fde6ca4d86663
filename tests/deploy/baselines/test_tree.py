from __future__ import annotations

import shlex

import pytest

from deploy.baselines.tree import _STEPS, lines_of, words_of
from deploy.baselines.view import TITLES, Item
from schemas.baseline import DIMENSIONS, Element


def drawn(dimension: str, *elements: Element) -> list[str]:
    return [line.text for line in lines_of(dimension, [Item(element, None) for element in elements])]


def test_every_dimension_has_a_title_and_is_drawn() -> None:
    assert tuple(TITLES) == tuple(_STEPS) == DIMENSIONS


def test_paths_are_a_tree_in_which_folders_that_hold_one_thing_are_one_line() -> None:
    assert drawn(
        "exec",
        ("/bin/busybox", "sh"),
        ("/usr/bin/gzip",),
        ("/usr/bin/python3.11", "python3"),
        ("/usr/sbin/nginx",),
        ("memfd:x",),
    ) == [
        "/bin/busybox as sh",
        "/usr",
        "├── /bin",
        "│   ├── /gzip",
        "│   └── /python3.11 as python3",
        "└── /sbin/nginx",
        "memfd:x",
    ]


def test_every_element_has_a_line_of_its_own() -> None:
    lines = lines_of("file", [Item(("/srv/a", access), None) for access in ("read", "write")])
    assert [(line.text, line.item and line.item.element) for line in lines] == [
        ("/srv", None),
        ("├── /a read", ("/srv/a", "read")),
        ("└── /a write", ("/srv/a", "write")),
    ]
    assert drawn("file", ("/", "read"), ("/a", "read"), ("/a/b", "read")) == ["/ read", "/a read", "/a/b read"]
    assert drawn("api", ("get", "pods", ""), ("get", "pods")) == ["get pods", "get pods"]


def test_peers_stand_by_their_names_with_their_ports() -> None:
    assert drawn(
        "egress",
        ("10.0.0.0/24", "443", "tcp"),
        ("name:*.pay.example", "443", "tcp"),
        ("workload:/shop/database", "5432", "ip"),
        ("workload:/shop/database", "1024-65535", "ip"),
        ("unknown", "", "icmp"),
    ) == [
        "10.0.0.0/24 443/tcp",
        "*.pay.example (name) 443/tcp",
        "shop/database (workload)",
        "├── 5432/ip",
        "└── 1024-65535/ip",
        "unknown icmp",
    ]
    assert drawn("ingress", ("listen", "8080", "tcp")) == ["listens on 8080/tcp"]


@pytest.mark.parametrize(
    ("element", "text"),
    [
        (("cpu", "-24"), "cpu -24: 0.016 cores to 0.019 cores"),
        (("memory", "96..100"), "memory 96..100: 16 MiB to 38.1 MiB"),
        (("network.sent", "40"), "network.sent 40: 1 KiB/s to 1.19 KiB/s"),
        (("pids", "0"), "pids 0: 1 processes"),
        (("memory", "*"), "memory *"),
    ],
)
def test_bands_stand_with_what_they_mean(element: Element, text: str) -> None:
    assert drawn("resource", element) == [text]


@pytest.mark.parametrize(
    ("dimension", "element", "text"),
    [
        ("args", ("/usr/bin/id",), "/usr/bin/id (no arguments)"),
        ("args", ("/bin/sh", "-c", "echo 'a b'"), "/bin/sh " + shlex.join(["-c", "echo 'a b'"])),
        ("hash", ("/bin/sh", "9f86"), "/bin/sh sha256:9f86"),
        ("dns", ("*.example",), "*.example"),
        ("settings", ("apparmor", ""), "apparmor ''"),
        ("image", ("run", "registry.example/a"), "run registry.example/a"),
        ("api", ("get", "pods", ""), "get pods"),
        ("secret", ("get", "shop/password"), "get shop/password"),
    ],
)
def test_other_elements_stand_as_their_words(dimension: str, element: Element, text: str) -> None:
    assert drawn(dimension, element) == [text]


def test_nobody_paints_a_terminal_with_a_name() -> None:
    for dimension in DIMENSIONS:
        text = "".join(drawn(dimension, ("/a\x1b[2J\n\u202e", "b\x07", "c\r")))
        assert text.isprintable()
    assert words_of(("a\x1b[31m",)) == r"a\x1b[31m"
