from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.formats import documents
from producers.formats.documents import DocumentFormat
from producers.formats.outline import Outline
from producers.normalise import Normaliser, records_of
from producers.types import Record, Result
from schemas.codec import Event
from schemas.errors import Drop, Invalid

DOCUMENT = {"name": "one", "list": [1, {"a": []}, 'x"]}\\'], "object": {"b": {}}}


def read(document: Any) -> Iterator[Result]:
    if not isinstance(document, dict) or "name" not in document:
        raise Invalid("no name")
    if document["name"] == "dull":
        raise Drop("dull")
    yield event(document["name"])


def event(name: str) -> Event:
    return {
        "@timestamp": "2026-01-02T10:00:00Z",
        "entity.id": f"artifact:{name}",
        "ecs.version": "9.1.0",
        "event.action": "x",
        "event.dataset": "x",
    }


def reader() -> DocumentFormat:
    return DocumentFormat(read, Outline(frozenset({b"name"})))


def run(*lines: bytes | str) -> tuple[list[str], list[str], Normaliser]:
    """Return the documents that were read and what is said of those that could not be; every line is accounted for."""
    normaliser = Normaliser(reader())
    encoded = [line.encode() if isinstance(line, str) else line for line in lines]
    results = [result for _, result in normaliser.run(records_of(encoded, "f"))]
    assert normaliser.tally.unaccounted == 0
    names = [result["entity.id"].removeprefix("artifact:") for result in results if isinstance(result, dict)]
    return names, [str(result) for result in results if isinstance(result, Invalid)], normaliser


def lines_of(value: Any, indent: int | str | None) -> list[str]:
    return json.dumps(value, indent=indent).splitlines()


@pytest.mark.parametrize("indent", [None, 0, 1, 4, "\t"])
def test_reads_a_document_however_it_is_printed(indent: int | str | None) -> None:
    names, faults, normaliser = run(*lines_of(DOCUMENT, indent), *lines_of(DOCUMENT | {"name": "two"}, indent))
    assert (names, faults) == (["one", "two"], [])
    assert normaliser.tally.lines == normaliser.tally.lines_in_events


@pytest.mark.parametrize("indent", [None, 0, 2])
def test_a_list_is_a_document_an_item(indent: int | None) -> None:
    names, faults, _ = run(*lines_of([DOCUMENT, {"x": 1}, DOCUMENT, 7], indent))
    assert (names, faults) == (["one", "one"], ["no name", "no name"])


def test_a_list_may_have_a_document_a_line() -> None:
    assert run("[", '{"name": "a"},', '{"name": "b"}', "]")[0] == ["a", "b"]


def test_a_document_that_is_cut_off_costs_no_other() -> None:
    cut = lines_of(DOCUMENT, 2)[:-3]
    names, faults, _ = run(*cut, *lines_of(DOCUMENT, 2), *cut)
    assert names == ["one"]
    assert faults == [
        "a document without an end, and another one begins; it began at f:1",
        f"a document without an end; it began at f:{len(cut) + len(lines_of(DOCUMENT, 2)) + 1}",
    ]


def test_after_a_line_that_is_no_json_the_rest_of_a_document_is_left_out() -> None:
    lines = lines_of(DOCUMENT, 2)
    names, faults, normaliser = run(*lines[:3], "  garbage", *lines[3:], *lines)
    assert names == ["one"]
    assert faults == ["a line that is no JSON; it began at f:1"]
    assert normaliser.tally.ignored["rest of a document that was given up"] == len(lines) - 3


def test_other_lines_are_dead_letters_of_their_own() -> None:
    names, faults, _ = run("noise", "7", '"x"', "[]", "{", '{"name": "one"}', '{"name": "dull"}', "}")
    assert names == ["one"]
    assert len(faults) == 5


def test_a_long_document_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_MAX_BYTES", 1_000)
    names, faults, normaliser = run("[", *['{"a": "xxxxxxxxxxxxxxxxxxxxxxxxx"},'] * 100, "1]", '{"name": "one"}')
    assert names == ["one"]
    assert faults[0] == "longer than 1000 bytes; it began at f:1"
    assert normaliser.tally.unaccounted == 0


def test_a_document_without_an_end_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    format_, record = reader(), Record(b"{", "f:1", {"line": 1}, 1)
    assert format_.parse(record) == []
    assert format_.held == {}
    assert format_.flush() == []
    late = time.monotonic() + 60
    monkeypatch.setattr(documents, "monotonic", lambda: late)
    (outcome,) = format_.flush()
    assert outcome.records == (record,)
    assert isinstance(outcome.result, Invalid)
    assert format_.held is None


def test_says_from_where_to_read_again() -> None:
    format_ = reader()
    format_.parse(Record(b'{"name": "one"}', "f:1", {"line": 1}, 1))
    assert format_.held is None
    format_.parse(Record(b"{", "f:2", {"line": 2}, 2))
    format_.parse(Record(b' "name":', "f:3", {"line": 3}, 3))
    assert format_.held == {"line": 1}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(max_size=4), values, max_size=4), max_size=4), st.sampled_from([None, 0, 2]))
def test_any_documents_come_out_as_they_went_in(contents: list[dict[str, Any]], indent: int | None) -> None:
    found = [{**content, "name": f"{number}"} for number, content in enumerate(contents)]
    names, faults, _ = run(*(line for value in found for line in lines_of(value, indent)))
    assert (names, faults) == ([f"{number}" for number in range(len(found))], [])


@given(
    st.lists(
        st.sampled_from(["{", "}", "[", "]", '{"name": "one"}', ' "a": [', "x", '"', "1,", "", '{"a":', "  }"]),
        max_size=30,
    )
)
def test_every_line_is_accounted_for(lines: list[str]) -> None:
    run(*lines)
