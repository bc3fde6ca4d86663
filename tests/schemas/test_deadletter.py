from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.deadletter import MAX_BYTES, DeadLetter, decode_deadletter, encode_deadletter, headers_of
from schemas.errors import Invalid


@given(data=st.binary(max_size=200), error=st.text(max_size=50))
def test_a_letter_survives_the_topic(data: bytes, error: str) -> None:
    letter = DeadLetter.of(stage="parse", process="shop", place="a.log@7", error=error, data=data)
    assert decode_deadletter(encode_deadletter(letter)) == letter


def test_a_huge_record_is_cut_and_says_its_size() -> None:
    letter = DeadLetter.of(stage="parse", process="shop", place="x", error="long", data=b"\xff" * (MAX_BYTES * 3))
    value = encode_deadletter(letter)
    assert len(value) < 1_000_000
    assert decode_deadletter(value).size == MAX_BYTES * 3
    assert len(decode_deadletter(value).data) == MAX_BYTES


def test_lone_surrogates_in_an_error_are_escaped() -> None:
    letter = DeadLetter.of(stage="parse", process="shop", place="x", error="bad \ud800", data=b"")
    assert decode_deadletter(encode_deadletter(letter)).error == "bad \\ud800"


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"[]",
        b"{}",
        b'{"stage":"a","process":"b","place":"c","error":"d","time":"e","size":"x","bytes":""}',
        b'{"stage":"a","process":"b","place":"c","error":"d","time":"e","size":1,"bytes":"*"}',
        b'{"stage":"a","process":"b","place":"c","error":"d","time":"e","size":1,"bytes":null}',
    ],
)
def test_anything_else_is_invalid(value: bytes) -> None:
    with pytest.raises(Invalid):
        decode_deadletter(value)


def test_headers_name_stage_and_process() -> None:
    letter = DeadLetter.of(stage="judge", process="slot-0", place="x", error="y", data=b"z")
    assert headers_of(letter) == [("stage", b"judge"), ("process", b"slot-0")]
