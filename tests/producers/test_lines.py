from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from producers.lines import Line, LineCutter

LIMIT = 8


@given(data=st.binary(max_size=200).map(lambda raw: raw.replace(b"\x00", b"\n")), cuts=st.lists(st.integers(0, 200)))
def test_chunks_make_no_difference(data: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    cutter = LineCutter(LIMIT)
    lines = [line for start, end in pairwise(places) for line in cutter.feed(data[start:end])]
    rest = cutter.rest()
    if rest is not None:
        lines.append(rest)
    assert sum(line.length for line in lines) == len(data)
    whole = data.split(b"\n")
    expected = whole if whole[-1] else whole[:-1]
    assert len(lines) == len(expected)
    for line, content in zip(lines, expected, strict=True):
        assert line.data.removesuffix(b"\r") == content[: LIMIT + 1].removesuffix(b"\r")


def test_a_long_line_is_cut_but_its_length_is_known() -> None:
    cutter = LineCutter(LIMIT)
    assert cutter.feed(b"x" * 1000) == []
    assert cutter.waiting == 1000
    assert cutter.feed(b"x" * 1000 + b"\nshort\r\n") == [Line(b"x" * (LIMIT + 1), 2001), Line(b"short", 7)]


def test_the_rest_is_given_once() -> None:
    cutter = LineCutter(LIMIT)
    cutter.feed(b"a\nb")
    assert cutter.rest() == Line(b"b", 1)
    assert cutter.rest() is None
    assert cutter.waiting == 0
