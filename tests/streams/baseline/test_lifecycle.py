from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.baseline import Baseline, Elements, Profile
from schemas.decision import Decision
from schemas.errors import Invalid
from schemas.policy import Learn
from streams.baseline.compiled import CompiledBaseline
from streams.baseline.learned import Candidate, Extent
from streams.baseline.lifecycle import approved, decided, differs, expired, in_review, lacking, relearns
from tests.schemas.baselines import DECISIONS, ELEMENTS, PROFILES
from tests.streams.judge.lab import at

WEB = "container:/shop/web/"
NGINX, SH, NC = ("/usr/bin/nginx",), ("/bin/sh",), ("/bin/nc",)
EXTENT = Extent(5000, 3, at(0), at(90_000))
CANDIDATE = Candidate({"exec": (NGINX,), "args": ((*NGINX, "**"),)}, ("sha256:1",), (), EXTENT)
LEARNING = Profile(WEB, reason="first met", since=at(0))
NOW, LATER = at(100_000), at(200_000)


def decision(action: Any, profile: Profile = LEARNING, **values: Any) -> Decision:
    based_on = profile.baseline.hash if profile.baseline else ""
    return Decision(
        **{"principal": WEB, "action": action, "author": "ada", "time": NOW, "reason": "so", "based_on": based_on}
        | values
    )


def active(elements: Elements, **values: Any) -> Profile:
    approval = decision("approve", elements=elements, releases=("sha256:1",))
    return replace(decided(LEARNING, approval, 0, NOW), **values)


def found(profile: Profile) -> Baseline:
    assert profile.baseline is not None
    return profile.baseline


def last(profile: Profile) -> tuple[str, str, str, int, int, int]:
    """Return what is told of the last step: action, author, state, version, added, removed."""
    change = profile.changes[-1]
    assert change.state == profile.state
    assert change.reason == profile.reason
    assert change.hash == (profile.baseline.hash if profile.baseline else "")
    return change.action, change.author, change.state, change.version, change.added, change.removed


# Enough


@pytest.mark.parametrize(
    ("extent", "waited", "expected"),
    [
        ((100, 2, 86_400.0), 24.0, []),
        ((99, 2, 86_400.0), 24.0, ["99 of 100 observations"]),
        ((100, 1, 86_400.0), 24.0, ["1 of 2 replicas"]),
        ((100, 2, 86_399.0), 99.0, ["24.0 of 24 hours"]),
        ((100, 2, 8_640_000.0), 23.9, ["23.9 of 24 hours"]),
        ((0, 0, 0.0), 0.0, ["0.0 of 24 hours", "0 of 2 replicas", "0 of 100 observations"]),
    ],
)
def test_little_data_few_replicas_and_little_time_are_not_enough(
    extent: tuple[int, int, float], waited: float, expected: list[str]
) -> None:
    observations, replicas, seconds = extent
    learn = Learn(hours=24, replicas=2, observations=100)
    assert lacking(Extent(observations, replicas, at(0), at(seconds)), learn, waited) == expected


@given(st.integers(0, 10**9), st.floats(0, 10**6))
def test_neither_clock_alone_hurries(seconds: int, waited: float) -> None:
    extent = Extent(10**6, 10**6, at(0), at(seconds))
    assert (not lacking(extent, Learn(hours=24), waited)) == (seconds >= 86_400 and waited >= 24)


# Approval


def test_a_review_says_how_the_candidate_is_founded() -> None:
    reviewed = in_review(LEARNING, "web", replace(CANDIDATE, partial=("first met while it ran",)), NOW)
    assert last(reviewed) == ("review", "policy:web", "review", 0, 0, 0)
    assert reviewed.reason == "5000 observations of 3 replicas in 25.0 hours; partial: first met while it ran"
    assert reviewed.baseline is None


def test_a_policy_approves_exactly_the_candidate_without_what_it_leaves_out() -> None:
    candidate = replace(CANDIDATE, partial=("why",))
    profile = approved(replace(LEARNING, never={"exec": (SH,)}), "web", Learn(leave_out=("args",)), candidate, NOW)
    assert last(profile) == ("approve", "policy:web", "active", 1, 1, 0)
    assert found(profile) == Baseline(
        WEB, 1, {"exec": (NGINX,)}, {"exec": (SH,)}, ("sha256:1",), ("why",), "policy:web", NOW, profile.reason
    )
    everything = approved(LEARNING, "web", Learn(), CANDIDATE, NOW)
    assert found(everything).elements == CANDIDATE.elements


def test_a_person_approves_exactly_what_the_decision_holds() -> None:
    elements: Elements = {"exec": (NGINX, SH), "file": ()}
    approval = decision("approve", elements=elements, releases=("sha256:9",), partial=("why",))
    profile = decided(in_review(LEARNING, "web", CANDIDATE, at(1)), approval, 4, NOW)
    assert last(profile) == ("approve", "ada", "active", 1, 2, 0)
    assert found(profile) == Baseline(WEB, 1, elements, {}, ("sha256:9",), ("why",), "ada", NOW, "so")
    assert profile.decided == 4


def test_the_same_approval_gives_the_same_version_whoever_carries_it_out_and_when() -> None:
    approval = decision("approve", elements={"exec": (NGINX,)})
    hashes = {found(decided(LEARNING, approval, offset, time)).hash for offset, time in ((1, NOW), (9, LATER))}
    assert len(hashes) == 1


# Decisions are carried out once, and as they were meant


@given(PROFILES, DECISIONS, st.integers(0, 9))
def test_a_decision_is_carried_out_once_however_often_it_is_read_or_copied(
    profile: Profile, one: Decision, later: int
) -> None:
    one = replace(one, principal=profile.principal, based_on=profile.baseline.hash if profile.baseline else "")
    offset = profile.decided + 1
    try:
        behind = decided(profile, one, offset, NOW)
    except Invalid:
        return
    assert len(behind.changes) == len(profile.changes) + 1
    assert decided(behind, one, offset, LATER) is behind
    assert decided(behind, one, offset + later, LATER) is behind


def test_what_was_read_and_refused_before_is_passed_over() -> None:
    profile = replace(LEARNING, decided=4)
    assert decided(profile, decision("learn"), 4, NOW) is profile
    assert decided(profile, decision("learn"), 5, NOW).decided == 5


@pytest.mark.parametrize("action", ["approve", "reject", "forbid", "learn"])
def test_a_decision_about_another_version_than_is_in_force_is_not_carried_out(action: str) -> None:
    profile = active({"exec": (NGINX,)})
    for based_on in ("", "0" * 32):
        with pytest.raises(Invalid, match="look again and decide again"):
            decided(profile, decision(action, based_on=based_on, elements={"exec": (NGINX,)}), 1, LATER)
    with pytest.raises(Invalid, match="look again and decide again"):
        decided(LEARNING, decision(action, profile, elements={"exec": (NGINX,)}), 1, LATER)


def test_what_was_decided_first_counts_where_two_decide_about_one_version() -> None:
    profile = active({"exec": (NGINX, SH)})
    one, other = decision("forbid", profile, elements={"exec": (SH,)}), decision("learn", profile)
    with pytest.raises(Invalid):
        decided(decided(profile, one, 1, LATER), other, 2, LATER)


# Taking out


@pytest.mark.parametrize("action", ["forbid", "reject"])
def test_what_is_taken_out_goes_and_is_remembered_for_ever(action: str) -> None:
    profile = active({"exec": (NGINX, SH), "args": ()}, never={"exec": (NC,)})
    behind = decided(profile, decision(action, profile, elements={"exec": (SH,), "file": (("/x", "read"),)}), 1, LATER)
    assert last(behind) == (action, "ada", "active", 2, 0, 1)
    assert found(behind).elements == {"exec": (NGINX,), "args": ()}
    assert found(behind).never == behind.never == {"exec": (NC, SH), "file": (("/x", "read"),)}
    anew = decided(behind, decision("learn", behind), 2, LATER)
    again = approved(anew, "web", Learn(), CANDIDATE, LATER)
    assert found(again).never == behind.never


def test_a_pattern_that_is_taken_out_takes_with_it_what_it_covers() -> None:
    profile = active({"exec": (NGINX, SH, NC)})
    behind = decided(profile, decision("forbid", profile, elements={"exec": (("/bin/*",),)}), 1, LATER)
    assert found(behind).elements == {"exec": (NGINX,)}


@pytest.mark.parametrize("state", ["learning", "review"])
def test_what_is_taken_out_while_it_learns_changes_nothing_else(state: Any) -> None:
    behind = decided(replace(LEARNING, state=state), decision("forbid", elements={"exec": (SH,)}), 1, NOW)
    assert last(behind) == ("forbid", "ada", state, 0, 0, 0)
    assert (behind.never, behind.since, behind.begun) == ({"exec": (SH,)}, at(0), "")


@pytest.mark.parametrize("elements", [{}, {"exec": ()}])
def test_to_take_nothing_out_is_no_decision(elements: Elements) -> None:
    profile = active({"exec": (NGINX,)})
    for one in (LEARNING, profile):
        with pytest.raises(Invalid, match="names nothing"):
            decided(one, decision("forbid", one, elements=elements), 1, NOW)
    with pytest.raises(Invalid, match="names nothing"):
        decided(profile, decision("reject", profile, elements=elements), 1, NOW)


def test_to_reject_what_is_in_review_is_to_wait_as_long_again() -> None:
    reviewed = in_review(LEARNING, "web", CANDIDATE, at(1))
    behind = decided(reviewed, decision("reject", elements={"exec": (SH,)}), 1, NOW)
    assert last(behind) == ("reject", "ada", "learning", 0, 0, 0)
    assert (behind.since, behind.begun, behind.never) == (NOW, "", {"exec": (SH,)})


# Learning anew


def test_to_learn_anew_begins_with_nothing_but_what_must_never_be() -> None:
    profile = active({"exec": (NGINX,)}, never={"exec": (SH,)}, difference={"sha256:2": {"exec": (NC,)}})
    behind = decided(profile, decision("learn", profile), 1, LATER)
    assert last(behind) == ("learn", "ada", "learning", 0, 0, 0)
    assert (behind.baseline, behind.difference, behind.never) == (None, {}, {"exec": (SH,)})
    assert (behind.since, behind.begun) == (LATER, LATER)
    assert found(approved(behind, "web", Learn(), CANDIDATE, LATER)).version == 2


def test_a_new_release_may_begin_anew() -> None:
    behind = relearns(active({"exec": (NGINX,)}), "web", ["sha256:2", "sha256:3"], at(150_000), LATER)
    assert last(behind) == ("learn", "policy:web", "learning", 0, 0, 0)
    assert behind.reason == "new release sha256:2, sha256:3"
    assert (behind.baseline, behind.since, behind.begun) == (None, LATER, at(150_000))
    assert relearns(behind, "web", ["x"], at(10), LATER).begun == at(150_000)


# What is beyond

DIFFERENCE: dict[str, Elements] = {"sha256:2": {"exec": (NC, SH), "args": ((*SH, "-c"),)}}


def test_the_difference_of_a_release_is_told_once_and_whole() -> None:
    profile = differs(active({"exec": (NGINX,), "args": ()}), DIFFERENCE, LATER)
    assert last(profile) == ("difference", "release:sha256:2", "changed", 1, 0, 0)
    assert profile.reason == "3 new in release sha256:2"
    assert differs(profile, DIFFERENCE, LATER) == profile
    more: dict[str, Elements] = {"sha256:2": {"exec": (("/bin/ash",), NC, SH)}}
    assert differs(profile, more, LATER).changes == profile.changes
    assert differs(profile, more, LATER).difference == more


def test_every_release_is_told_by_itself() -> None:
    profile = differs(active({"exec": ()}), {"": {"exec": (NC,)}, "sha256:3": {"exec": (SH,)}}, LATER)
    assert [(one.author, one.reason) for one in profile.changes[1:]] == [
        ("release:", "1 new"),
        ("release:sha256:3", "1 new in release sha256:3"),
    ]


def test_where_nothing_is_beyond_any_more_it_is_active_again_and_that_is_told() -> None:
    profile = differs(active({"exec": ()}), DIFFERENCE | {"sha256:3": {"exec": (SH,)}}, LATER)
    fewer = differs(profile, DIFFERENCE, LATER)
    assert last(fewer) == ("difference", "release:sha256:3", "changed", 1, 0, 0)
    assert fewer.reason == "nothing new in release sha256:3"
    assert last(differs(fewer, {}, LATER)) == ("difference", "release:sha256:2", "active", 1, 0, 0)


def test_a_difference_is_accepted_at_one_stroke() -> None:
    profile = differs(active({"exec": (NGINX,), "args": ()}), DIFFERENCE, LATER)
    grown: Elements = {"exec": (NC, SH, NGINX), "args": ((*SH, "-c"),)}
    behind = decided(profile, decision("approve", profile, elements=grown, releases=("sha256:1", "sha256:2")), 1, LATER)
    assert last(behind) == ("approve", "ada", "active", 2, 3, 0)
    assert behind.difference == {}
    assert differs(behind, {}, LATER) == behind


def test_a_difference_is_refused_at_one_stroke() -> None:
    profile = differs(active({"exec": (NGINX,), "args": ()}), DIFFERENCE, LATER)
    behind = decided(profile, decision("reject", profile, elements=DIFFERENCE["sha256:2"]), 1, LATER)
    assert last(behind) == ("reject", "ada", "active", 2, 0, 0)
    assert (behind.difference, found(behind).elements) == ({}, {"exec": (NGINX,), "args": ()})
    assert found(behind).never == DIFFERENCE["sha256:2"]


def test_what_is_left_of_a_difference_is_not_told_again() -> None:
    profile = differs(active({"exec": (NGINX,), "args": ()}), DIFFERENCE, LATER)
    behind = decided(profile, decision("forbid", profile, elements={"exec": (SH,)}), 1, LATER)
    assert last(behind) == ("forbid", "ada", "changed", 2, 0, 0)
    assert behind.difference == {"sha256:2": {"exec": (NC,), "args": ((*SH, "-c"),)}}
    assert differs(behind, behind.difference, LATER) == behind


@settings(max_examples=200)
@given(ELEMENTS, ELEMENTS, st.dictionaries(st.text(max_size=3), ELEMENTS, max_size=2))
def test_what_is_left_is_exactly_what_the_version_in_force_says_nothing_of(
    before: Elements, after: Elements, difference: dict[str, Elements]
) -> None:
    profile = active(before, difference=difference)
    behind = decided(profile, decision("approve", profile, elements=after), 1, LATER)
    compiled = CompiledBaseline.of(found(behind))
    left = {
        (release, name, one) for release, found in behind.difference.items() for name in found for one in found[name]
    }
    assert left == {
        (release, name, one)
        for release, found in difference.items()
        for name, listed in found.items()
        for one in listed
        if compiled.is_beyond(name, one)
    }
    assert behind.state == ("changed" if left else "active")


# Expiry


def test_what_was_not_seen_for_long_is_taken_out_but_may_come_again() -> None:
    profile = expired(active({"exec": (NGINX, SH)}), "web", {"exec": [SH]}, 90, at(50_000), LATER)
    assert last(profile) == ("expire", "policy:web", "active", 2, 0, 1)
    assert (profile.reason, profile.begun) == ("not seen for 90 days", at(50_000))
    assert (found(profile).elements, profile.never) == ({"exec": (NGINX,)}, {})


def test_without_anything_old_or_without_a_version_nothing_expires() -> None:
    profile = active({"exec": (NGINX,)})
    assert expired(profile, "web", {"exec": []}, 90, at(0), LATER) is profile
    assert expired(LEARNING, "web", {"exec": [SH]}, 90, at(0), LATER) is LEARNING


# Versions and steps


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["approve", "forbid", "reject", "learn", "expire"]), max_size=30))
def test_no_version_has_a_number_that_another_had_and_every_step_is_told(actions: list[str]) -> None:
    profile, versions = LEARNING, list[int]()
    for number, action in enumerate(actions):
        elements: Elements = {"exec": ((f"/bin/{number}",),)}
        if action == "expire":
            behind = expired(profile, "web", profile.baseline.elements if profile.baseline else {}, 1, "", NOW)
        else:
            behind = decided(profile, decision(action, profile, elements=elements, time=at(number)), number, NOW)
        if behind != profile:
            assert len(behind.changes) == len(profile.changes) + 1
            assert last(behind)[0] == action
        if behind.baseline and behind.baseline != profile.baseline:
            versions.append(behind.baseline.version)
        profile = behind
    assert versions == list(range(1, len(versions) + 1))


def test_a_version_that_came_without_its_history_is_followed_by_the_next_number() -> None:
    profile = Profile(WEB, "active", baseline=Baseline(WEB, 7, {"exec": (SH,)}))
    assert found(decided(profile, decision("forbid", profile, elements={"exec": (SH,)}), 1, NOW)).version == 8


# Floods


def test_of_a_flood_a_profile_holds_the_first_elements_and_its_step_the_number() -> None:
    flood: dict[str, Elements] = {
        "sha256:1": {"file": tuple(sorted((f"/srv/{number:06d}", "read") for number in range(5_000)))}
    }
    changed = differs(active({"exec": (NGINX,)}), flood, LATER)
    assert len(changed.difference["sha256:1"]["file"]) == 100
    assert changed.reason == "5000 new in release sha256:1"
    assert len(changed.encode()) < 100_000


def test_a_flood_of_long_command_lines_is_a_record_that_kafka_takes_and_no_release_is_told_twice() -> None:
    """Whoever runs them would otherwise stop the worker that learns."""
    lines = tuple(sorted((f"/bin/{number}", *["x" * 200] * 60) for number in range(200)))
    flood: dict[str, Elements] = {f"sha256:{number}": {"args": lines} for number in range(3)}
    changed = differs(active({"args": ()}), flood, LATER)
    assert len(changed.encode()) < 150_000
    assert [one.reason for one in changed.changes[1:]] == [f"200 new in release sha256:{number}" for number in range(3)]
    assert differs(changed, flood, LATER) == changed


def test_what_no_record_could_hold_is_put_in_review_once() -> None:
    huge: Elements = {"file": tuple((f"/srv/{number:06d}/{'x' * 100}", "read") for number in range(7_000))}
    reviewed = approved(LEARNING, "p", Learn(), replace(CANDIDATE, elements=huge), NOW)
    assert approved(reviewed, "p", Learn(), replace(CANDIDATE, elements=huge), LATER) is reviewed


def test_a_version_that_no_record_could_hold_is_refused_or_left_to_a_person() -> None:
    huge: Elements = {"file": tuple((f"/srv/{number:06d}/{'x' * 100}", "read") for number in range(7_000))}
    with pytest.raises(Invalid, match="700000 is the most"):
        decided(LEARNING, decision("approve", elements=huge), 0, NOW)
    assert approved(LEARNING, "p", Learn(), replace(CANDIDATE, elements=huge), NOW).state == "review"
