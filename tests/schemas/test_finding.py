from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import dumps, loads
from schemas.errors import Invalid
from schemas.finding import Finding, finding_id

MOMENT = "2026-01-01T00:00:00.000000000Z"
FINDING = Finding(
    id=finding_id("many-shells", "0123456789abcdef", ("root", None), 7),
    correlation="many-shells",
    definition="0123456789abcdef",
    group=("root", None),
    names=("user.name", "process.name"),
    title="Many shells",
    level="high",
    file="shells.yml",
    tags=("attack.t1059",),
    techniques=("T1059",),
    rules_hash="0123",
    first=MOMENT,
    last=MOMENT,
    count=3,
    events=("shop:0003:000000000042",),
    event="shop:0003:000000000042",
    time=MOMENT,
    entity="0123456789ab",
    principal="container:shop//web/app",
    told="0123456789ab",
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)


@given(st.lists(TEXTS | st.none(), max_size=3), st.lists(TEXTS, max_size=3), st.integers(0, 2**40))
def test_a_finding_is_read_as_it_was_written(group: list[str | None], events: list[str], count: int) -> None:
    finding = replace(FINDING, group=tuple(group), events=tuple(events), count=count)
    assert Finding.decode(finding.encode()) == finding


def test_the_key_begins_with_the_entity_that_is_told_of() -> None:
    assert FINDING.key == f"0123456789ab|{FINDING.id}".encode()


def test_it_is_news_once_and_only_if_it_is_told_and_begins_a_burst() -> None:
    assert FINDING.is_news
    others: list[dict[str, Any]] = [{"revision": 2}, {"continues": True}, {"reported": False}]
    assert not any(replace(FINDING, **other).is_news for other in others)


def test_an_id_is_of_one_correlation_group_and_stretch() -> None:
    ids = {
        finding_id(*one)
        for one in (
            ("a", "d", ("g",), 1),
            ("b", "d", ("g",), 1),
            ("a", "e", ("g",), 1),
            ("a", "d", (None,), 1),
            ("a", "d", ("g", None), 1),
            ("a", "d", ("g",), 2),
        )
    }
    assert len(ids) == 6


@pytest.mark.parametrize(
    "changed", [{"time": "now"}, {"count": "3"}, {"count": True}, {"group": [1]}, {"tags": "x"}, {"more": 1}]
)
def test_what_is_no_finding_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        Finding.decode(dumps(loads(FINDING.encode()) | changed))


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{}", b"{"])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        Finding.decode(data)
