from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.rules.folding import fold, number_of, text_of


@given(st.text(), st.text())
def test_folding_looks_at_no_neighbours_and_keeps_the_length(one: str, other: str) -> None:
    assert fold(one + other) == fold(one) + fold(other)
    assert len(fold(one)) == len(one)
    assert fold(fold(one)) == fold(one)


NUMBERS: Final = [(7, 7), (2.5, 2.5), ("7", 7), ("-2.5", -2.5), ("1e3", 1000), ("+7", 7), (".5", 0.5)]
OTHERS: Final = [True, "", "0x1F", "1_000", " 7", "\u0667", None]


@pytest.mark.parametrize(("value", "number"), [*NUMBERS, *((other, None) for other in OTHERS)])
def test_numbers_are_decimal(value: object, number: float | None) -> None:
    assert number_of(value) == number


def test_scalars_are_texts_as_json_writes_them() -> None:
    values: tuple[object, ...] = ("a", 7, 2.5, True, False)
    assert [text_of(value) for value in values] == ["a", "7", "2.5", "true", "false"]
    nothing: tuple[object, ...] = (None, {}, [])
    assert [text_of(value) for value in nothing] == [None, None, None]
