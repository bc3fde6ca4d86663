from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.formats.values import address_of, endpoint_address_of, flag_of, integer_of, text_of, texts_of, time_of
from schemas.errors import Invalid
from schemas.event import parse_time

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(anything)
def test_anything_is_read_as_the_kind_or_nothing(value: object) -> None:
    assert isinstance(text_of(value), str | None)
    assert all(isinstance(text, str) for text in texts_of(value))
    assert isinstance(flag_of(value), bool | None)
    assert isinstance(address_of(value), str | None)
    assert isinstance(endpoint_address_of(value), str | None)
    number = integer_of(value)
    assert number is None or -(2**63) <= number < 2**63


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("12", 12),
        (" -3 ", -3),
        (7.0, 7),
        (2**63, None),
        ("0x10", None),
        (True, None),
        (1.5, None),
        ("²", None),
        ("", None),
    ],
)
def test_numbers_may_be_text_or_whole_floats(value: object, number: int | None) -> None:
    assert integer_of(value) == number


def test_addresses_are_canonical() -> None:
    assert address_of("[2001:DB8::0:1]") == "2001:db8::1"
    assert address_of("fe80::1%eth0") == "fe80::1"
    assert address_of("example.org") is None


@given(st.one_of(st.text(max_size=40), anything))
def test_a_time_is_within_what_elasticsearch_holds_or_refused(value: object) -> None:
    try:
        time = time_of(value)
    except Invalid:
        return
    assert 0 <= parse_time(time) < 2**63


@pytest.mark.parametrize("value", ["1969-12-31T23:59:59Z", "2263-01-01T00:00:00Z", "", None, -1, "soon"])
def test_other_times_are_refused(value: object) -> None:
    with pytest.raises(Invalid):
        time_of(value)
