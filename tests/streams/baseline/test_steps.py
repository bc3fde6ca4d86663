from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.baseline import Element
from streams.baseline.steps import Steps, element_of, filled, steps_of

WORD = st.text("a/.*\\-\n", max_size=8)
WIDTHS = {"file": (2, 2), "exec": (1, 2), "args": (1, 4), "dns": (1, 1), "api": (3, 3), "settings": (2, 2)}


@st.composite
def elements(draw: st.DrawFn) -> tuple[str, Element]:
    dimension = draw(st.sampled_from(sorted(WIDTHS)))
    least, most = WIDTHS[dimension]
    return dimension, tuple(draw(st.lists(WORD, min_size=least, max_size=most)))


@given(elements())
def test_steps_lose_nothing(given_element: tuple[str, Element]) -> None:
    dimension, element = given_element
    steps = steps_of(dimension, element)
    assert steps_of(dimension, element_of(dimension, steps)) == steps


@given(elements().filter(lambda one: not any(word in ("*", "**") for word in one[1])))
def test_an_element_is_what_its_steps_are(given_element: tuple[str, Element]) -> None:
    dimension, element = given_element
    assert element_of(dimension, steps_of(dimension, element)) == element


@pytest.mark.parametrize(
    ("dimension", "element", "steps"),
    [
        ("file", ("/srv/a/b", "open"), ("open/", "/", "srv/", "a/", "b")),
        ("file", ("/srv/**", "open"), ("open/", "/", "srv/", "**")),
        ("file", ("/", "open"), ("open/", "/", "")),
        ("file", ("a", "open"), ("open/", "./", "a")),
        ("file", ("./a", "open"), ("open/", "./", "./", "a")),
        ("file", ("./*", "open"), ("open/", "./", "*")),
        ("file", ("*", "open"), ("open/", "**")),
        ("file", ("/srv/a", "**"), ("*/", "/", "srv/", "a")),
        ("exec", ("/bin/busybox", "sh"), ("/", "bin/", "busybox", "sh")),
        ("exec", ("**",), ("**", "**")),
        ("exec", ("*",), ("**",)),
        ("args", ("/bin/ls", "-l", "a/"), ("/", "bin/", "ls", "-l", "a/")),
        ("dns", ("*.shop.example",), ("example/", "shop/", "*")),
        ("dns", ("database",), ("database",)),
        ("api", ("get", "pods", "shop"), ("get", "pods", "shop")),
    ],
)
def test_steps_of_elements(dimension: str, element: Element, steps: Steps) -> None:
    assert steps_of(dimension, element) == steps


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (("a", "b"), ("a", "b")),
        (("a", "**"), ("a", "*", "*")),
        (("**",), ("*", "*", "*")),
        (("a", "b", "c", "**"), ("a", "b", "c")),
        ((), ()),
    ],
)
def test_any_number_of_words_is_as_many_as_are_missing(element: Element, expected: Element) -> None:
    assert filled(element, 3) == expected
