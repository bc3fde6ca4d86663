from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.baseline import DIMENSIONS, Element
from streams.baseline.known import Known


@pytest.mark.parametrize(
    ("dimension", "known", "element", "expected"),
    [
        ("exec", [("/usr/bin/gzip",), ("/usr/sbin/nginx",)], ("/usr/bin/curl",), ("/usr/bin/gzip",)),
        ("exec", [("/usr/bin/gzip",), ("/usr/sbin/nginx",)], ("/run/shm/nginx",), ("/usr/sbin/nginx",)),
        ("exec", [("/usr/bin/gzip",), ("/usr/bin/curb",)], ("/usr/bin/curl",), ("/usr/bin/curb",)),
        ("exec", [("/bin/busybox", "ls"), ("/bin/sh",)], ("/bin/busybox", "nc"), ("/bin/busybox", "ls")),
        ("exec", [("/usr/bin/gzip",)], ("/x",), None),
        ("args", [("/bin/a", "-v"), ("/bin/b", "-l", "x")], ("/bin/b", "-l", "y"), ("/bin/b", "-l", "x")),
        ("args", [("/bin/b", "x", "y"), ("/bin/b", "-l", "z")], ("/bin/b", "-l", "y"), ("/bin/b", "-l", "z")),
        ("hash", [("/bin/a", "11"), ("/bin/b", "22")], ("/bin/a", "22"), ("/bin/a", "11")),
        ("file", [("/srv/a", "read"), ("/srv/b", "delete")], ("/srv/a", "delete"), ("/srv/a", "read")),
        ("file", [("/srv/a/x", "read"), ("/srv/b/x", "read")], ("/srv/a/y", "read"), ("/srv/a/x", "read")),
        ("file", [("/srv/x", "read"), ("/srv/x", "delete")], ("/srv/y", "delete"), ("/srv/x", "delete")),
        ("egress", [("a", "1", "tcp"), ("b", "2", "tcp")], ("c", "2", "tcp"), ("b", "2", "tcp")),
        ("egress", [("a", "1", "tcp"), ("b", "2", "tcp")], ("a", "2", "tcp"), ("a", "1", "tcp")),
        (
            "egress",
            [("10.1.0.0/16", "1", "tcp"), ("8.8.8.8", "2", "tcp")],
            ("10.1.9.9", "2", "tcp"),
            ("10.1.0.0/16", "1", "tcp"),
        ),
        (
            "egress",
            [("10.1.0.0/16", "1", "tcp"), ("10.9.0.0/16", "1", "tcp")],
            ("10.8.0.1", "1", "tcp"),
            ("10.9.0.0/16", "1", "tcp"),
        ),
        ("egress", [("workload:shop/database", "1", "tcp")], ("203.0.113.9", "4444", "tcp"), None),
        ("dns", [("a.example.com",), ("b.example.org",)], ("x.example.org",), ("b.example.org",)),
        ("dns", [("example.com",)], ("examp1e.com",), ("example.com",)),
        ("dns", [("a.example.com",)], ("zzz.com",), None),
        ("resource", [("cpu", "1..3"), ("memory", "9")], ("cpu", "9"), ("cpu", "1..3")),
        ("settings", [("user", "1000"), ("seccomp", "root")], ("user", "root"), ("user", "1000")),
        ("image", [("pull", "r/a"), ("run", "r/b")], ("run", "r/a"), ("run", "r/b")),
        ("api", [("get", "pods", "x"), ("list", "secrets", "x")], ("get", "secrets", "x"), ("list", "secrets", "x")),
        ("secret", [("get", "shop/database")], ("get", "shop/registry"), ("get", "shop/database")),
    ],
)
def test_the_nearest_is_what_a_person_compares_with(
    dimension: str, known: list[Element], element: Element, expected: Element | None
) -> None:
    assert Known.of(dimension, known).nearest(element) == expected


@given(
    st.sampled_from(DIMENSIONS),
    st.lists(st.lists(st.text("/*a.1:", max_size=6), min_size=1, max_size=3).map(tuple), max_size=9),
    st.lists(st.text("/*a.1:", max_size=6), min_size=1, max_size=3).map(tuple),
)
def test_the_nearest_is_one_of_the_known_in_any_order(dimension: str, known: list[Element], element: Element) -> None:
    wide = [one for one in known if len(one) == len(element)] if dimension in ("egress", "ingress", "file") else known
    found = Known.of("hash", wide), Known.of("hash", reversed(wide))
    nearest = [Known(dimension, one.elements, frozenset(), None).nearest(element) for one in found]
    assert nearest[0] == nearest[1]
    assert nearest[0] is None or nearest[0] in wide


def test_the_work_is_bounded() -> None:
    known = Known.of("args", [("/bin/a", "x" * 200, str(number) * 50) for number in range(20_000)])
    before = process_time()
    assert known.nearest(("/bin/a", "x" * 199, "y" * 200)) is not None
    assert process_time() - before < 0.5
