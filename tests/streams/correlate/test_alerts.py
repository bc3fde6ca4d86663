from __future__ import annotations

import tracemalloc
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import Alert, Cause
from schemas.alert_decision import AlertDecision
from schemas.codec import decode
from schemas.errors import Invalid
from schemas.event import parse_time
from schemas.policyset import PolicySet
from schemas.settings import AlertSettings
from tests.schemas.baselines import ADA, BOB
from tests.streams.alerts.rows import (
    AUTHORIZED,
    DB,
    EXCEPTED,
    HOUR,
    SETTINGS,
    START_MS,
    WEB,
    Lab,
    Row,
    at,
    denied,
    deviates,
    row,
)


def content(alerts: list[Alert]) -> list[Alert]:
    """Return what must be the same however often a worker died: not up to where it had read when it wrote."""
    return [replace(alert, offset=0, decided=0) for alert in alerts]


# What is one alert, and what it says


def test_the_first_notice_is_written_with_the_next_tick() -> None:
    (alert,) = Lab().take(row(count=2, last=3.0))
    assert (alert.principal, alert.cause) == (WEB, Cause("policy", "files", "files.shadow"))
    assert (alert.state, alert.count, alert.activities, alert.level) == ("open", 2, 1, "high")
    assert (alert.first, alert.last, alert.opened) == (at(0), at(3), at(0))
    assert alert.outcomes == {"success": 2}
    assert alert.techniques == ("T1003.008",)
    assert alert.links == ("user:lab/system:serviceaccount:shop:web", "workload:lab/shop/web")
    assert [(one.event, one.outcome) for one in alert.evidence] == [("shop:0000:000000000000", "success")]


def test_events_of_one_cause_are_one_alert_and_others_have_their_own() -> None:
    lab = Lab()
    lab.take(row("a"), row("b", first=1), row("a", principal=DB), row("c", denied("files.keys"), first=2))
    assert {(one.principal, one.cause.detail, one.count) for one in lab.alerts} == {
        (WEB, "files.shadow", 2),
        (DB, "files.shadow", 1),
        (WEB, "files.keys", 1),
    }


def test_a_new_release_has_an_alert_of_its_own_with_what_is_new_in_it() -> None:
    lab = Lab()
    lab.take(
        row("a", deviates(element="/bin/a")),
        row("b", deviates(element="/bin/b", **{"verdict.baseline.release": "sha256:new"})),
        row("c", deviates(element="/bin/c", **{"verdict.baseline.release": "sha256:new"}), first=1),
    )
    found = {one.cause.detail: [said.element for said in one.evidence] for one in lab.alerts}
    assert found == {"": ["/bin/a"], "sha256:new": ["/bin/b", "/bin/c"]}


def test_only_events_that_were_unauthorized_are_counted() -> None:
    lab = Lab()
    lab.take(row(verdict=AUTHORIZED, count=1_000, last=50))
    assert lab.alerts == []
    lab.take(row(count=1_001, unauthorized=1, last=60))
    assert (lab.alert.count, lab.alert.first, lab.alert.evidence[0].time) == (1, at(60), at(60))


def test_more_of_the_same_is_written_once_in_a_while_and_what_is_new_at_once() -> None:
    lab = Lab()
    assert len(lab.take(row())) == 1
    assert lab.take(row(count=2, last=1)) == []
    assert [one.principal for one in lab.take(row(principal=DB, count=3, first=2))] == [DB]
    assert [one.count for one in lab.wait(10)] == [2]
    assert lab.take(row(count=2, last=1)) == []
    assert lab.wait(60) == []


def test_rows_of_other_kinds_are_not_read() -> None:
    lab = Lab()
    lab.take((b"x|c|d|0", b"{"), (b"x|c|d|0", None))
    assert lab.alerts == []


@pytest.mark.parametrize("missing", ["activity.principal", "activity.last", "activity.count", "activity.digest"])
def test_what_cannot_be_read_is_refused_and_changes_nothing(missing: str) -> None:
    lab = Lab()
    key, value = row()
    assert value is not None
    with pytest.raises(Invalid):
        lab.shard.take_row(key, value.replace(missing.encode(), b"x"), 0, START_MS)
    assert lab.wait() == []
    lab.take((key, value))
    assert lab.alert.count == 1


# Its life


def test_what_is_authorized_now_leaves_and_the_last_to_leave_closes_the_alert() -> None:
    lab = Lab()
    lab.take(row("a", count=3), row("b", count=4, first=1))
    lab.take(row("a", AUTHORIZED, count=4, unauthorized=3, last=5), wait_seconds=20)
    assert (lab.alert.state, lab.alert.count, lab.alert.activities) == ("open", 4, 1)
    lab.take(row("b", AUTHORIZED, count=5, unauthorized=4, first=1, last=6))
    assert (lab.alert.state, lab.alert.count) == ("closed", 4)
    step = lab.alert.steps[-1]
    assert (step.action, step.author, step.reason) == ("authorize", "policy:ours", "which policy ours allows")


@pytest.mark.parametrize(
    "verdict", [AUTHORIZED, AUTHORIZED | {"verdict.outcome": "undetermined"}, denied("files.other")]
)
def test_what_is_judged_otherwise_though_nothing_has_come_is_closed_when_that_was_written(
    verdict: dict[str, Any],
) -> None:
    lab = Lab()
    lab.take(row(count=3, last=5))
    lab.wait(600)
    lab.take(row(verdict=verdict, count=3, unauthorized=3, last=5))
    first = next(alert for alert in lab.alerts if alert.cause.detail == "files.shadow")
    assert (first.state, first.steps[-1].time) == ("closed", at(601))


def test_what_moves_though_nothing_has_come_is_counted_elsewhere_from_then_on() -> None:
    lab = Lab()
    lab.take(row(count=3, last=5))
    lab.wait(600)
    for clause in ("files.other", "files.shadow"):
        lab.take(row(verdict=denied(clause), count=3, last=5))
        lab.wait(600)
    lives = {one.cause.detail: [(step.action, step.time) for step in one.steps] for one in lab.alerts}
    assert lives == {
        "files.shadow": [("open", at(0)), ("move", at(601)), ("reopen", at(1202))],
        "files.other": [("open", at(601)), ("move", at(1202))],
    }
    assert {one.first for one in lab.alerts} == {at(0)}


@pytest.mark.parametrize("between", [AUTHORIZED, AUTHORIZED | {"verdict.outcome": "undetermined"}])
@pytest.mark.parametrize("clause", ["files.shadow", "files.other"])
def test_what_is_forbidden_again_though_nothing_has_come_opens_when_that_was_written(
    between: dict[str, Any], clause: str
) -> None:
    lab = Lab()
    lab.take(row(count=3, last=5))
    lab.wait(600)
    lab.take(row(verdict=between, count=3, unauthorized=3, last=5))
    lab.wait(600)
    lab.take(row(verdict=denied(clause), count=3, last=5))
    (found,) = [alert for alert in lab.alerts if alert.state == "open"]
    assert (found.cause.detail, found.steps[-1].time, found.first) == (clause, at(1202), at(0))


def test_what_is_forbidden_again_long_after_it_came_opens_nothing() -> None:
    lab = Lab()
    lab.take(row(count=3, last=5))
    lab.take(row(verdict=AUTHORIZED, count=3, unauthorized=3, last=5))
    lab.wait(240 * HOUR)
    assert {alert.state for alert in lab.take(row(count=3, last=5))} <= {"closed"}
    assert lab.actions == ["open", "authorize"]
    assert lab.take(row(verdict=denied("files.other"), count=3, last=5))[-1].state == "closed"


@pytest.mark.parametrize("looked", [True, False])
def test_what_was_decided_in_time_has_not_expired_before_though_it_is_read_later(looked: bool) -> None:  # noqa: FBT001 - a parameter of the test
    lab = Lab()
    lab.take(row(count=3, last=5), wait_seconds=20)
    lab.wait(24 * HOUR - 30)
    appended = lab.now_ms
    if looked:
        lab.wait(100)
    lab.shard.take_row(*row(verdict=AUTHORIZED, count=3, unauthorized=3, last=5), 1, appended)
    lab.wait(200)
    assert [(step.action, step.time) for step in lab.alert.steps] == [
        ("open", at(0)),
        ("authorize", at(24 * HOUR - 10)),
    ]


LATE = [
    pytest.param(row(verdict=AUTHORIZED, count=3, unauthorized=3, last=5), id="authorized"),
    pytest.param(row(verdict=denied("files.other"), count=3, last=5), id="moved"),
    pytest.param((row()[0], None), id="gone"),
]


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("looked", [True, False])
def test_what_has_expired_stays_so_whatever_is_decided_about_it_later(late: Row, looked: bool) -> None:  # noqa: FBT001 - a parameter of the test
    lab = Lab()
    lab.take(row(count=3, last=5))
    lab.now_ms += round(240 * HOUR * 1000)
    if looked:
        lab.wait()
    lab.take(late)
    lab.wait(60)
    assert {(step.action, step.time) for one in lab.alerts for step in one.steps} == {
        ("open", at(0)),
        ("expire", at(5 + 24 * HOUR)),
    }


def test_in_a_recording_nothing_has_expired_because_it_is_old() -> None:
    lab = Lab(now_ms=START_MS + round(1_000 * HOUR * 1000))
    lab.take(row(count=3, last=5))
    lab.take(row(verdict=AUTHORIZED, count=3, unauthorized=3, last=5))
    assert (lab.actions, lab.alert.steps[-1].time) == (["open", "authorize"], at(1_000 * HOUR + 1))


def test_what_a_container_did_before_it_was_known_moves_at_the_time_of_its_events() -> None:
    lab = Lab(now_ms=START_MS + round(1_000 * HOUR * 1000))
    key, value = row(principal="unknown:0123456789ab", last=5)
    lab.take((key, value))
    lab.take((key, None))
    assert [(step.action, step.time) for step in lab.alert.steps] == [("open", at(0)), ("move", at(5))]


def test_a_closed_alert_is_opened_again_by_what_comes_back() -> None:
    lab = Lab()
    lab.take(row())
    lab.take(row(verdict=AUTHORIZED, count=2, unauthorized=1, last=5))
    lab.take(row(count=3, unauthorized=2, last=9))
    assert lab.actions == ["open", "authorize", "reopen"]
    assert (lab.alert.state, lab.alert.openings, lab.alert.opened, lab.alert.count) == ("open", 2, at(9), 2)


def test_what_is_undetermined_now_leaves_and_nobody_has_authorized_it() -> None:
    lab = Lab()
    lab.take(row())
    undetermined = {
        "verdict.outcome": "undetermined",
        "verdict.by": "nothing",
        "verdict.reason": "no policy speaks of it",
    }
    lab.take(row(verdict=undetermined, count=2, unauthorized=1, last=5))
    step = lab.alert.steps[-1]
    assert (step.action, step.author, step.time) == ("move", "tidewaiter", at(5))
    assert step.reason == "it is undetermined now: no policy speaks of it"


def test_an_alert_that_is_judged_by_another_clause_moves_there() -> None:
    lab = Lab()
    lab.take(row())
    lab.take(row(verdict=denied("files.everything"), count=2, last=1))
    assert {(one.cause.detail, one.state, one.count) for one in lab.alerts} == {
        ("files.everything", "open", 2),
        ("files.shadow", "closed", 1),
    }


def test_what_a_container_did_before_it_was_known_is_counted_where_it_belongs() -> None:
    lab = Lab()
    before = row(principal="unknown:c1")
    lab.take(before)
    lab.take((before[0], None), row())
    assert {(one.principal, one.state) for one in lab.alerts} == {("unknown:c1", "closed"), (WEB, "open")}


def test_nothing_more_for_long_by_the_clock_of_events_closes_an_alert() -> None:
    lab = Lab()
    lab.take(row())
    lab.wait(23 * HOUR)
    assert lab.alert.state == "open"
    lab.wait(1.1 * HOUR)
    assert (lab.alert.state, lab.actions, lab.alert.steps[-1].time) == ("closed", ["open", "expire"], at(24 * HOUR))


def test_what_comes_back_after_long_has_expired_meanwhile_whether_or_not_it_was_noticed() -> None:
    noticed, unnoticed = Lab(), Lab()
    for lab in (noticed, unnoticed):
        lab.take(row())
    noticed.wait(30 * HOUR)
    for lab in (noticed, unnoticed):
        lab.take(row(count=2, last=31 * HOUR), wait_seconds=20)
    assert noticed.actions == unnoticed.actions == ["open", "expire", "reopen"]
    assert content(noticed.alerts) == content(unnoticed.alerts)


def test_what_was_late_does_not_let_an_alert_expire() -> None:
    prompt, late = Lab(), Lab()
    prompt.take(row("a"), row("b", first=23 * HOUR))
    late.take(row("a"))
    late.wait(25 * HOUR)
    assert late.actions == ["open", "expire"]
    late.take(row("b", first=23 * HOUR), wait_seconds=20)
    assert content(late.alerts) == content(prompt.alerts)


# People


def test_a_person_acknowledges_and_closes() -> None:
    lab = Lab()
    lab.take(row())
    (alert,) = lab.decide("acknowledge", reason="I look at it")
    assert (alert.state, alert.steps[-1].author, alert.steps[-1].reason) == ("acknowledged", "ada", "I look at it")
    (alert,) = lab.decide("close", reason="a test of ours")
    assert (alert.state, lab.actions) == ("closed", ["open", "acknowledge", "close"])


def test_more_than_was_looked_at_opens_a_closed_alert_again() -> None:
    lab, other = Lab(), Lab()
    for one in (lab, other):
        one.take(row())
    seen = lab.alert
    lab.decide("close")
    lab.take(row(count=2, last=5), wait_seconds=20)
    other.take(row(count=2, last=5), wait_seconds=20)
    other.decide("close", seen)
    assert lab.actions == other.actions == ["open", "close", "reopen"]
    assert lab.alert.opened == other.alert.opened == at(5)


def test_a_clock_that_ran_ahead_keeps_no_alert_closed() -> None:
    lab = Lab(now_ms=START_MS + 60_000)
    lab.take(row("a", last=1_000 * HOUR))
    lab.decide("close")
    assert lab.alert.state == "closed"
    lab.take(row("b", first=HOUR))
    assert lab.actions == ["open", "close", "reopen"]
    assert lab.alert.opened == at(HOUR)


def test_what_a_person_has_closed_is_not_opened_by_what_is_of_the_same_time() -> None:
    lab = Lab()
    lab.take(row("a", last=9), wait_seconds=20)
    lab.decide("close")
    lab.take(row("b", first=3), wait_seconds=20)
    assert (lab.alert.state, lab.alert.count) == ("closed", 2)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"author": "mallory"}, "mallory is not enrolled"),
        ({"author": "bob"}, "the signature is not that of bob"),
        ({"opening": 7}, "look again"),
    ],
)
def test_a_decision_that_does_not_count_is_refused_for_good(changes: dict[str, Any], complaint: str) -> None:
    lab = Lab(policies=PolicySet.empty() if "mallory" in changes.values() else Lab().policies)
    lab.take(row())
    with pytest.raises(Invalid, match=complaint):
        lab.decide("close", **changes)
    lab.wait(60)
    lab.crash()
    lab.wait(60)
    assert lab.alert.state == "open"


def test_a_decision_counts_once_and_of_an_alert_that_is_open() -> None:
    lab = Lab()
    lab.take(row())
    lab.decide("close")
    with pytest.raises(Invalid, match="closed already"):
        lab.decide("acknowledge")
    assert lab.shard.take_decision(*lab.control[0][:2], 0, START_MS) == []


@pytest.mark.parametrize("principal", [WEB, DB])
def test_a_decision_is_about_an_alert_of_its_key(principal: str) -> None:
    lab = Lab()
    lab.take(row())
    with pytest.raises(Invalid, match=r"another key|no alert"):
        lab.publish(AlertDecision(DB, lab.alert.id, "close", "ada", at(0), "so", 1, at(0)).signed(ADA), principal)


def test_who_is_enrolled_later_may_decide_then() -> None:
    lab = Lab(policies=PolicySet.empty())
    lab.take(row())
    with pytest.raises(Invalid):
        lab.decide("close")
    lab.shard.adopt(Lab().policies)
    about = lab.alert
    decision = AlertDecision(WEB, about.id, "close", "bob", at(0), "so", 1, about.last).signed(BOB)
    assert [one.state for one in lab.publish(decision, WEB)] == ["closed"]


# What exceptions set aside


def test_what_an_exception_sets_aside_is_counted_and_raises_nothing() -> None:
    lab = Lab()
    lab.take(row(count=2))
    lab.take(row(verdict=EXCEPTED, count=9, unauthorized=2, last=5))
    found = {one.cause.kind: (one.state, one.count) for one in lab.alerts}
    assert found == {"policy": ("closed", 2), "exception": ("suppressed", 7)}
    suppressed = next(one for one in lab.alerts if one.state == "suppressed")
    with pytest.raises(Invalid, match="suppressed"):
        lab.decide("close", suppressed)


def test_an_exception_that_comes_later_closes_the_alert_and_has_set_nothing_aside_yet() -> None:
    lab = Lab()
    lab.take(row(count=3))
    lab.take(row(verdict=EXCEPTED, count=3, unauthorized=3))
    assert (lab.alert.state, lab.alert.count, lab.alert.steps[-1].action) == ("closed", 3, "authorize")
    lab.take(row(verdict=EXCEPTED, count=4, unauthorized=3, last=5))
    assert {(one.cause.kind, one.state, one.count) for one in lab.alerts} == {
        ("policy", "closed", 3),
        ("exception", "suppressed", 1),
    }


def test_an_exception_that_ends_opens_the_alert_again() -> None:
    lab = Lab()
    lab.take(row(verdict=EXCEPTED, count=5))
    lab.take(row(count=6, unauthorized=1, last=5))
    assert {(one.cause.kind, one.state, one.count) for one in lab.alerts} == {
        ("policy", "open", 1),
        ("exception", "closed", 5),
    }


# Floods


def test_everything_beyond_the_limits_belongs_to_the_same_alert() -> None:
    lab = Lab()
    named = [row(f"host-{number}", deviates("dns", f"host-{number}"), first=number / 1000) for number in range(2_000)]
    other = row(
        digest="other-exec-baseline:dns:-unauthorized", verdict={"verdict.outcome": "unauthorized"}, count=98_000
    )
    lab.take(*named, other, wait_seconds=20)
    assert (lab.alert.count, lab.alert.activities, lab.alert.beyond) == (100_000, 2_000, 98_000)
    assert len(lab.written) == 1
    assert len(lab.alert.encode()) < 10_000
    lab.crash()
    assert lab.wait(60) == []


def test_everything_beyond_the_limits_that_an_exception_sets_aside_is_counted_with_it() -> None:
    lab = Lab()
    verdict = {"verdict.outcome": "authorized"}
    lab.take(row(verdict=EXCEPTED, count=3))
    lab.take(row(digest="other-exec-exception:files%3A%20files.shadow:-authorized", verdict=verdict, count=98_000))
    lab.wait(20)
    assert (lab.alert.state, lab.alert.count, lab.alert.beyond) == ("suppressed", 98_003, 98_000)


def test_a_scan_of_all_ports_of_a_hundred_peers_takes_less_than_a_megabyte_and_delays_nobody() -> None:
    lab = Lab()
    rows = [
        row(f"{number}", deviates("egress", f"203.0.113.{number % 100} {number} tcp"), first=number / 1000)
        for number in range(2_000)
    ]
    beyond = 65_535 * 100 - 2_000
    name = "other-exec-baseline:egress:-unauthorized"
    rows.append(row(digest=name, verdict={"verdict.outcome": "unauthorized"}, count=beyond))
    tracemalloc.start()
    for offset, (key, value) in enumerate(rows):
        lab.shard.take_row(key, value, offset, START_MS)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 1_000_000
    lab.shard.take_row(*row(principal=DB), len(rows), START_MS)
    assert {(one.principal, one.count) for one in lab.wait(0.5)} == {(WEB, 65_535 * 100), (DB, 1)}


# Any order, any batching, any crash

VERDICTS = [denied(), denied("files.keys"), deviates(), AUTHORIZED, EXCEPTED]


def happened_ms(one: Row) -> int:
    return parse_time(decode(one[1] or b"")["activity.last"]) // 1_000_000


def rows_of(drawn: list[tuple[str, str, int, float]]) -> list[Row]:
    """Return rows as a judge would write them: of one key each counts more, and is later, than the one before.

    Without a wait nothing has come, and what had is judged anew.
    """
    counts: dict[tuple[str, str], list[Any]] = {}
    rows: list[Row] = []
    clock = 0.0
    for what, principal, verdict, wait in drawn:
        clock += wait
        state = counts.setdefault((what, principal), [0, 0, clock, clock])
        if wait or not state[0]:
            state[0] += 1
            state[1] += VERDICTS[verdict]["verdict.outcome"] == "unauthorized"
            state[3] = clock
        count, unauthorized, first, last = state
        seen = {"count": count, "unauthorized": unauthorized, "first": first, "last": last}
        rows.append(row(what, VERDICTS[verdict], principal=principal, **seen))
    return rows


DRAWN = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from([WEB, DB]),
        st.integers(0, len(VERDICTS) - 1),
        st.sampled_from([0.0, 0.001, 1.0, 30 * HOUR]),
    ),
    max_size=12,
)


@given(DRAWN, st.randoms(use_true_random=False))
def test_a_worker_that_dies_at_any_moment_ends_with_the_same_alerts(
    drawn: list[tuple[str, str, int, float]], random: Random
) -> None:
    straight, other = Lab(), Lab()
    rows = rows_of(drawn)
    for one in rows:
        straight.now_ms = other.now_ms = max(other.now_ms, happened_ms(one))
        straight.feed([one])
        other.feed([one])
        choice = random.random()
        if choice < 0.3:
            other.crash()
        elif choice < 0.6:
            other.wait(random.choice([0.5, 20]))
    straight.now_ms = other.now_ms
    other.crash()
    for lab in (straight, other):
        lab.wait(20)
        lab.wait(20)
    assert content(other.alerts) == content(straight.alerts)
    before = len(other.written)
    for offset, (key, value, appended_ms) in enumerate(other.log):
        other.shard.take_row(key, value, offset, appended_ms)
    other.wait(20)
    assert len(other.written) == before


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 2), st.integers(0, 50)), max_size=12),
    st.randoms(use_true_random=False),
)
def test_alerts_are_the_same_in_whichever_order_rows_come(drawn: list[tuple[str, int, int]], random: Random) -> None:
    rows = list({what: row(what, VERDICTS[verdict], first=first) for what, verdict, first in drawn}.values())
    straight, other = Lab(), Lab()
    straight.take(*rows, wait_seconds=20)
    for one in random.sample(rows, len(rows)):
        other.take(one, wait_seconds=random.choice([0.5, 20]))
    other.wait(20)
    names = ("count", "outcomes", "first", "last", "last_event", "evidence", "links", "level", "score", "activities")
    assert [[getattr(one, name) for name in names] for one in other.alerts] == [
        [getattr(one, name) for name in names] for one in straight.alerts
    ]


def test_settings_say_when_alerts_expire() -> None:
    assert AlertSettings().hours > SETTINGS.hours
