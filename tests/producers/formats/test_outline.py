from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.formats.outline import Outline
from tests.producers.formats.kubernetes_audit.test_event import values

OUTLINE = Outline(frozenset({b"verb", b"create", b"data", b"auditID"}), ids=frozenset({b"auditID"}))
ID = "00000000-0000-4000-8000-000000000001"
SECRET = "Zx81-hunter2-Qw"


@pytest.mark.parametrize(
    ("record", "outline"),
    [
        (b'{"verb": "create", "data": {"password": "hunter2"}}', b'{"verb":"create","data":{"?":"?"}}'),
        (b'{"verb": "create", "data": {"password": "hun', b'{"verb":"create","data":{"?":"?"'),
        (b'ter2"}, "verb": "create"}', b'"?""?""?"'),
        (b"hunter2", b""),
        (b'{"data": hunter2, "n": 42, "verb": true}', b'{"data":,"?":,"verb":}'),
        (rb'{"a\"b": "create\\", "verb": "create\"hunter2"}', b'{"?":"?","verb":"?"}'),
        (f'{{"auditID": "{ID}", "data": "{ID}"}}'.encode(), f'{{"auditID":"{ID}","data":"?"}}'.encode()),
        (b"\xff\x00{[]}", b"{[]}"),
    ],
)
def test_keeps_structure_and_words(record: bytes, outline: bytes) -> None:
    assert OUTLINE.of(record) == outline


@given(values, st.data())
def test_tells_no_value_wherever_it_stands_and_however_the_record_is_cut(value: object, data: st.DataObject) -> None:
    record = json.dumps({"verb": "create", "data": {"password": SECRET, "auditID": SECRET}, "x": [value, SECRET]})
    first = data.draw(st.integers(0, len(record)))
    last = data.draw(st.integers(first, len(record)))
    kept = OUTLINE.of(record.encode()[first:last])
    assert not any(part.encode() in kept for part in ("Zx81", "hunter2", "Qw"))


@given(st.binary(max_size=300))
def test_takes_any_bytes(data: bytes) -> None:
    assert len(OUTLINE.of(data)) <= 2 * len(data) + 1


@pytest.mark.parametrize("record", [b'"' + b'\\"' * 500_000, b'"' * 1_000_000, b"\\" * 1_000_000, b'{"a":' * 200_000])
def test_takes_one_pass(record: bytes) -> None:
    assert len(OUTLINE.of(record)) <= 64 * 1024
