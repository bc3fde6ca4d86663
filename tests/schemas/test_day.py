from __future__ import annotations

from datetime import date

import pytest

from schemas.day import decode_day, encode_day
from schemas.errors import Invalid


def test_a_day_survives_its_record() -> None:
    assert decode_day(encode_day(date(2026, 6, 1))) == date(2026, 6, 1)


@pytest.mark.parametrize("value", [b"", b"x", b"[]", b"{}", b'{"as_of":7}', b'{"as_of":"soon"}'])
def test_what_is_no_day_is_said(value: bytes) -> None:
    with pytest.raises(Invalid):
        decode_day(value)
