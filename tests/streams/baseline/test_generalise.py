from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.baseline import DIMENSIONS, Element, literal
from streams.baseline.generalise import by_rules, generalise
from streams.baseline.known import Known
from streams.baseline.limits import (
    ApiLimits,
    ArgsLimits,
    ExecLimits,
    FileLimits,
    NameLimits,
    Pinned,
    api_rules,
    args_rules,
    exec_rules,
    file_rules,
    name_rules,
)
from tests.streams.baseline.strategies import FOUND

SCRATCH = "/tmp"  # noqa: S108 - a folder of those who are watched
PINNED = Pinned.of(["/a/b"])
PROGRAMS = ExecLimits(PINNED, programs=3, scratch=2, watched=4)
RULES = {
    "file": file_rules(FileLimits(PINNED, children=2, configuration=3, watched=4)),
    "exec": exec_rules(PROGRAMS),
    "args": args_rules(ArgsLimits(PROGRAMS, others=2, first=3, flags=3, scripts=4, lengths=2)),
    "dns": name_rules(NameLimits(names=2)),
    "api": api_rules(ApiLimits(namespaces=2)),
}
by_dimension = pytest.mark.parametrize("dimension", sorted(RULES))


@by_dimension
@settings(max_examples=300)
@given(data=st.data())
def test_what_is_generalised_stays_as_it_is(dimension: str, data: st.DataObject) -> None:
    once = by_rules(dimension, data.draw(FOUND[dimension]), RULES[dimension])
    assert by_rules(dimension, once, RULES[dimension]) == once
    assert list(once) == sorted(set(once))


@by_dimension
@given(data=st.data(), random=st.randoms(use_true_random=False))
def test_neither_order_nor_repeats_matter(dimension: str, data: st.DataObject, random: Random) -> None:
    found = data.draw(FOUND[dimension])
    shuffled = [*found, *found]
    random.shuffle(shuffled)
    assert by_rules(dimension, shuffled, RULES[dimension]) == by_rules(dimension, found, RULES[dimension])


@by_dimension
@settings(max_examples=300)
@given(data=st.data())
def test_to_generalise_in_parts_comes_to_the_same(dimension: str, data: st.DataObject) -> None:
    rules, first, then = RULES[dimension], data.draw(FOUND[dimension]), data.draw(FOUND[dimension])
    part = by_rules(dimension, first, rules)
    assert by_rules(dimension, [*part, *then], rules) == by_rules(dimension, [*first, *then], rules)


@by_dimension
@settings(max_examples=300)
@given(data=st.data())
def test_all_that_was_seen_is_known(dimension: str, data: st.DataObject) -> None:
    found = data.draw(FOUND[dimension])
    known = Known.of(dimension, by_rules(dimension, found, RULES[dimension]))
    assert [element for element in found if known.find(element) is None] == []


@by_dimension
@given(data=st.data())
def test_what_is_known_stays_known_when_more_is_learned(dimension: str, data: st.DataObject) -> None:
    rules, first, then = RULES[dimension], data.draw(FOUND[dimension]), data.draw(FOUND[dimension])
    known = Known.of(dimension, by_rules(dimension, [*first, *then], rules))
    assert [element for element in by_rules(dimension, first, rules) if known.find(element) is None] == []


@given(
    st.lists(st.tuples(st.sampled_from(["cpu", "memory"]), st.integers(-99, 99)), max_size=9),
    st.lists(st.tuples(st.sampled_from(["cpu", "memory"]), st.integers(-99, 99)), max_size=9),
)
def test_bands_keep_the_same_promises(first: list[tuple[str, int]], then: list[tuple[str, int]]) -> None:
    before, after = ([(metric, str(band)) for metric, band in part] for part in (first, then))
    part, whole = generalise("resource", before), generalise("resource", [*before, *after])
    assert generalise("resource", [*part, *after]) == whole
    assert generalise("resource", reversed(whole)) == whole
    assert all(Known.of("resource", whole).find(element) for element in [*part, *after])


@pytest.mark.parametrize("dimension", ["hash", "settings", "image", "secret"])
@given(found=st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=200))
def test_some_dimensions_stay_literal(dimension: str, found: list[Element]) -> None:
    assert generalise(dimension, found) == tuple(sorted(set(found)))


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_nothing_comes_of_nothing(dimension: str) -> None:
    assert generalise(dimension, []) == ()


def files(pattern: str, count: int, access: str = "read") -> list[Element]:
    return [(pattern.format(number), access) for number in range(count)]


def test_many_paths_in_a_folder_are_one_element() -> None:
    assert generalise("file", files("/srv/spool/{:08x}", 500)) == (("/srv/spool/*", "read"),)


def test_a_folder_keeps_as_many_names_as_the_limit() -> None:
    assert len(generalise("file", files("/srv/{}", 50))) == 50
    assert len(generalise("file", files("/srv/{}", 51))) == 1


def test_each_access_is_counted_apart() -> None:
    found = files("/srv/{}", 51) + files("/srv/{}", 3, "delete")
    assert generalise("file", found) == tuple(sorted([("/srv/*", "read"), *files("/srv/{}", 3, "delete")]))


def test_more_stands_below_etc_and_not_below_what_only_begins_so() -> None:
    assert len(generalise("file", files("/etc/{}", 100))) == 100
    assert len(generalise("file", files("/etc/{}", 101))) == 1
    assert len(generalise("file", files("/etcd/{}", 51))) == 1


def test_a_tree_of_random_names_is_everything_below_it() -> None:
    found = [element for depth in ("", "{0}/", "{0}/{0}/") for element in files(f"/cache/{depth}{{0}}", 60)]
    assert generalise("file", found) == (("/cache/**", "read"),)


def test_files_that_lie_equally_deep_stay_so() -> None:
    assert generalise("file", files("/cache/{0}/{0}", 60)) == (("/cache/*/*", "read"),)


def test_names_that_are_not_random_stay_below_random_ones() -> None:
    assert generalise("file", files("/home/{}/.profile", 60)) == (("/home/*/.profile", "read"),)


def test_no_process_hides_the_other_files_of_proc() -> None:
    found = [("/proc/*/stat", "read"), ("/proc/*", "read"), ("/proc/sys/kernel/x", "read"), ("/proc/meminfo", "read")]
    result = generalise("file", found)
    assert result == tuple(sorted(found))
    assert Known.of("file", result).find(("/proc/kcore", "read")) is None


def test_made_up_names_in_proc_stay_few() -> None:
    assert len(generalise("file", files("/proc/{}/x", 2000))) == 1


def test_what_is_protected_its_folders_and_what_is_below_stay_literal() -> None:
    protected = frozenset({"/srv/keys/"})
    for pattern in ("/{}", "/srv/{}", "/srv/keys/{}", "/srv/keys/a/b/{}"):
        assert len(generalise("file", files(pattern, 500), protected)) == 500
        assert len(generalise("file", files(pattern, 501), protected)) == 1
    assert len(generalise("file", files("/srv/keyshop/{}", 51), protected)) == 1


def test_no_protected_folder_vanishes_among_its_neighbours() -> None:
    found = [*files("/srv/{}/x", 400), ("/srv/keys/private", "read")]
    assert ("/srv/keys/private", "read") in generalise("file", found, frozenset({"/srv/keys/private"}))


@pytest.mark.parametrize("name", ["*", "**", "\\", "\\*"])
def test_no_name_becomes_a_pattern(name: str) -> None:
    result = generalise("file", [(f"/srv/{literal(name)}", "read"), *files("/srv/{}", 3)])
    assert Known.of("file", result).find(("/srv/other", "read")) is None
    assert Known.of("file", result).find((f"/srv/{literal(name)}", "read")) is not None


def test_random_names_of_programs_stay_few_and_show_what_is_new() -> None:
    found: list[Element] = [(f"{SCRATCH}/go-build{number}/exe/main",) for number in range(500)]
    result = generalise("exec", [*found, (f"{SCRATCH}/run.sh",), ("/usr/bin/go",)])
    assert result == ((f"{SCRATCH}/*/exe/main",), (f"{SCRATCH}/run.sh",), ("/usr/bin/go",))
    for new in (f"{SCRATCH}/xmrig", f"{SCRATCH}/a/xmrig", "/usr/bin/xmrig"):
        assert Known.of("exec", result).find((new,)) is None


def test_programs_of_an_ordinary_folder_stay() -> None:
    assert len(generalise("exec", [(f"/usr/bin/{number}",) for number in range(500)])) == 500


def test_a_new_applet_shows() -> None:
    result = generalise("exec", [("/bin/busybox", f"applet{number}") for number in range(300)])
    assert Known.of("exec", result).find(("/bin/busybox", "nc")) is None


def test_arguments_of_random_programs_stay_few() -> None:
    found = [(f"{SCRATCH}/go-build{number}/exe/main", "--port", str(number)) for number in range(500)]
    assert generalise("args", found) == ((f"{SCRATCH}/*/exe/main", "--port", "*"),)


def test_a_free_value_collapses_behind_its_subcommand() -> None:
    found: list[Element] = [("/usr/bin/git", "commit", "-m", str(number)) for number in range(6)]
    assert generalise("args", [*found, ("/usr/bin/git", "push")]) == (
        ("/usr/bin/git", "commit", "-m", "*"),
        ("/usr/bin/git", "push"),
    )


@pytest.mark.parametrize(
    ("arguments", "limit"),
    [
        (lambda number: (f"subcommand{number}",), 20),
        (lambda number: (f"--flag{number}",), 20),
        (lambda number: ("run", f"--flag{number}"), 20),
        (lambda number: ("run", f"value{number}"), 5),
    ],
)
def test_first_arguments_and_flags_are_harder_to_collapse(arguments: Callable[[int], Element], limit: int) -> None:
    found = [("/usr/bin/tool", *arguments(number)) for number in range(limit + 1)]
    assert len(generalise("args", found[:-1])) == limit
    assert len(generalise("args", found)) == 1


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "ash", "zsh", "busybox", "python3.11", "perl", "ruby", "node"])
def test_what_shells_are_told_stays(shell: str) -> None:
    found: list[Element] = [(f"/bin/{shell}", "-c", f"script {number}") for number in range(201)]
    assert len(generalise("args", found[:-1])) == 200
    assert generalise("args", found) == ((f"/bin/{shell}", "-c", "*"),)


def test_no_flag_of_a_shell_vanishes_among_scripts() -> None:
    found: list[Element] = [("/bin/sh", f"/srv/{number}.sh", str(number)) for number in range(30)]
    result = generalise("args", found)
    assert result == (("/bin/sh", "*", "*"),)
    assert Known.of("args", result).find(("/bin/sh", "/srv/new.sh", "1")) is not None
    assert Known.of("args", result).find(("/bin/sh", "-c", "curl evil | sh")) is None


def test_lists_of_many_lengths_are_any_arguments() -> None:
    found = [
        ("/bin/rm", "-f", *(f"{length}.{number}.{word}" for word in range(length)))
        for length in range(1, 8)
        for number in range(10)
    ]
    assert generalise("args", found) == (("/bin/rm", "-f", "**"),)


def test_many_names_below_a_domain_are_one_label() -> None:
    found: list[Element] = [(f"{number}.cdn.example.com",) for number in range(60)]
    assert generalise("dns", [*found, ("cdn.example.com",)]) == (("*.cdn.example.com",), ("cdn.example.com",))


def test_random_labels_within_names_stay_few() -> None:
    assert generalise("dns", [(f"www.{number}.example.com",) for number in range(60)]) == (("www.*.example.com",),)


def test_domains_of_one_label_below_the_top_stay() -> None:
    assert len(generalise("dns", [(f"{number}.com",) for number in range(60)])) == 60


def test_many_namespaces_of_a_request_are_any() -> None:
    found: list[Element] = [("get", "pods", str(number)) for number in range(51)]
    assert generalise("api", [*found, ("list", "pods", "1")]) == (("get", "pods", "*"), ("list", "pods", "1"))


@pytest.mark.parametrize(
    ("bands", "word"), [(["5"], "5"), (["7", "5"], "5..7"), (["-3", "0", "12"], "-3..12"), (["-3..-1", "-7"], "-7..-1")]
)
def test_the_bands_of_a_metric_are_one_range(bands: list[str], word: str) -> None:
    assert generalise("resource", [("cpu", band) for band in bands]) == (("cpu", word),)
