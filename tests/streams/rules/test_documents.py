from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from streams.rules.documents import MAX_DEPTH, path_text, read_documents


def value(text: str) -> Any:
    (document,), faults = read_documents("a.yml", text)
    assert faults == []
    return document.value


def faults(text: str) -> list[tuple[int, str]]:
    _, found = read_documents("a.yml", text)
    return [(fault.line, fault.message) for fault in found]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("yes", "yes"),
        ("off", "off"),
        ("2024-08-08", "2024-08-08"),
        ("1:30", "1:30"),
        ("~", None),
        ("", None),
        ("Null", None),
        ("TRUE", True),
        ("false", False),
        ("-7", -7),
        ("0o17", 15),
        ("0x1F", 31),
        ("017", 17),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("'12'", "12"),
        ('"true"', "true"),
        (">-\n  12", "12"),
        (".inf", ".inf"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written: str, read: Any) -> None:
    assert value(f"a: {written}\n") == {"a": read}


def test_keys_are_as_they_are_written() -> None:
    assert value("on: 1\n4688: 2\n'|all': 3\n") == {"on": 1, "4688": 2, "|all": 3}


def test_every_key_and_item_has_its_line() -> None:
    (document,), _ = read_documents("a.yml", "---\ntitle: x\ndetection:\n  a:\n    - b: 1\n    - c: 2\n")
    places = (("title",), ("detection", "a"), ("detection", "a", 1), ("detection", "a", 1, "c"))
    assert [document.line(place) for place in places] == [2, 4, 6, 6]
    assert document.line(("detection", "nowhere")) == 3
    assert path_text(("detection", "a", 1, "c")) == "detection.a[1].c"


def test_a_document_with_a_fault_takes_only_itself_with_it() -> None:
    documents, found = read_documents("a.yml", "a: 1\na: 2\n---\nb: 1\n---\n? [x]\n: 1\n---\nc: 1\n")
    assert [document.value for document in documents] == [{"b": 1}, {"c": 1}]
    assert [(fault.line, fault.message) for fault in found] == [
        (2, "a stands here twice, first in line 1; join them"),
        (6, "document has a key that is no word"),
    ]


def test_what_is_no_yaml_is_said_with_its_place() -> None:
    assert faults("a: 1\nb: [\n") == [(3, "is not readable as YAML: did not find expected node content (column 1)")]
    assert faults("a: b: c\n")[0][0] == 1
    assert faults("a: \x07\n")[0][1].startswith("is not readable as YAML: control characters")
    assert faults("a: \ud800\n")[0][1].startswith("cannot be read as YAML")


def test_aliases_are_read_and_cannot_explode() -> None:
    assert value("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}
    assert faults("a: &x [*x]\n") == [(1, "a[0] names *x, which is not said before")]
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]\n" for number in range(1, 9)
    )
    assert [message.split(" is ")[1] for _, message in faults(bomb)] == ["too large or nested too deeply"]


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000 + "a", "{a: " * 10_000, "a: " + "[" * (MAX_DEPTH + 1)])
def test_deep_nesting_is_refused_before_it_is_followed(text: str) -> None:
    assert "too large or nested too deeply" in faults(text)[0][1]


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])),
    lambda part: st.lists(part) | st.dictionaries(st.text("abc|", min_size=1), part),
    max_leaves=20,
)


@given(trees)
def test_what_is_written_is_read_again(tree: Any) -> None:
    text = yaml.safe_dump({"a": tree}, allow_unicode=True)
    assert value(text) == {"a": tree}
