from __future__ import annotations

from datetime import date

import pytest

from schemas.documents import path_text, read_documents


def test_values_keep_the_lines_of_their_keys_and_items() -> None:
    (document,), faults = read_documents("x", "a:\n  b:\n    - 1\n    - {c: d}\n")
    assert faults == []
    assert document.value == {"a": {"b": [1, {"c": "d"}]}}
    assert [document.line(place) for place in [(), ("a",), ("a", "b"), ("a", "b", 1), ("a", "b", 1, "c")]] == [
        1,
        1,
        2,
        4,
        4,
    ]
    assert document.line(("a", "b", 7, "nothing")) == 2


def test_documents_of_one_file_keep_the_lines_of_the_file() -> None:
    documents, _ = read_documents("x", "a: 1\n---\n---\nb: 2\n")
    assert [(document.value, document.line(tuple(document.value))) for document in documents] == [
        ({"a": 1}, 1),
        ({"b": 2}, 4),
    ]


def test_documents_before_unreadable_ones_are_kept() -> None:
    documents, faults = read_documents("x", "a: 1\n---\nb: [\n")
    assert [document.value for document in documents] == [{"a": 1}]
    assert [(fault.file, fault.path) for fault in faults] == [("x", "document")]


@pytest.mark.parametrize(
    ("text", "value"), [("2026-01-02", date(2026, 1, 2)), ("'no'", "no"), ("no", False), ("0x10", 16), ("1.5", 1.5)]
)
def test_scalars_are_read_as_yaml_reads_them(text: str, value: object) -> None:
    (document,), _ = read_documents("x", f"a: {text}")
    assert document.value == {"a": value}


@pytest.mark.parametrize(
    ("place", "text"), [((), "document"), (("a", 0, "b"), "a[0].b"), (("a",), "a"), (("a", "b", 2, 3), "a.b[2][3]")]
)
def test_places_are_written_as_paths(place: tuple[str | int, ...], text: str) -> None:
    assert path_text(place) == text
