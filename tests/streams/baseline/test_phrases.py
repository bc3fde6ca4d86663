from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.baseline import DIMENSIONS, Baseline, Element
from streams.baseline.phrases import deviation, knows, shown
from tests.schemas.baselines import WORDS

BASELINE = Baseline("container:/shop/web/", 3, dict.fromkeys(DIMENSIONS, ()))
OLD, NEW = "a" * 64, "b" * 64

ANY_WORD = st.text(max_size=6) | st.text(min_size=200, max_size=300)


@st.composite
def elements(draw: st.DrawFn, dimension: str) -> Element:
    """Return any element, also one that a person cut short with stars."""
    least, most = WORDS[dimension]
    words = draw(st.lists(ANY_WORD, min_size=least, max_size=most))
    return tuple(words) if draw(st.booleans()) else (*words[: draw(st.integers(0, most))], "**")


def says(dimension: str, *element: str) -> str:
    """Return what is said that was done."""
    before, after = knows(BASELINE, dimension, element).split(", which ")
    assert after == "baseline v3 knows"
    return before


@pytest.mark.parametrize(
    ("dimension", "element", "expected"),
    [
        ("exec", ["/usr/bin/curl"], "runs /usr/bin/curl"),
        ("exec", ["/bin/busybox", "sh"], "runs /bin/busybox as sh"),
        ("args", ["/bin/sh", "-c", "id"], "runs /bin/sh -c id"),
        ("hash", ["/bin/sh", NEW], f"runs /bin/sh with content sha256:{NEW}"),
        ("file", ["/etc/shadow", "read"], "reads /etc/shadow"),
        ("file", ["/etc/shadow", "attributes"], "changes attributes of /etc/shadow"),
        ("file", ["/run/docker.sock", "connect"], "connects to /run/docker.sock"),
        ("file", ["/etc/shadow", "chown"], "chown /etc/shadow"),
        ("egress", ["203.0.113.9", "443", "tcp"], "connects to 203.0.113.9 port 443"),
        ("egress", ["workload:/shop/database", "5432", "tcp"], "connects to /shop/database port 5432"),
        ("egress", ["name:api.example", "443", "tcp"], "connects to api.example port 443"),
        ("egress", ["10.0.0.0/8", "1024-65535", "udp"], "connects to 10.0.0.0/8 port 1024-65535"),
        ("egress", ["10.0.0.1", "", "icmp"], "connects to 10.0.0.1"),
        ("egress", ["fd00::1", "443", "tcp"], "connects to fd00::1 port 443"),
        ("egress", ["10.0.0.0/8", "**"], "connects to 10.0.0.0/8"),
        ("ingress", ["listen", "8080", "tcp"], "listens on port 8080 (tcp)"),
        ("ingress", ["listen", "*", "tcp"], "listens on any port (tcp)"),
        ("ingress", ["10.0.0.1", "8080", "tcp"], "accepts from 10.0.0.1 on port 8080"),
        ("ingress", ["workload:/shop/web", "", "ip"], "accepts from /shop/web"),
        ("dns", ["*.example.com"], "asks for the name *.example.com"),
        ("resource", ["memory", "96..104"], "uses memory in band 96..104"),
        ("settings", ["capabilities.add", "NET_ADMIN"], "is started with capabilities.add NET_ADMIN"),
        ("settings", ["privileged", "true"], "is started with privileged true"),
        ("settings", ["seccomp", ""], "is started with seccomp unset"),
        ("image", ["run", "registry.example/web"], "runs image registry.example/web"),
        ("image", ["push", "registry.example/web"], "pushes image registry.example/web"),
        ("api", ["get", "configmaps", "shop"], "asks for get configmaps shop"),
        ("api", ["get", "nodes", ""], "asks for get nodes"),
        ("secret", ["get", "shop/password"], "get of secret shop/password"),
    ],
)
def test_what_was_done_is_said_so_that_a_person_reads_it(dimension: str, element: list[str], expected: str) -> None:
    assert says(dimension, *element) == expected


@pytest.mark.parametrize("dimension", DIMENSIONS)
@given(data=st.data())
def test_everything_is_said_in_one_short_line(dimension: str, data: st.DataObject) -> None:
    """A judge says it of what an attacker chose, and of patterns that people wrote."""
    element, near = data.draw(elements(dimension)), data.draw(st.none() | elements(dimension))
    release = data.draw(ANY_WORD)
    said = [
        knows(BASELINE, dimension, element),
        deviation(BASELINE, dimension, element, near, forbidden=False, release=release),
        deviation(BASELINE, dimension, element, None, forbidden=True, release=release),
    ]
    for text in said:
        assert text.isprintable()
        assert len(text) < 1000
        assert "baseline v3" in text


def new(dimension: str, *element: str, near: Element | None = None, knows: int = 0, release: str = "") -> str:
    known = tuple((f"known-{number}",) for number in range(knows))
    baseline = replace(BASELINE, elements={dimension: known})
    return deviation(baseline, dimension, element, near, forbidden=False, release=release)


def test_a_deviation_says_what_is_new_how_much_is_known_what_is_nearest_and_since_which_release() -> None:
    assert new("exec", "/usr/bin/curl", near=("/usr/bin/wget",), knows=12, release="sha256:2") == (
        "runs /usr/bin/curl, which it never did here: baseline v3 knows 12 executables, the nearest /usr/bin/wget; "
        "new in release sha256:2"
    )
    assert (
        new("exec", "/usr/bin/curl") == "runs /usr/bin/curl, which it never did here: baseline v3 knows 0 executables"
    )


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_one_is_not_many_and_every_dimension_has_a_word_for_what_it_knows(dimension: str) -> None:
    words = {count: new(dimension, *["x"] * WORDS[dimension][0], knows=count).rsplit(" knows ")[1] for count in (1, 2)}
    assert words[1].startswith("1 ")
    assert words[2].startswith("2 ")
    assert words[1][2:] != words[2][2:]


def test_another_content_names_both_hashes_however_long_the_path_is() -> None:
    path = "/opt/" + "x" * 200
    said = new("hash", path, NEW, near=(path, OLD), knows=1)
    assert f"sha256:{NEW}, which it never did here" in said
    assert f"sha256:{OLD}" in said


def test_what_a_person_took_out_is_said_so() -> None:
    said = deviation(BASELINE, "exec", ("/bin/nc",), None, forbidden=True, release="sha256:2")
    assert said == "runs /bin/nc, which was taken out of baseline v3 for good"


@given(st.text(), st.integers(1, 40))
def test_what_is_shown_is_one_line_and_no_longer_than_it_may_be(text: str, most: int) -> None:
    said = shown(text, most)
    assert said.isprintable()
    assert len(said) <= most
    if text.isprintable() and len(text) <= most:
        assert said == text


def test_nobody_writes_lines_of_his_own() -> None:
    assert shown("a\nINCIDENT\x1b[2J\u2028b", 99) == r"a\nINCIDENT\x1b[2J\u2028b"
