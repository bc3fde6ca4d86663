from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import matching

PLAIN = st.text("abz.-_ 1é\n", min_size=1, max_size=8)
SEGMENTS = st.lists(PLAIN.filter(lambda segment: segment not in (".", "..")), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/etc", "/etc", True),
        ("/etc", "/etc/", True),
        ("/etc/", "/etc", True),
        ("/etc", "/etcd", False),
        ("/etc", "/etc/passwd", False),
        ("/etc/**", "/etc", True),
        ("/etc/**", "/etc/ssh/x", True),
        ("/etc/**", "/etcd/x", False),
        ("/etc/**", "/srv/../etc/x", True),
        ("/etc/**", "/etc/../srv/x", False),
        ("/etc/**", "//etc//x", True),
        ("/etc/**", "/./etc/./x", True),
        ("/etc/**", "etc/x", False),
        ("/etc/*", "/etc/a/b", False),
        ("/etc/*", "/etc", False),
        ("/", "/", True),
        ("/", "//", True),
        ("/", "/a", False),
        ("/**", "/a/b", True),
        ("**", "/a/b", True),
        ("**/id_*", "/id_rsa", True),
        ("**/.ssh/id_*", "/home/a/.ssh/id_rsa", True),
        ("**/.ssh/id_*", "/home/a/.ssh/id_rsa/x", False),
        ("/a/**/z", "/a/z", True),
        ("/a/**/z", "/a/b/c/z", True),
        ("/a/**/z", "/ab/z", False),
        ("/etc/shadow", "/etc/Shadow", False),
        ("/etc/shadow", "/etc/shadow\n", False),
        ("/etc/shadow", "/proc/1/root/etc/shadow", True),
        ("/etc/shadow", "/proc/self/task/7/root/etc/shadow", True),
        ("/etc/shadow", "/proc/1/root/proc/2/root/etc/shadow", True),
        ("/", "/proc/1/root", True),
        ("/proc/*/rootfs", "/proc/1/rootfs", True),
        ("/a/[bc]?", "/a/bx", True),
        ("/a/[!b]", "/a/c", True),
        ("/a/[!b]x", "/a//x", False),
        ("/a/[*]", "/a/*", True),
        ("/a/[*]", "/a/b", False),
        ("/a.b", "/axb", False),
        ("/memfd:*", "memfd:x", True),
        ("/opt/**", "/opt/x (deleted)", True),
    ],
)
def test_paths(pattern: str, path: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert matching.paths([matching.check_path(pattern)])(path) is expected


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("system:node:*", "system:node:a/b", True),
        ("system:node:*", "system:nodes", False),
        ("alice", "alice\n", False),
        ("alice", "Alice", False),
        ("a*c*", "a b c d", True),
        ("[*]", "*", True),
        ("[*]", "x", False),
        ("*", "", True),
        ("?", "ab", False),
    ],
)
def test_names(pattern: str, name: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert matching.names([matching.check_name(pattern)])(name) is expected
    assert matching.names(["other", pattern])(name) is expected


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("example.com", "EXAMPLE.com.", True),
        ("Example.COM.", "example.com", True),
        ("example.com", "a.example.com", False),
        ("example.com", "example.com.evil.example", False),
        ("example.com", "examplexcom", False),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", ".example.com", False),
        ("*.example.com", "example.com", False),
        ("**.example.com", "a.b.example.com", True),
        ("**.example.com", "example.com", False),
        ("**.example.com", "badexample.com", False),
        ("api-*.example.com", "api-1.example.com", True),
        ("example.com", "ex\u0430mple.com", False),
    ],
)
def test_domains(pattern: str, name: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert matching.domains([matching.check_domain(pattern)])(name) is expected


@pytest.mark.parametrize(
    ("block", "address", "expected"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("10.0.0.0/8", "::ffff:a01:203", True),
        ("::ffff:10.0.0.0/104", "10.1.2.3", True),
        ("10.0.0.0/8", "11.0.0.0", False),
        ("169.254.169.254", "169.254.169.254", True),
        ("fd00::/8", "fd00::1%eth0", True),
        ("0.0.0.0/0", "::1", False),
        ("::/0", "10.0.0.1", False),
        ("::/0", "::1", True),
        ("10.0.0.0/8", "10.0.0.1.evil.example", False),
        ("10.0.0.0/8", "", False),
    ],
)
def test_addresses(block: str, address: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert matching.addresses([matching.check_cidr(block)])(address) is expected


@pytest.mark.parametrize(
    ("check", "pattern", "hint"),
    [
        (matching.check_name, "", "empty"),
        (matching.check_name, "a[b", "without a ]"),
        (matching.check_path, "etc/passwd", "begin it with /"),
        (matching.check_path, "*.key", "begin it with /"),
        (matching.check_path, "/etc**", "stands alone"),
        (matching.check_path, "/a/../b", "without . and .."),
        (matching.check_path, "/a/**/b/**/c/**/d/**", "more than 3"),
        (matching.check_domain, "https://example.com", "no domain pattern"),
        (matching.check_domain, "ex\u00e4mple.com", "xn--"),
        (matching.check_domain, "a.**.com", "no domain pattern"),
        (matching.check_domain, "a..com", "no domain pattern"),
        (matching.check_cidr, "10.0.0.1/8", "write 10.0.0.0/8"),
        (matching.check_cidr, "10.0.0.0/33", "no address block"),
        (matching.check_cidr, "example.com", "no address block"),
    ],
)
def test_bad_patterns_say_what_to_write(check: Callable[[str], str], pattern: str, hint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(hint)):
        check(pattern)


@given(SEGMENTS)
def test_a_path_without_wildcards_matches_itself_alone(segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    matches = matching.paths([path])
    assert matches(path)
    assert matches(path + "/")
    assert not matches(path + "x")
    assert not matches("/x" + path)
    assert matching.paths([path + "/**"])(path + "/a/b")


@given(SEGMENTS)
def test_cleaning_a_path_twice_changes_nothing(segments: list[str]) -> None:
    cleaned = matching.clean_path("/" + "/".join(segments))
    assert matching.clean_path(cleaned) == cleaned
    assert ".." not in cleaned.split("/")


@given(st.text("ab*?[]!", min_size=1, max_size=8), st.text("ab*", max_size=8))
def test_names_match_as_the_shell_does(pattern: str, name: str) -> None:
    assert matching.names([pattern])(name) is fnmatchcase(name, pattern)


@given(st.ip_addresses(v=4))
def test_an_address_lies_in_its_own_block_however_it_is_written(address: object) -> None:
    matches = matching.addresses([str(address)])
    assert matches(str(address))
    assert matches(f"::ffff:{address}")


def test_no_patterns_match_nothing() -> None:
    assert not matching.paths([])("/")
    assert not matching.names([])("")
    assert not matching.addresses([])("10.0.0.1")


@pytest.mark.parametrize("address", ["8.8.8.8", "203.0.113.9", "2001:db8::1", "::ffff:8.8.8.8", "8.8.8.8%eth0"])
def test_an_address_outside(address: str) -> None:
    assert matching.is_outside(address)


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "127.0.0.1", "::", "100.64.0.1", "224.0.0.251", "x", ""]
)
def test_no_address_outside(address: str) -> None:
    assert not matching.is_outside(address)
