"""No rule is passed over: what the index leaves out does not match, whatever Hyperscan makes of it."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from streams.rules.anchors import Anchor, HasText, IsThere, chosen, required
from streams.rules.checks import Checks
from streams.rules.condition import ALL, ONE, And, Condition, Exists, Not, Null, Number, Or, Regex, Test, Text
from streams.rules.derived import DERIVED
from streams.rules.index import Index
from streams.rules.patterns import fault_in_regex
from streams.rules.scanner import Scanner
from streams.rules.view import View

PIECES: Final = (
    *(
        "a",
        "b",
        "ab",
        ".",
        "^",
        "$",
        "\\b",
        "\\B",
        "\\A",
        "\\z",
        "(a|b)",
        "[^a]",
        "[a-b]+",
        "(ab)*",
        "a?",
        "a{2,3}",
        "\\s",
    ),
    *(
        "\\S",
        "\\w+",
        "(?i)",
        "(?-i)",
        "(?s).",
        "\\n",
        "\\v",
        "\\pL",
        "\\x61",
        "(?:",
        ")",
        "é",
        "[é]?",
        "k",
        "s",
        "|",
        "\\Q.\\E",
    ),
)
LETTERS: Final = st.text("abAB \n\v\ts\u00e9\u00c9\u212ak\u017f.1", max_size=8)


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join), st.sets(st.sampled_from("ims")), LETTERS)
def test_a_pattern_that_is_found_is_among_what_the_scan_finds(pattern: str, flags: set[Any], text: str) -> None:
    if fault_in_regex(pattern, flags):
        return
    test = Test("field", Regex(pattern, frozenset(flags)))
    record = {"other": "a\nb", "field": text, "more": "ba"}
    if Checks().of(test)(View(record, mapped=False)):
        assert Index([test], mapped=False).candidates(View(record, mapped=False)) == {0}


def test_patterns_that_hyperscan_misses_together_are_found() -> None:
    one = r"(randomize_va_space\s*=\s*0|kernel\.(yama\.ptrace_scope|kptr_restrict)\s*=\s*0|>\s*/proc/sys/kernel/randomize_va_space)"
    two = r"(\b(rm|shred|truncate)\b.*\s/var/log/|>\s*/var/log/|of=/var/log/|\b(rm|shred)\b.*\s/var/(run/utmp|account/pacct))"
    index = Index([Test("field", Regex(one)), Test("field", Regex(two))], mapped=False)
    assert 1 in index.candidates(View({"field": "sh -c echo > /var/log/wtmp"}, mapped=False))


def test_without_anchors_nothing_is_found_and_nothing_is_lost() -> None:
    assert list(Scanner([]).scan(["text"])) == []
    scanner = Scanner([HasText("\nab"), HasText("b\n"), HasText("K")])
    assert sorted(scanner.scan(["ABB", "x"])) == [0, 1]
    assert sorted(scanner.scan(["xab", "\u212a"])) == [1, 2]


def test_what_a_condition_needs() -> None:
    text, other = Test("a", Text((ALL, "needle", ALL))), Test("b", Text(("x", ONE)))
    there, negated = Test("c", Exists(present=True)), Not(Test("d", Null()))
    assert needed(text) == [HasText("needle")]
    assert needed(other) == [HasText("\nx")]
    assert needed(And((there, text, negated))) == [HasText("needle")]
    assert set(needed(Or((there, text))) or ()) == {IsThere("c"), HasText("needle")}
    assert needed(Or((text, negated))) is None
    assert needed(negated) is None


def needed(condition: Condition) -> list[Anchor] | None:
    anchors = required(condition)
    return None if anchors is None else list(anchors)


def test_where_there_is_a_choice_the_rare_is_taken() -> None:
    common, rare = Test("a", Number(1)), [Test("b", Number(number)) for number in range(3)]
    anchors = chosen([And((common, test)) for test in rare])
    assert [list(found or ()) for found in anchors] == [needed(test) for test in rare]


def test_a_pattern_that_cannot_be_looked_for_is_the_last_choice() -> None:
    pattern, number = Test("a", Regex("\\A.{3}$")), Test("b", Number(1))
    assert chosen([And((pattern, number))]) == [required(number)]


def test_too_many_patterns_are_tried_one_by_one() -> None:
    conditions = [Test("field", Regex(f"^([a-z]{{90}}){{11}}.{{{number}}}$")) for number in range(1, 121)]
    assert Index(conditions, mapped=False).candidates(View({"field": "x"}, mapped=False)) == set(range(120))


def test_long_literals_are_looked_for_by_their_beginning() -> None:
    assert needed(Test("a", Text((ALL, "x" * 5000)))) == [HasText("x" * 64)]


COLUMNS: Final = ("process.name", "process.program", "auditd.name_type", "file.path", None)
TEXTS: Final = st.sampled_from(["a", "ab", "/b/a", "normal"])
TESTS: Final = st.builds(
    lambda column, before, text, after: Test(column, Text((*before, text, *after))),
    st.sampled_from(COLUMNS),
    st.sampled_from([(), (ALL,)]),
    TEXTS,
    st.sampled_from([(), (ALL,)]),
)
RECORDS: Final = st.dictionaries(
    st.sampled_from(["process.name", "process.executable", "file.path", "file.access", "process"]),
    TEXTS | st.lists(TEXTS, max_size=2) | st.just({"name": "ab"}),
)


@given(st.lists(TESTS | st.builds(lambda one, other: And((one, other)), TESTS, TESTS), max_size=4), RECORDS)
def test_what_is_read_in_some_columns_alone_is_found_there(conditions: list[Condition], record: dict[str, Any]) -> None:
    checks, index = Checks(), Index(conditions, mapped=True)
    holding = {number for number, one in enumerate(conditions) if checks.of(one)(View(record, mapped=True))}
    assert holding <= index.candidates(View(record, mapped=True))


def test_a_derived_column_says_nothing_without_the_fields_that_it_names() -> None:
    everything = {
        field: ["a"] for column in DERIVED.values() for field in column.reads if not field.startswith("event.")
    }
    for column in DERIVED.values():
        record = {"event.action": "exec", "event.outcome": "success"} | everything
        assert column.read({name: value for name, value in record.items() if name not in column.reads}) is None
