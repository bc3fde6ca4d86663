"""The id is read from the first bytes; whatever follows cannot break out of its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import dumps, encode_event, loads
from schemas.errors import Invalid
from sinks.elasticsearch.bulk import document_of, encode_bulk
from sinks.types import Record
from tests.sinks.world import event_id, record_value


def record(value: bytes) -> Record:
    return Record("t", 0, 0, None, value)


@given(st.binary())
def test_any_bytes_are_a_document_or_invalid(value: bytes) -> None:
    try:
        document = document_of(0, record(value))
    except Invalid:
        return
    assert value.startswith(b'{"event.id":"' + document.id.encode())


@given(
    st.binary(),
    st.text(
        alphabet=st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"\\'), min_size=1, max_size=512
    ),
)
def test_whatever_is_in_a_record_a_bulk_has_two_lines_a_document(rest: bytes, identity: str) -> None:
    value = b'{"event.id":"' + identity.encode() + b'",' + rest
    try:
        document = document_of(0, record(value))
    except Invalid:
        assert b"\n" in rest
        return
    lines = encode_bulk([document, document]).split(b"\n")
    assert len(lines) == 5
    assert loads(lines[0]) == {"create": {"_id": identity}}
    assert lines[1] == value
    assert lines[4] == b""


@given(st.dictionaries(st.sampled_from(["message", "url.original", "file.path"]), st.text()))
def test_what_the_codec_writes_is_a_document(fields: dict[str, str]) -> None:
    try:
        value = encode_event({"event.id": event_id(7), "@timestamp": "2026-01-01T00:00:00Z", **fields})
    except Invalid:
        return
    assert document_of(3, record(value)).id == event_id(7)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{}",
        b"null",
        b'{"event.id":""}',
        b'{"event.id":"' + b"x" * 513 + b'"}',
        b'{"event.id":"a\\u0062"}',
        b'{"event.id":"a\x01b"}',
        b'{"event.id":"\xc3\xa4"}',
        b'{"event.id":"a" ,"b":1}',
        b'{"event.id":7}',
        b' {"event.id":"a"}',
        b'{"@timestamp":"2026-01-01T00:00:00Z","event.id":"a"}',
        b'{"event.id":"a","m":"\n"}',
        record_value(event_id(1)) + b'\n{"delete":{"_id":"x"}}',
    ],
)
def test_what_is_no_document(value: bytes) -> None:
    with pytest.raises(Invalid):
        document_of(0, record(value))


def test_an_escaped_newline_is_none() -> None:
    assert document_of(0, record(dumps({"event.id": "a", "message": "one\ntwo"}))).id == "a"
