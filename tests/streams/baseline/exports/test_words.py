from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.baseline import literal
from streams.baseline.exports.words import PathPattern, literal_of, path_of, shown, spread
from tests.streams.baseline.exports.strategies import names, paths


@given(st.text())
def test_a_literal_word_stands_for_what_a_sensor_reported(text: str) -> None:
    assert literal_of(literal(text)) == text


@given(st.lists(names.filter(lambda name: "/" not in name and name), min_size=1, max_size=4))
def test_a_literal_path_stands_for_itself_alone(segments: list[str]) -> None:
    path = path_of("/" + "/".join(map(literal, segments)))
    assert path == PathPattern(tuple(segments))
    assert path is not None
    assert path.is_literal
    assert path.text == "/" + "/".join(segments)


@pytest.mark.parametrize(
    ("word", "path"),
    [
        ("/", PathPattern(())),
        ("/srv/*", PathPattern(("srv", None))),
        ("/srv/**", PathPattern(("srv",), deep=True)),
        ("/*/x/**", PathPattern((None, "x"), deep=True)),
        ("/srv/\\*", PathPattern(("srv", "*"))),
        ("/srv/a*", PathPattern(("srv", "a*"))),
        ("/**/x", PathPattern(("**", "x"))),
        ("*", PathPattern((), deep=True)),
        ("**", PathPattern((), deep=True)),
        ("relative", None),
        ("", None),
        ("memfd:x", None),
    ],
)
def test_stars_are_whole_segments(word: str, path: PathPattern | None) -> None:
    assert path_of(word) == path


@pytest.mark.parametrize(
    ("pattern", "other", "covered"),
    [
        ("/a/b", "/a/b", True),
        ("/a/b", "/a/c", False),
        ("/a", "/a/b", False),
        ("/a/*", "/a/b", True),
        ("/a/*", "/a", False),
        ("/a/*", "/a/b/c", False),
        ("/a/b", "/a/*", False),
        ("/a/**", "/a", True),
        ("/a/**", "/a/b/c", True),
        ("/a/**", "/ab", False),
        ("/a/**", "/a/*/c", True),
        ("/a/*", "/a/**", False),
        ("/a/**", "/a/b/**", True),
        ("**", "/", True),
    ],
)
def test_a_pattern_covers_what_lies_wholly_within_it(pattern: str, other: str, *, covered: bool) -> None:
    first, second = path_of(pattern), path_of(other)
    assert first is not None
    assert second is not None
    assert first.covers(second) is covered


@pytest.mark.parametrize(
    ("pattern", "directory", "meets"),
    [
        ("/data/x", "/data", True),
        ("/data", "/data", True),
        ("/data", "/data/x", False),
        ("/database", "/data", False),
        ("/*/x", "/data", True),
        ("/**", "/data/deep", True),
        ("/srv/**", "/data", False),
    ],
)
def test_a_pattern_meets_a_directory_if_one_of_its_paths_lies_there(
    pattern: str, directory: str, *, meets: bool
) -> None:
    first, second = path_of(pattern), path_of(directory)
    assert first is not None
    assert second is not None
    assert first.meets(second) is meets


@given(paths)
def test_a_path_covers_and_meets_itself(word: str) -> None:
    path = path_of(word)
    assert path is None or (path.covers(path) and path.meets(path))


@pytest.mark.parametrize(
    ("element", "words"),
    [
        (("a", "b", "c"), ("a", "b", "c")),
        (("a",), ("a", "", "")),
        (("**",), ("*", "*", "*")),
        (("a", "**"), ("a", "*", "*")),
        (("a", "b", "c", "**"), ("a", "b", "c")),
        ((), ("", "", "")),
    ],
)
def test_an_open_end_spreads_over_the_words_that_are_missing(element: tuple[str, ...], words: tuple[str, ...]) -> None:
    assert spread(element, 3) == words


@given(names)
def test_what_is_shown_is_one_printable_line(name: str) -> None:
    assert shown(name).isprintable()
    assert len(f"# {shown(name)}".splitlines()) == 1
