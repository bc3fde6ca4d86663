from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import dumps, loads
from schemas.errors import Invalid
from schemas.hit import Hit, hit_key

HIT = Hit(
    "many-shells",
    "0123456789abcdef",
    ("shop/web", None),
    ("shell",),
    ("/bin/sh",),
    "shop:0003:000000000042",
    "2026-01-01T00:00:00.000000000Z",
    "0123456789ab",
    "container:shop//web/app",
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)


@given(st.lists(TEXTS | st.none(), max_size=3), st.lists(TEXTS, max_size=3), TEXTS)
def test_a_hit_is_read_as_it_was_written(group: list[str | None], values: list[str], event: str) -> None:
    hit = replace(HIT, group=tuple(group), values=tuple(values), event=event)
    assert Hit.decode(hit.encode()) == hit
    assert hit.key == hit_key(hit.correlation, hit.group)


def test_a_group_without_a_value_is_not_the_one_of_an_empty_value() -> None:
    assert len({hit_key("a", (None,)), hit_key("a", ("",)), hit_key("a", ("null",)), hit_key("a", ())}) == 4


@pytest.mark.parametrize(
    "changed",
    [
        {"@timestamp": "yesterday"},
        {"event.id": 7},
        {"rule.id": "shell"},
        {"hit.group": [1]},
        {"hit.value": [None]},
        {"hit.value": None},
        {"more": 1},
    ],
)
def test_what_is_no_hit_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        Hit.decode(dumps(loads(HIT.encode()) | changed))


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{}", b"{"])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        Hit.decode(data)
