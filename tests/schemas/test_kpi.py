from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import dumps
from schemas.errors import Invalid
from schemas.event import timestamp
from schemas.kpi import UNDATED, KpiRecord, hour_of

KEY = b"2026-11-27T10|counts|0003|17"
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)


@given(
    st.sampled_from(["2026-11-27T10", UNDATED]),
    st.sampled_from(["counts", "levels"]),
    st.integers(0, 9_999),
    st.integers(0, 2**40),
    st.dictionaries(TEXTS, st.integers(0, 2**40), max_size=3),
    st.dictionaries(TEXTS, st.lists(TEXTS, max_size=3).map(tuple), max_size=3),
)
def test_a_record_is_read_as_it_was_written(
    hour: str, kind: str, partition: int, series: int, figures: dict[str, int], members: dict[str, tuple[str, ...]]
) -> None:
    record = KpiRecord(hour, kind, partition, series, figures, members)  # type: ignore[arg-type]  # one of two texts
    assert KpiRecord.decode(record.key, record.encode()) == record


@pytest.mark.parametrize(
    "key",
    [b"", b"2026-11-27|counts|0003|1", b"2026-11-27T10|sums|0003|1", b"2026-11-27T10|counts|3|1", KEY + b"|1", b"\xff"],
)
def test_what_is_no_key_is_refused(key: bytes) -> None:
    with pytest.raises(Invalid, match="is no hour"):
        KpiRecord.decode(key, b'{"figures":{}}')


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"figures": {"gaps": 1}, "more": 1},
        {"figures": {"gaps": 1.5}},
        {"figures": {"gaps": True}},
        {"figures": [1]},
        {"figures": {}, "members": []},
        {"figures": {}, "members": {"images": "x"}},
        {"figures": {}, "members": {"images": [1]}},
    ],
)
def test_what_are_no_figures_is_refused(value: object) -> None:
    with pytest.raises(Invalid):
        KpiRecord.decode(KEY, dumps(value))


@given(st.integers(0, 2**62))
def test_the_hour_of_a_time_is_how_the_time_begins(nanoseconds: int) -> None:
    moment = timestamp(nanoseconds)
    assert hour_of(moment) == moment[:13]


@pytest.mark.parametrize(
    "moment", ["", "2026", "2026-11-27T24:00:00Z", "2026-02-30T10:00:00Z", "2026-11-27t10", "x" * 30]
)
def test_what_is_no_time_is_of_no_hour(moment: str) -> None:
    assert hour_of(moment) == UNDATED
