from __future__ import annotations

from collections import Counter as Tally
from typing import Any

import pytest

from streams.judge.memo import Limits
from tests.streams.judge.lab import Lab, does, envelope, facts, message

A = "0123456789ab"


def novel(lab: Lab, numbers: range, *, seconds: float = 1.0, program: str = "/bin/p") -> None:
    for number in numbers:
        event = envelope(number, A, seconds=seconds) | does(f"{program}{number}")
        lab.judge([message(number, event)])


def known(lab: Lab) -> Lab:
    lab.judge([message(0, envelope(0, A) | facts())])
    return lab


def rows(lab: Lab) -> list[dict[str, Any]]:
    lab.commit(flush=True)
    return [row for row in lab.rows.values() if row["activity.dimension"] == "exec"]


def others(lab: Lab) -> list[dict[str, Any]]:
    return [row for row in rows(lab) if row["activity.digest"].startswith("other")]


@pytest.mark.parametrize("restarted", [False, True])
def test_beyond_the_live_activities_everything_is_counted_in_the_other_row(*, restarted: bool) -> None:
    lab = known(Lab(limits=Limits(20, 1_000)))
    novel(lab, range(1, 31))
    if restarted:
        lab.restart()
    novel(lab, range(1, 41), seconds=9)
    assert len(rows(lab)) == 21
    (other,) = others(lab)
    assert other["activity.count"] == 10 + 20
    assert other["activity.first_id"] == "shop:0000:000000000021"
    assert other["activity.last_id"] == "shop:0000:000000000040"
    assert other["activity.samples"][:5] == [f"shop:0000:{number:012d}" for number in range(21, 26)]
    assert other["verdict.outcome"] == "undetermined"
    assert lab.counts().total() == 71
    assert lab.partition.ledger.marks.outcomes == {"undetermined": 71}


def test_outcomes_are_kept_apart_beyond_the_limits() -> None:
    lab = known(Lab(limits=Limits(1, 1_000)))
    novel(lab, range(1, 5))
    for number, program in enumerate(("/bin/sh", "/usr/bin/nginx", "/bin/sh"), 10):
        judged = lab.judge([message(number, envelope(number, A) | does(program))])
        assert judged[0]["verdict.outcome"] == {"/bin/sh": "unauthorized"}.get(program, "authorized")
    counted = {row["verdict.outcome"]: row["activity.count"] for row in others(lab)}
    assert counted == {"undetermined": 3, "unauthorized": 2, "authorized": 1}


@pytest.mark.parametrize("restarted", [False, True])
def test_new_rows_are_limited_by_the_second_of_event_time(*, restarted: bool) -> None:
    lab = known(Lab(limits=Limits(2_000, 3)))
    novel(lab, range(1, 3))
    if restarted:
        lab.restart()
    novel(lab, range(3, 7))
    assert {row["activity.digest"][:5]: row["activity.count"] for row in others(lab)} == {"other": 3}
    novel(lab, range(7, 9), seconds=2)
    assert len(rows(lab)) == 3 + 1 + 2


def test_seconds_that_take_turns_give_no_more_rows() -> None:
    lab = known(Lab(limits=Limits(2_000, 3)))
    for number in range(1, 21):
        novel(lab, range(number, number + 1), seconds=1 + number % 2)
    assert len(rows(lab)) == 2 * 3 + 1
    assert others(lab)[0]["activity.count"] == 14


def test_what_only_the_rate_kept_out_gets_its_row_in_another_second() -> None:
    lab = known(Lab(limits=Limits(2_000, 1)))
    novel(lab, range(1, 3))
    novel(lab, range(2, 3), seconds=5)
    counts = Tally({row["activity.digest"]: row["activity.count"] for row in rows(lab)})
    assert len(counts) == 3
    assert counts.total() == 3


def test_the_memo_is_bounded_in_bytes_and_forgets_verdicts_never_counts() -> None:
    lab, kept = known(Lab(memo_bytes=20_000)), []
    for _ in range(3):
        for number in range(1, 101):
            novel(lab, range(number, number + 1))
            kept.append(sum(map(len, (context.memo for context in lab.partition.contexts.by_hash.values()))))
            assert lab.partition.contexts.remembered_bytes <= 20_000
    assert max(kept) < 40
    assert [row["activity.count"] for row in rows(lab)] == [3] * 100


def test_what_is_remembered_is_measured() -> None:
    lab = known(Lab())
    novel(lab, range(1, 11))
    held = [
        len(key) + len(known.activity) + len(known.tail)
        for context in lab.partition.contexts.by_hash.values()
        for key, known in context.memo.items()
    ]
    assert len(held) == 10
    assert sum(held) < lab.partition.contexts.remembered_bytes < sum(held) + 10 * 500
    lab.partition.contexts.forget_verdicts()
    assert lab.partition.contexts.remembered_bytes == 0
