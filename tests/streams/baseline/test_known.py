from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.baseline import Element, literal
from streams.baseline.known import Known


@pytest.mark.parametrize(
    ("dimension", "pattern", "element", "expected"),
    [
        ("file", ("/srv/*", "read"), ("/srv/a", "read"), True),
        ("file", ("/srv/*", "read"), ("/srv/a", "delete"), False),
        ("file", ("/srv/*", "read"), ("/srv/a/b", "read"), False),
        ("file", ("/srv/*", "read"), ("/srv", "read"), False),
        ("file", ("/srv/*", "read"), ("srv/a", "read"), False),
        ("file", ("/srv/**", "read"), ("/srv", "read"), True),
        ("file", ("/srv/**", "read"), ("/srv/a/b/c", "read"), True),
        ("file", ("/srv/**", "read"), ("/srvx/a", "read"), False),
        ("file", ("/srv/*/**", "read"), ("/srv/a", "read"), True),
        ("file", ("/srv/*/**", "read"), ("/srv", "read"), False),
        ("file", ("/**", "read"), ("/a/b", "read"), True),
        ("file", ("/**", "read"), ("a/b", "read"), False),
        ("file", ("*", "read"), ("a/b", "read"), True),
        ("file", ("/srv/a", "*"), ("/srv/a", "delete"), True),
        ("file", ("**",), ("/srv/a", "delete"), True),
        ("file", ("/srv/*/x", "read"), ("/srv/a/x", "read"), True),
        ("file", ("/srv/*/x", "read"), ("/srv/a/y", "read"), False),
        ("file", ("/srv/a*", "read"), ("/srv/ab", "read"), False),
        ("file", ("./*", "read"), ("pipe:[7]", "read"), True),
        ("file", ("./*", "read"), ("/a", "read"), False),
        ("file", ("/proc/*/stat", "read"), ("/proc/*/stat", "read"), True),
        ("file", ("/proc/*", "read"), ("/proc/kcore", "read"), False),
        ("file", ("/proc/*/x", "read"), ("/proc/sys/x", "read"), False),
        ("file", ("/proc/**", "read"), ("/proc/kcore", "read"), True),
        ("file", ("/*/*/stat", "read"), ("/proc/*/stat", "read"), True),
        ("exec", ("/opt/*",), ("/opt/a",), True),
        ("exec", ("/opt/*",), ("/opt/a", "sh"), False),
        ("exec", ("/opt/*", "*"), ("/opt/a", "sh"), True),
        ("exec", ("/opt/a", "**"), ("/opt/a",), True),
        ("exec", ("/opt/a", "**"), ("/opt/a", "sh"), True),
        ("exec", ("/opt/**",), ("/opt/a/b",), True),
        ("exec", ("/opt/**",), ("/opt/a/b", "sh"), False),
        ("exec", ("/opt/**", "sh"), ("/opt/a/b", "sh"), True),
        ("exec", ("/opt/**", "sh"), ("/opt", "sh"), True),
        ("exec", ("**",), ("/opt/a/b", "sh"), True),
        ("args", ("/bin/gzip", "--test", "*"), ("/bin/gzip", "--test", "a"), True),
        ("args", ("/bin/gzip", "--test", "*"), ("/bin/gzip", "--test"), False),
        ("args", ("/bin/gzip", "--test", "*"), ("/bin/gzip", "--test", "a", "b"), False),
        ("args", ("/bin/gzip", "*"), ("/bin/gzip", "-k"), True),
        ("args", ("/bin/gzip", "-*"), ("/bin/gzip", "-k"), True),
        ("args", ("/bin/gzip", "-*"), ("/bin/gzip", "k"), False),
        ("args", ("/bin/gzip", "**"), ("/bin/gzip",), True),
        ("args", ("/bin/gzip", "-k", "**"), ("/bin/gzip", "-k", "a", "b", "c"), True),
        ("args", ("/bin/gzip", "-k", "**"), ("/bin/gzip", "-d", "a"), False),
        ("args", ("/opt/**", "-v"), ("/opt/a/b", "-v"), True),
        ("args", ("/bin/sh", "*"), ("/bin/sh", "a.sh"), True),
        ("args", ("/bin/sh", "*", "*"), ("/bin/sh", "-c", "x"), False),
        ("args", ("/bin/sh", "-*", "*"), ("/bin/sh", "-c", "x"), True),
        ("args", ("/bin/sh", "**"), ("/bin/sh", "-c", "x"), True),
        ("args", ("/bin/*", "*", "*"), ("/bin/sh", "-c", "x"), True),
        ("dns", ("*.example.com",), ("a.example.com",), True),
        ("dns", ("*.example.com",), ("a.b.example.com",), False),
        ("dns", ("*.example.com",), ("example.com",), False),
        ("dns", ("a.*.com",), ("a.b.com",), True),
        ("egress", ("10.0.0.0/8", "80", "tcp"), ("10.1.2.3", "80", "tcp"), True),
        ("egress", ("10.0.0.0/8", "80", "tcp"), ("11.1.2.3", "80", "tcp"), False),
        ("egress", ("10.0.0.0/8", "80", "tcp"), ("10.1.0.0/16", "80", "tcp"), True),
        ("egress", ("10.0.0.0/8", "80", "tcp"), ("::a01:203", "80", "tcp"), False),
        ("egress", ("fd00::/48", "80", "tcp"), ("fd00::9", "80", "tcp"), True),
        ("egress", ("*", "80", "tcp"), ("workload:a", "80", "tcp"), True),
        ("egress", ("workload:a", "*", "*"), ("workload:a", "9", "udp"), True),
        ("egress", ("workload:a", "**"), ("workload:a", "9", "udp"), True),
        ("egress", ("workload:a", "**"), ("workload:b", "9", "udp"), False),
        ("egress", ("a", "1024-65535", "tcp"), ("a", "1024", "tcp"), True),
        ("egress", ("a", "1024-65535", "tcp"), ("a", "1023", "tcp"), False),
        ("egress", ("a", "1024-65535", "tcp"), ("a", "2000-3000", "tcp"), True),
        ("egress", ("a", "1024-65535", "tcp"), ("a", "", "tcp"), False),
        ("ingress", ("10.89.40.0/24", "8000", "tcp"), ("10.89.40.7", "8000", "tcp"), True),
        ("resource", ("cpu", "3..5"), ("cpu", "1"), True),
        ("resource", ("cpu", "3..5"), ("cpu", "7"), True),
        ("resource", ("cpu", "3..5"), ("cpu", "0"), False),
        ("resource", ("cpu", "3..5"), ("cpu", "8"), False),
        ("resource", ("cpu", "-3..-1"), ("cpu", "-5"), True),
        ("resource", ("cpu", "5"), ("cpu", "7"), True),
        ("resource", ("cpu", "5"), ("memory", "5"), False),
        ("resource", ("cpu", "*"), ("cpu", "99"), True),
        ("resource", ("cpu", "5"), ("cpu", "much"), False),
        ("hash", ("/bin/a", "*"), ("/bin/a", "9f86"), False),
        ("settings", ("user", "*"), ("user", "root"), True),
        ("image", ("run", "*"), ("pull", "a"), False),
        ("api", ("get", "pods", "*"), ("get", "pods", "shop"), True),
        ("api", ("*", "pods", "shop"), ("list", "pods", "shop"), True),
        ("secret", ("get", "**"), ("get", "shop/a"), True),
    ],
)
def test_patterns_cover(dimension: str, pattern: Element, element: Element, expected: bool) -> None:  # noqa: FBT001 - a column
    assert Known.of(dimension, [pattern]).find(element) == (pattern if expected else None)


@pytest.mark.parametrize(
    ("dimension", "patterns", "element", "expected"),
    [
        ("file", ["/srv/a/**", "/srv/*/b", "/srv/**"], "/srv/a/b", "/srv/a/**"),
        ("file", ["/srv/*/b", "/srv/**"], "/srv/a/b", "/srv/*/b"),
        ("file", ["/srv/a/b", "/srv/*/b", "/srv/**"], "/srv/a/b", "/srv/a/b"),
        ("file", ["/srv/a/*/c", "/srv/*/b/d"], "/srv/a/b/d", "/srv/*/b/d"),
    ],
)
def test_the_most_specific_pattern_is_found(dimension: str, patterns: list[str], element: str, expected: str) -> None:
    known = Known.of(dimension, [(pattern, "read") for pattern in patterns])
    assert known.find((element, "read")) == (expected, "read")


def test_the_smallest_block_and_the_port_itself_come_first() -> None:
    known = Known.of(
        "egress",
        [
            ("10.0.0.0/8", "443", "tcp"),
            ("10.1.0.0/16", "443", "tcp"),
            ("10.1.0.0/24", "1-1000", "tcp"),
            ("*", "443", "tcp"),
            ("10.1.0.9", "*", "tcp"),
        ],
    )
    assert known.find(("10.1.0.1", "443", "tcp")) == ("10.1.0.0/16", "443", "tcp")
    assert known.find(("10.1.0.1", "80", "tcp")) == ("10.1.0.0/24", "1-1000", "tcp")
    assert known.find(("8.8.8.8", "443", "tcp")) == ("*", "443", "tcp")
    assert known.find(("10.1.0.9", "2000", "tcp")) == ("10.1.0.9", "*", "tcp")


def test_the_nearest_range_of_bands_comes_first() -> None:
    known = Known.of("resource", [("cpu", "1..3"), ("cpu", "6..8")])
    assert known.find(("cpu", "5")) == ("cpu", "6..8")
    assert known.find(("cpu", "4")) == ("cpu", "1..3")


@given(st.text("*\\a", min_size=1, max_size=4), st.text("*\\a", min_size=1, max_size=4))
def test_no_name_is_a_pattern_of_another(one: str, other: str) -> None:
    if one != other:
        assert Known.of("file", [(f"/srv/{literal(one)}", "read")]).find((f"/srv/{literal(other)}", "read")) is None
        assert Known.of("args", [("/bin/a", literal(one))]).find(("/bin/a", literal(other))) is None


def test_elements_are_sorted_and_counted_once() -> None:
    known = Known.of("dns", [("b",), ("a",), ("b",)])
    assert known.elements == (("a",), ("b",))
    assert len(known) == 2


def test_nothing_is_known_of_nothing() -> None:
    for dimension in ("file", "egress", "resource", "hash"):
        known = Known.of(dimension, [])
        assert known.find(("a", "b", "c")[: 2 + (dimension == "egress")]) is None
        assert known.nearest(("a", "b", "c")) is None


def test_many_patterns_that_almost_fit_do_not_take_long() -> None:
    patterns = [
        ("/" + "/".join("*" if number >> bit & 1 else "a" for bit in range(10)) + "/z", "read")
        for number in range(1024)
    ]
    known = Known.of("file", patterns)
    before = process_time()
    assert known.find(("/" + "a/" * 10 + "y", "read")) is None
    assert process_time() - before < 1


def test_a_baseline_is_compiled_within_a_millisecond() -> None:
    elements = [(f"/usr/lib/{number % 7}/{number}.so", "read") for number in range(80)]
    elements += [(f"/srv/{number}/*/x/**", "read") for number in range(20)]
    before = process_time()
    for _ in range(100):
        Known.of("file", elements)
    assert process_time() - before < 1


def test_paths_may_be_deeper_than_python_calls_itself() -> None:
    pattern = ("/" + "a/" * 2000 + "*", "read")
    assert Known.of("file", [pattern]).find((pattern[0][:-1] + "b", "read")) == pattern
