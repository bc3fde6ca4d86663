from __future__ import annotations

from dataclasses import asdict, fields, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.baseline import (
    DIMENSIONS,
    Baseline,
    Change,
    Element,
    Elements,
    Profile,
    elements_in,
    literal,
    ordered,
    without,
)
from schemas.codec import dumps
from schemas.errors import Invalid
from streams.baseline.known import Known
from tests.schemas.baselines import BASELINES, ELEMENTS, PROFILES, WORDS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
HASH = "ef3b2fb5a21a44b415c8d4dbbd6efda3"
DECIDING = ["principal", "elements", "never", "releases"]


def change(**values: Any) -> Change:
    return Change(**{"time": "t", "author": "ada", "action": "forbid", "reason": "", "state": "learning"} | values)


# Elements


@given(ELEMENTS, st.randoms(use_true_random=False))
def test_equal_sets_of_elements_have_one_order(elements: Elements, random: Random) -> None:
    shuffled = {name: random.sample([*found, *found], 2 * len(found)) for name, found in reversed(elements.items())}
    assert list(ordered(shuffled).items()) == list(elements.items())
    assert dumps(ordered(shuffled)) == dumps(elements)


def test_what_is_no_dimension_is_named_with_those_there_are() -> None:
    with pytest.raises(Invalid, match=r"'execs' is no dimension; there are exec, args, .*, secret"):
        ordered({"execs": []})


@given(ELEMENTS, ELEMENTS)
def test_without_some_the_others_stay_and_so_do_all_dimensions(elements: Elements, removed: Elements) -> None:
    left = without(elements, removed)
    assert list(left) == list(elements)
    for name, found in elements.items():
        assert left[name] == tuple(one for one in found if one not in removed.get(name, ()))


@given(st.text("ab*\\", max_size=6), st.text("ab*\\", max_size=6))
def test_a_literal_word_stands_for_itself_alone(word: str, other: str) -> None:
    assert (literal(word) == literal(other)) == (word == other)
    pattern = Known.of("settings", [("user", literal(word))])
    assert (pattern.find(("user", literal(other))) is not None) == (word == other)


@given(ELEMENTS)
def test_elements_of_a_record_are_those_that_were_written(elements: Elements) -> None:
    assert elements_in({name: [list(one) for one in found] for name, found in elements.items()}) == elements


def test_every_dimension_says_how_many_words_its_elements_have() -> None:
    for name in DIMENSIONS:
        least, most = WORDS[name]
        assert elements_in({name: [["x"] * least]})
        for count in {0, least - 1} | ({most + 1} if name != "args" else set()):
            with pytest.raises(Invalid):
                elements_in({name: [["x"] * count]})
        assert elements_in({name: [["x"] * (least - 1) + ["**"], ["**"], ["x"] * most + ["**"]]})
        with pytest.raises(Invalid):
            elements_in({name: [["x"] * 2**17]})


# Baselines


@given(BASELINES, BASELINES)
def test_a_version_is_named_by_the_hash_of_what_decides_and_of_nothing_else(one: Baseline, other: Baseline) -> None:
    for name in (field.name for field in fields(Baseline)):
        changed = replace(one, **{name: getattr(other, name)})
        assert (changed.hash == one.hash) == (name not in DECIDING or _plain(changed, name) == _plain(one, name))


def _plain(baseline: Baseline, name: str) -> Any:
    value = getattr(baseline, name)
    return sorted(value) if name == "releases" else value


def test_the_hash_of_a_version_is_the_same_in_every_release_of_this_product() -> None:
    baseline = Baseline(
        "container:/shop/web/", 3, {"exec": (("/bin/a",),), "file": ()}, {"exec": (("/bin/b", "x"),)}, ("2", "1")
    )
    assert baseline.hash == HASH
    assert replace(baseline, version=4, author="ada", approved="now", reason="r", partial=("p",)).hash == HASH


@given(BASELINES)
def test_the_size_of_a_version_is_that_of_its_dimensions(baseline: Baseline) -> None:
    assert baseline.size == sum(len(found) for found in baseline.elements.values())


def test_a_dimension_that_knows_nothing_is_not_one_that_is_not_decided_on() -> None:
    assert Baseline("p", 1, {}).hash != Baseline("p", 1, {"exec": ()}).hash


# Profiles


@given(PROFILES)
def test_a_profile_is_read_back_as_it_was_written_and_has_one_record(profile: Profile) -> None:
    read = Profile.decode(profile.encode())
    assert read == profile
    assert read.encode() == profile.encode()


@given(PROFILES)
def test_the_record_of_a_profile_begins_with_its_baseline(profile: Profile) -> None:
    assert profile.encode().startswith(b'{"baseline":null,') == (profile.baseline is None)


GOOD = asdict(
    Profile(
        "container:/shop/web/",
        "changed",
        "why",
        "2026-01-01T00:00:00.000000000Z",
        Baseline("container:/shop/web/", 1, {"exec": (("/bin/sh",),)}),
        {"exec": (("/bin/nc",),)},
        {"sha256:1": {"dns": (("a.example",),)}},
        (change(),),
    )
)


@given(st.sampled_from([one.name for one in fields(Profile)]), JSON)
def test_anything_in_a_profile_is_a_profile_or_invalid(name: str, value: Any) -> None:
    try:
        read = Profile.decode(dumps(GOOD | {name: value}))
    except Invalid:
        return
    assert Profile.decode(read.encode()) == read


@given(st.sampled_from([one.name for one in fields(Baseline)]), JSON)
def test_anything_in_a_baseline_is_a_baseline_or_invalid(name: str, value: Any) -> None:
    try:
        read = Profile.decode(dumps(GOOD | {"baseline": GOOD["baseline"] | {name: value}}))
    except Invalid:
        return
    assert read.baseline is not None
    assert Profile.decode(read.encode()) == read


@given(JSON.map(dumps) | st.binary(max_size=20))
def test_anything_else_is_no_profile(data: bytes) -> None:
    with pytest.raises(Invalid):
        Profile.decode(data)


@pytest.mark.parametrize("missing", [one.name for one in fields(Profile)])
def test_a_profile_of_another_version_is_invalid(missing: str) -> None:
    with pytest.raises(Invalid, match="as this version writes it"):
        Profile.decode(dumps({name: value for name, value in GOOD.items() if name != missing}))


@pytest.mark.parametrize(("where", "found"), [("never", [["/bin/sh", "x", "y"]]), ("never", ["/bin/sh"])])
def test_a_profile_holds_elements_that_can_be_matched(where: str, found: Any) -> None:
    with pytest.raises(Invalid):
        Profile.decode(dumps(GOOD | {where: {"exec": found}}))
    with pytest.raises(Invalid):
        Profile.decode(dumps(GOOD | {"baseline": GOOD["baseline"] | {where: {"exec": found}}}))


def test_changes_are_numbered_for_ever_though_the_oldest_beyond_a_hundred_go() -> None:
    profile = Profile("p")
    for count in range(1, 251):
        profile = replace(profile, changes=profile.changed(change(reason=str(count))))
        assert [int(one.reason) for one in profile.changes] == [one.number for one in profile.changes]
        assert profile.changes[-1].number == count
        assert len(profile.changes) == min(count, 100)


def test_words_are_compared_as_they_are() -> None:
    upper: Element = ("/bin/LS",)
    assert without({"exec": (upper,)}, {"exec": [("/bin/ls",)]}) == {"exec": (upper,)}
