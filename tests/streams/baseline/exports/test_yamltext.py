from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from streams.baseline.exports.yamltext import dump_flow, dump_yaml
from tests.streams.baseline.exports.strategies import words


@given(st.lists(words))
def test_words_read_back_from_one_line(listed: list[str]) -> None:
    text = dump_flow(listed)
    assert len(text.split("\n")) == 1
    assert yaml.safe_load(text) == listed


@given(st.dictionaries(words, st.lists(st.dictionaries(words, words))))
def test_values_read_back(value: dict[str, list[dict[str, str]]]) -> None:
    assert yaml.safe_load(dump_yaml(value)) == value


def test_the_same_list_twice_is_written_twice() -> None:
    same = ["a"]
    assert dump_yaml({"x": same, "y": same}) == "x:\n  - a\ny:\n  - a\n"


def test_what_needs_no_quotes_has_none() -> None:
    assert dump_flow(["/usr/bin/gzip", "--test", "*", "80", "a b"]) == "[/usr/bin/gzip, --test, '*', '80', a b]"
