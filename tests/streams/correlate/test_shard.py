from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.baseline import Elements, Profile
from schemas.codec import dumps
from schemas.decision import Decision
from schemas.errors import Invalid
from schemas.event import timestamp
from schemas.keys import public_key_of
from streams.baseline.learned import Learned
from tests.schemas.baselines import ADA, BOB
from tests.streams.baseline.rows import (
    HOUR,
    NEW,
    OLD,
    STARTED,
    WEB,
    connected,
    denied,
    gap,
    opened,
    ran,
    row,
)
from tests.streams.correlate.shards import HOUR_MS, PEOPLE, START_MS, Lab, learning, policy_set

MALLORY = Ed25519PrivateKey.from_private_bytes(b"m" * 32)
SH, NGINX, CURL = ran("/bin/sh"), ran("/usr/bin/nginx"), ran("/usr/bin/curl")
REVIEW = "{hours: 0, observations: 1}"


def started(**more: Any) -> tuple[bytes, bytes]:
    return row(STARTED, replicas=1, **more)


def learned_lab(text: str = "{approve: automatic, hours: 0, observations: 1}") -> Lab:
    """Return a partition in which nginx was learned and approved."""
    lab = Lab(learning(text))
    lab.take(started(), row(NGINX, count=10))
    assert lab.baseline().elements["exec"] == (("/usr/bin/nginx",),)
    return lab


# Learning


def test_who_is_met_is_written_down_with_the_brokers_time() -> None:
    lab = Lab(learning("{}"))
    (profile,) = lab.take(row(NGINX, first=-1e6))
    assert profile == Profile(WEB, "learning", "first met", timestamp(START_MS * 1_000_000))
    assert lab.wait() == []


@pytest.mark.parametrize("principal", ["unknown:0123456789ab", "judge", "collector:shop"])
def test_what_has_no_profile_gets_none(principal: str) -> None:
    assert Lab().take(row(NGINX, principal=principal)) == []


def test_enough_by_both_clocks_is_approved_without_another_event() -> None:
    lab = Lab(learning("{approve: automatic, hours: 2, observations: 10}"))
    lab.take(started(), row(NGINX, count=9, last=3 * HOUR), row(SH, last=3 * HOUR))
    lab.wait(2 * HOUR_MS - 2000)
    assert lab.profile().state == "learning"
    lab.wait(2000)
    assert lab.profile().state == "active"
    assert lab.baseline().elements["exec"] == (("/bin/sh",), ("/usr/bin/nginx",))


def test_a_clock_that_runs_ahead_hurries_nothing() -> None:
    lab = Lab(learning("{approve: automatic, hours: 24}"))
    lab.take(started(), row(NGINX, count=10_000, last=1000 * HOUR))
    for _ in range(23):
        assert lab.wait(HOUR_MS) == []
    assert lab.profile().state == "learning"
    lab.wait(HOUR_MS)
    assert lab.profile().state == "active"


def test_time_that_passes_without_events_is_not_learned_from() -> None:
    lab = Lab(learning("{approve: automatic, hours: 24}"))
    lab.take(started(), row(NGINX, count=10_000, last=23 * HOUR))
    lab.wait(1000 * HOUR_MS)
    assert lab.profile().state == "learning"
    lab.take(row(NGINX, count=10_001, last=24 * HOUR))
    assert lab.profile().state == "active"


@pytest.mark.parametrize("more", ["observations: 12", "observations: 1, replicas: 2", "observations: 1, hours: 1"])
def test_few_replicas_little_data_and_little_time_approve_nothing(more: str) -> None:
    hours = "" if "hours" in more else "hours: 0, "
    lab = Lab(learning(f"{{approve: automatic, {hours}{more}}}"))
    lab.take(started(), row(NGINX, count=11))
    lab.wait(100 * HOUR_MS)
    assert lab.profile().state == "learning"
    lab.take(row(STARTED, replicas=1, context="c2"), row(SH, last=HOUR))
    lab.wait()
    assert lab.profile().state == "active"


def test_hosts_and_users_have_baselines_too_though_no_facts_tell_of_them() -> None:
    lab = Lab()
    user = {"kubernetes.audit.verb": "get", "orchestrator.resource.type": "pods", "event.dataset": "kubernetes.audit"}
    lab.take(row(NGINX, principal="host:node-1"), row(user, principal="user:prod/ada"))
    assert lab.baseline("host:node-1").elements["exec"] == (("/usr/bin/nginx",),)
    assert lab.baseline("user:prod/ada").elements == {"api": (("get", "pods", ""),), "secret": ()}


def test_a_review_waits_for_a_person_whatever_else_comes() -> None:
    lab = Lab(learning(REVIEW))
    lab.take(started(), row(NGINX))
    assert (lab.profile().state, lab.actions) == ("review", ["review"])
    assert lab.take(row(SH)) == []
    assert lab.wait(HOUR_MS) == []
    lab.decide(lab.decision("approve", {"exec": (("/usr/bin/nginx",),)}, releases=(OLD,)))
    assert lab.profile().state == "changed"
    assert lab.profile().difference == {OLD: {"exec": (("/bin/sh",),)}}
    lab.adopt(learning())
    assert lab.baseline().version == 1


def test_a_policy_that_asks_for_less_approves_what_was_in_review() -> None:
    lab = Lab(learning(REVIEW))
    lab.take(started(), row(NGINX))
    lab.adopt(learning())
    assert (lab.profile().state, lab.baseline().author) == ("active", "policy:all")


def test_what_is_left_out_does_not_stand_in_the_version() -> None:
    lab = learned_lab("{approve: automatic, hours: 0, observations: 1, leave_out: [args, file]}")
    assert set(lab.baseline().elements) == {"exec", "egress", "settings", "image"}
    assert lab.take(row(opened("/etc/x")), row(ran("/usr/bin/nginx", "-x"))) == []


def test_why_a_baseline_may_be_incomplete_stands_in_it() -> None:
    lab = Lab()
    lab.take(gap("spool lost", 0, 5, principal="host:elsewhere"), row(NGINX, last=9))
    assert lab.baseline().partial == ("first met while it ran", "telemetry gap: spool lost")
    assert b"host:elsewhere" not in lab.table
    assert learned_lab().baseline().partial == ()


@pytest.mark.parametrize("by", ["policy", "sensor"])
def test_an_attack_that_is_known_while_it_is_learned_is_not_learned(by: str) -> None:
    lab = Lab(learning("{approve: automatic, hours: 1, observations: 10}"))
    attack = [denied(SH, by), denied(connected("203.0.113.9"), by)]
    lab.take(started(), row(NGINX, count=20, last=2 * HOUR), *attack)
    lab.wait(2 * HOUR_MS)
    assert lab.baseline().elements["exec"] == (("/usr/bin/nginx",),)
    assert lab.baseline().elements["egress"] == ()


# Decisions that are none

APPROVED: Elements = {"exec": (("/usr/bin/nginx",),)}


def refused(lab: Lab, decision: Decision | bytes, match: str = "", key: bytes = WEB.encode()) -> None:
    """Nothing changes but that the decision was read; also for a worker that begins anew."""
    before = lab.profile()
    with pytest.raises(Invalid, match=match):
        lab.decide(decision, key)
    for _ in range(2):
        assert replace(lab.profile(), decided=before.decided) == before
        lab.crash()
        lab.wait()


@pytest.mark.parametrize("action", ["approve", "reject", "forbid", "learn"])
def test_what_is_not_signed_by_its_author_changes_nothing(action: str) -> None:
    lab = learned_lab()
    good = lab.decision(action, APPROVED)
    refused(lab, replace(good, signature=""), "the signature is not that of ada")
    refused(lab, good.signed(BOB), "the signature is not that of ada")
    refused(lab, good.signed(MALLORY), "the signature is not that of ada")
    refused(lab, replace(good, author="bob"), "the signature is not that of bob")
    refused(lab, replace(good, reason="another"), "the signature is not that of ada")
    refused(lab, replace(good, elements={"exec": (("/bin/sh",),)}), "the signature is not that of ada")
    refused(lab, replace(good, author="mallory").signed(MALLORY), "mallory is not enrolled")
    lab.decide(good)
    assert lab.actions[-1] == action


def test_a_decision_about_another_version_changes_nothing() -> None:
    lab = learned_lab()
    refused(lab, lab.decision("learn", based_on=""), "look again")
    refused(lab, lab.decision("forbid", APPROVED, based_on="0" * 32), "look again")


def test_a_decision_under_the_key_of_another_changes_nothing() -> None:
    lab = learned_lab()
    refused(lab, lab.decision("learn"), "with another key", b"container:/shop/db/")
    refused(lab, lab.decision("learn"), "with another key", b"\xff")
    refused(lab, lab.decision("learn", principal="container:/shop/db/"), "with another key")


def test_garbage_changes_nothing() -> None:
    lab = learned_lab()
    good = lab.decision("forbid", APPROVED)
    for name in ("author", "principal", "signature", "time", "elements", "releases", "action"):
        values: list[Any] = [None, 1, [], {}, [[]], {"exec": [[1]]}]
        for value in values:
            stored = {one: getattr(good, one) for one in good.__dataclass_fields__}
            if (name, value) not in (("elements", {}), ("releases", [])):
                refused_once(lab, dumps(stored | {name: value}))
    for data in (b"", b"[]", b"{}", b"\xff"):
        refused_once(lab, data)


def refused_once(lab: Lab, data: bytes) -> None:
    before = lab.table.copy()
    with pytest.raises(Invalid):
        lab.decide(data)
    assert lab.table == before


def test_a_decision_that_was_refused_is_not_carried_out_by_a_later_worker() -> None:
    """Not when its author is enrolled afterwards, nor when the version that it was about comes into force again."""
    lab = learned_lab()
    early = replace(lab.decision("learn"), author="mallory").signed(MALLORY)
    refused(lab, early, "not enrolled")
    lab.policies = policy_set(
        PEOPLE.replace("people:\n", f"people:\n  - {{name: mallory, key: {public_key_of(MALLORY)}}}\n")
    )
    lab.crash()
    assert lab.wait() == []
    stale = lab.decision("approve", {"exec": ()}, based_on="")
    refused(lab, stale, "look again")
    lab.adopt(learning("{approve: review, hours: 1000, release: learn}"))
    lab.take(row(NGINX, release=NEW))
    assert lab.profile().baseline is None
    lab.crash()
    lab.wait()
    assert lab.profile().baseline is None


def test_a_decision_that_was_refused_before_anybody_was_met_is_not_carried_out_either() -> None:
    lab = Lab(learning(REVIEW))
    with pytest.raises(Invalid, match="not enrolled"):
        lab.decide(replace(lab.decision("approve", APPROVED), author="mallory").signed(MALLORY))
    lab.take(row(NGINX))
    lab.policies = policy_set(
        PEOPLE.replace("name: ada", "name: mallory").replace(public_key_of(ADA), public_key_of(MALLORY))
    )
    lab.crash()
    assert lab.wait() == []
    assert lab.profile().baseline is None


# Decisions that are


def test_a_decision_is_carried_out_once_however_often_it_is_read() -> None:
    lab = learned_lab()
    forbidding = lab.decision("forbid", {"exec": (("/usr/bin/nginx",),)})
    assert len(lab.decide(forbidding)) == 1
    version, steps = lab.baseline().version, lab.actions
    for _ in range(3):
        assert lab.shard.take_decision(WEB.encode(), forbidding.encode(), 0, lab.now_ms) == []
        assert lab.decide(forbidding) == []
        lab.crash()
        assert lab.wait() == []
    assert (lab.baseline().version, lab.actions) == (version, steps)


def test_a_copy_of_an_old_approval_does_not_put_it_in_force_again() -> None:
    lab = Lab(learning(REVIEW))
    lab.take(started(), row(NGINX))
    approval = lab.decision("approve", {"exec": (("/usr/bin/nginx",), ("/bin/sh",))})
    lab.decide(approval)
    lab.decide(lab.decision("learn"))
    assert lab.decide(approval) == []
    assert lab.profile().baseline is None


def test_who_was_never_met_can_be_decided_about() -> None:
    for action, state in (("forbid", "learning"), ("approve", "active"), ("learn", "learning"), ("reject", "learning")):
        lab = Lab(learning("{hours: 1}"))
        (profile,) = lab.decide(lab.decision(action, APPROVED))
        assert (profile.state, profile.since) == (state, timestamp(START_MS * 1_000_000))
        lab.crash()
        assert lab.wait() == []
        lab.take(started(), row(NGINX))
        assert lab.profile().state == state


@pytest.mark.parametrize("never", [("/bin/sh",), ("/bin/*",)])
def test_what_a_person_forbade_is_never_learned_again(never: tuple[str, ...]) -> None:
    lab = Lab()
    lab.take(started(), row(NGINX), row(SH))
    lab.decide(lab.decision("forbid", {"exec": (never,)}))
    assert lab.baseline().elements["exec"] == (("/usr/bin/nginx",),)
    assert lab.take(row(SH, count=5)) == []
    lab.decide(lab.decision("learn"), wait_ms=10)
    lab.take(row(NGINX, count=9, first=9e9), row(SH, count=9, first=9e9))
    assert lab.baseline().version == 3
    assert lab.baseline().elements["exec"] == (("/usr/bin/nginx",),)
    assert lab.profile().difference == {}


def test_to_learn_anew_is_to_learn_what_is_done_from_then_on() -> None:
    lab = Lab()
    lab.take(started(), row(NGINX), row(CURL))
    lab.decide(lab.decision("learn"), wait_ms=10)
    assert lab.profile().state == "learning"
    since = (lab.now_ms - START_MS) / 1000 + 1
    lab.take(row(NGINX, count=2, last=since))
    assert lab.baseline().elements["exec"] == (("/usr/bin/nginx",),)
    assert lab.profile().difference == {}
    assert lab.baseline().partial == ("first met while it ran",)


# Releases


def test_a_rollout_inherits_and_the_whole_difference_of_a_release_is_told_once() -> None:
    lab = learned_lab()
    assert lab.take(row(NGINX, release=NEW)) == []
    assert lab.take(row(CURL, release=NEW), wait_ms=100) == []
    assert lab.take(row(connected("203.0.113.9"), release=NEW), wait_ms=100) == []
    (profile,) = lab.wait(300)
    assert (profile.state, profile.changes[-1].author) == ("changed", f"release:{NEW}")
    assert profile.reason == f"3 new in release {NEW}"
    assert profile.difference == {
        NEW: {"exec": (("/usr/bin/curl",),), "args": (("/usr/bin/curl",),), "egress": (("203.0.113.9", "443", "tcp"),)}
    }
    (later,) = lab.take(row(opened("/etc/x"), release=NEW))
    assert later.changes == profile.changes
    assert later.difference[NEW]["file"] == (("/etc/x", "read"),)
    assert lab.baseline().version == 1


@pytest.mark.parametrize("accepted", [True, False])
def test_a_release_is_accepted_or_refused_at_one_stroke(*, accepted: bool) -> None:
    lab = learned_lab()
    lab.take(row(CURL, release=NEW), row(connected("203.0.113.9"), release=NEW))
    difference = lab.profile().difference[NEW]
    if accepted:
        known = lab.baseline().elements
        grown = {name: tuple(sorted({*found, *difference.get(name, ())})) for name, found in known.items()}
        lab.decide(lab.decision("approve", grown, releases=(NEW, OLD)))
    else:
        lab.decide(lab.decision("reject", difference))
    profile = lab.profile()
    assert (profile.state, profile.difference, lab.baseline().version) == ("active", {}, 2)
    assert lab.baseline().never == ({} if accepted else difference)
    assert lab.take(row(CURL, release=NEW, count=50, last=50)) == []
    lab.take(row(SH, release=NEW))
    assert lab.profile().changes[-1].reason == f"2 new in release {NEW}"


def test_what_a_policy_or_a_sensor_comes_to_forbid_is_no_difference_any_more() -> None:
    lab = learned_lab()
    lab.take(row(CURL, release=NEW))
    assert lab.profile().state == "changed"
    (profile,) = lab.take(denied(CURL, release=NEW, count=2))
    assert (profile.state, profile.difference) == ("active", {})
    assert [change.state for change in profile.changes] == ["active", "changed", "active"]


RELEARN = "{approve: automatic, hours: 0, observations: 1, release: learn}"


def test_a_release_that_learns_anew_learns_nothing_that_was_refused_before() -> None:
    """An attack under the old release was unauthorized; the rollout must not make it known."""
    lab = learned_lab(RELEARN)
    lab.take(row(SH, first=100))
    assert lab.profile().state == "changed"
    lab.take(started(release=NEW, first=200), row(NGINX, release=NEW, first=201), row(CURL, release=NEW, first=202))
    assert lab.actions == ["approve", "difference", "learn", "approve"]
    assert lab.baseline().elements["exec"] == (("/usr/bin/curl",), ("/usr/bin/nginx",))
    assert lab.baseline().releases == (NEW,)
    assert (lab.profile().state, lab.baseline().version) == ("active", 2)
    lab.crash()
    assert lab.wait() == []
    assert lab.take(row(CURL, release=NEW, count=7, first=202, last=300)) == []


def test_a_release_that_does_the_same_learns_anew_too() -> None:
    lab = learned_lab(RELEARN)
    lab.take(row(NGINX, release=NEW, first=200))
    assert lab.actions == ["approve", "learn", "approve"]


# Expiry

EXPIRE = "{approve: automatic, hours: 0, observations: 1, expire_days: 10}"
DAY = 24 * HOUR


def test_what_was_not_seen_for_long_is_taken_out_and_that_is_no_difference() -> None:
    lab = Lab(learning(EXPIRE))
    lab.take(started(), row(NGINX), row(CURL))
    lab.wait(int(11 * DAY * 1000))
    assert lab.actions == ["approve"]
    lab.take(row(NGINX, count=2, last=11 * DAY), wait_ms=HOUR_MS)
    assert lab.actions == ["approve", "expire"]
    assert lab.baseline().elements["exec"] == (("/usr/bin/nginx",),)
    assert (lab.profile().state, lab.profile().difference) == ("active", {})
    lab.crash()
    assert lab.wait() == []
    lab.take(row(CURL, count=2, last=11 * DAY))
    assert lab.profile().difference == {OLD: {"exec": (("/usr/bin/curl",),), "args": (("/usr/bin/curl",),)}}


def test_a_clock_that_runs_ahead_takes_nothing_out() -> None:
    lab = Lab(learning(EXPIRE))
    lab.take(started(), row(NGINX), row(CURL))
    lab.take(row(NGINX, count=2, last=1000 * DAY), wait_ms=HOUR_MS)
    lab.wait(int(9 * DAY * 1000))
    assert lab.actions == ["approve"]


def test_where_elements_expire_what_is_new_is_told_as_soon() -> None:
    lab = learned_lab(EXPIRE)
    lab.take(row(CURL))
    assert lab.profile().state == "changed"


# What is no row, and what goes


@pytest.mark.parametrize(
    "value", [b"", b"[]", b"{}", row(NGINX)[1].replace(b"2025-", b"2025-99"), b'{"event.action":"telemetry-gap"}']
)
def test_what_is_no_row_changes_nothing(value: bytes) -> None:
    lab = Lab()
    for key in (row(NGINX)[0], b"\xff|c|d|0"):
        with pytest.raises(Invalid):
            lab.shard.take_row(key, value, lab.now_ms)
    assert lab.wait() == []


def test_a_principal_that_was_erased_is_met_again() -> None:
    lab = learned_lab()
    lab.shard.take_profile(WEB.encode(), None)
    assert lab.wait() == []
    (profile,) = lab.take(row(NGINX, count=11), wait_ms=0)
    assert profile.changes[-1].number == 1
    lab.adopt(learning())
    assert lab.baseline().version == 1


def test_a_row_that_was_moved_away_is_no_difference_any_more() -> None:
    lab = learned_lab()
    key, value = row(CURL)
    lab.take((key, value))
    assert lab.profile().state == "changed"
    lab.shard.take_row(key, None, lab.now_ms)
    lab.wait()
    assert lab.profile().state == "active"


def test_many_rows_in_any_order_write_the_same_bytes() -> None:
    rows = [started(), *(row(opened(f"/srv/{number}", "create"), count=number + 1) for number in range(120))]
    tables = []
    for seed in range(5):
        lab = Lab()
        lab.take(*Random(seed).sample(rows, len(rows)), *rows[:10])
        tables.append(lab.table)
    assert all(table == tables[0] for table in tables)
    assert Learned(WEB).rows == {}
