from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from streams.baseline.steps import Steps
from streams.baseline.trie import Limits, Rules, grown, sequences, settle

LOOSE = Rules(lambda _: Limits(names=2, lengths=1), least=2, deep_folders=True)
SHALLOW = Rules(lambda trail: Limits(names=2 if trail else None), least=2)
FLAGS = Rules(lambda _: Limits(names=2, flags=3, lengths=2), least=2, folders=False, flags=True)
RULES = (LOOSE, SHALLOW, FLAGS)

STEPS = st.lists(st.sampled_from(["a/", "b/", "c/", "d/", "*/"]), max_size=3).flatmap(
    lambda folders: st.lists(st.sampled_from(["a", "b", "c", "-d", "-e", "*", "**"]), min_size=1, max_size=3).map(
        lambda words: (*folders, *words)
    )
)
FOUND = st.lists(STEPS, max_size=16)


def settled(found: list[Steps], rules: Rules) -> list[Steps]:
    root = grown(found)
    settle(root, rules)
    return sorted(sequences(root))


@given(FOUND)
def test_a_trie_that_has_not_settled_holds_what_it_was_given(found: list[Steps]) -> None:
    assert sorted(sequences(grown(found))) == sorted(set(found))


@given(st.sampled_from(RULES), FOUND)
def test_a_settled_trie_stays_as_it_is(rules: Rules, found: list[Steps]) -> None:
    once = settled(found, rules)
    assert settled(once, rules) == once


@given(st.sampled_from(RULES), FOUND, st.randoms(use_true_random=False))
def test_the_order_of_sequences_does_not_matter(rules: Rules, found: list[Steps], random: Random) -> None:
    shuffled = [*found, *found]
    random.shuffle(shuffled)
    assert settled(shuffled, rules) == settled(found, rules)


@given(st.sampled_from(RULES), FOUND, FOUND)
def test_a_settled_trie_that_grows_is_the_one_that_had_all_from_the_start(
    rules: Rules, first: list[Steps], then: list[Steps]
) -> None:
    assert settled([*settled(first, rules), *then], rules) == settled([*first, *then], rules)


def test_names_up_to_the_limit_stay() -> None:
    assert settled([("a/", "b"), ("a/", "c")], LOOSE) == [("a/", "b"), ("a/", "c")]


def test_more_names_become_one_and_what_follows_them_is_merged() -> None:
    found: list[Steps] = [("a/", "x"), ("b/", "x"), ("c/", "y")]
    assert settled(found, LOOSE) == [("*/", "x"), ("*/", "y")]


def test_merged_names_count_together() -> None:
    found: list[Steps] = [("a/", "x"), ("b/", "y"), ("c/", "z")]
    assert settled(found, LOOSE) == [("*/", "*")]


def test_a_file_does_not_vanish_among_folders() -> None:
    found: list[Steps] = [("a/", "x"), ("b/", "x"), ("c/", "x"), ("d",)]
    assert settled(found, LOOSE) == [("*/", "x"), ("d",)]


def test_nothing_but_stars_in_two_depths_is_everything_below() -> None:
    found: list[Steps] = [("a/", name) for name in "xyz"]
    found += [("a/", folder, name) for folder in ("b/", "c/", "d/") for name in "xyz"]
    assert settled(found, LOOSE) == [("a/", "**")]


def test_stars_in_one_depth_stay() -> None:
    found: list[Steps] = [("a/", folder, name) for folder in ("b/", "c/", "d/") for name in "xyz"]
    assert settled(found, LOOSE) == [("a/", "*/", "*")]


def test_a_folder_of_any_name_above_everything_is_everything() -> None:
    assert settled([("a/", "*/", "**")], LOOSE) == [("a/", "**")]


def test_flags_and_other_words_are_counted_apart() -> None:
    found: list[Steps] = [("-a",), ("-b",), ("-c",), ("x",), ("y",), ("z",)]
    assert settled(found, FLAGS) == [("*",), ("-a",), ("-b",), ("-c",)]


def test_too_many_flags_are_any_flag_and_no_other_word() -> None:
    found: list[Steps] = [("-a",), ("-b",), ("-c",), ("-d",), ("x",)]
    assert settled(found, FLAGS) == [("-*",), ("x",)]


def test_what_never_collapses_holds_stars_beside_names() -> None:
    found: list[Steps] = [("a",), ("*",), ("b",), ("c",)]
    assert settled(found, SHALLOW) == sorted(found)


def test_more_children_than_any_limit_are_everything_where_that_may_stand() -> None:
    unlimited = Rules(lambda _: Limits(names=None, lengths=1), least=2, deep_folders=True)
    assert settled([(str(number),) for number in range(1024)], unlimited) != [("**",)]
    assert settled([(str(number),) for number in range(1025)], unlimited) == [("**",)]


def test_a_trie_may_be_deeper_than_python_calls_itself() -> None:
    steps = (*["a/"] * 5000, "b")
    assert settled([steps, (*steps[:-1], "c")], LOOSE) == [steps, (*steps[:-1], "c")]
