from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Final

import pytest
from zstandard import ZstdCompressor, ZstdDecompressor

from schemas.errors import ConfigurationError, Invalid
from schemas.policyset import Document
from streams.rules.condition import ALL, And, Not, Test, Text
from streams.rules.rule import LogSource
from streams.rules.ruleset import RuleSet, load_rules, parse_rules

RULE: Final = """
title: Netcat with a shell
id: 4c0a9a5e-1d1b-4c53-9f7c-1f3e7c1a0001
name: netcat
status: test
logsource: {category: process_creation, product: linux}
detection:
    selection: {Image|endswith: /nc}
    condition: selection
level: high
tags: [attack.execution, attack.t1059.004]
falsepositives: [tests]
remedy: Kill it.
"""
CORRELATION: Final = """
title: Many shells
id: 4c0a9a5e-1d1b-4c53-9f7c-1f3e7c1a0002
correlation:
    type: event_count
    rules: [netcat]
    group-by: [User]
    timespan: 5m
    condition: {gte: 3}
"""


def parsed(*texts: str) -> RuleSet:
    return parse_rules(Document(f"{number}.yml", dedent(text)) for number, text in enumerate(texts))


def faults(*texts: str) -> list[str]:
    return [str(fault) for fault in parsed(*texts).refused]


def changed(old: str, new: str, text: str = RULE) -> str:
    assert old in text
    return text.replace(old, new)


def test_a_rule_carries_what_a_person_needs() -> None:
    (rule,) = parsed(RULE).rules
    assert (rule.title, rule.name, rule.level, rule.status) == ("Netcat with a shell", "netcat", "high", "test")
    assert (rule.file, rule.line) == ("0.yml", 2)
    assert rule.logsource == LogSource("process_creation", "linux")
    assert rule.techniques == ("T1059.004",)
    assert (rule.remedy, rule.falsepositives, rule.reported) == ("Kill it.", ("tests",), True)
    assert rule.condition == Test("Image", Text((ALL, "/nc")))


def test_a_bad_rule_is_named_with_its_line_and_the_rest_loads() -> None:
    bad = changed("{Image|endswith: /nc}", "{Image|ends: /nc}", changed("0001", "0009"))
    rules = parsed(RULE, changed("name: netcat\n", "", bad))
    assert [rule.file for rule in rules.rules] == ["0.yml"]
    assert [str(fault) for fault in rules.refused] == [
        "1.yml:7: Netcat with a shell: detection.selection.Image|ends Unknown modifier 'ends'"
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("level: high", "level: huge", 10, "level 'huge' is not a valid Sigma rule level"),
        ("condition: selection", "condition: other", 9, "`other` is not among the names selection"),
        ("condition: selection", "condition: 1 of filter_*", 9, "`1 of filter_*` fits none of the names"),
        ("condition: selection", "condition: 2 of sel*", 9, "`2 of` is not in the specification"),
        ("condition: selection", "condition: selection and", 9, "is not readable"),
        ("condition: selection", "condition: selection | count() > 3", 9, "is not readable: The pipe syntax"),
        ("    condition: selection\n", "", 7, "condition is missing"),
        ("{Image|endswith: /nc}", "{}", 8, "is empty"),
        ("{Image|endswith: /nc}", "[]", 8, "is empty"),
        ("{Image|endswith: /nc}", "{Image: {a: 1}}", 8, "must be a value or a list of values"),
        ("{Image|endswith: /nc}", "{Image|re: '(?=x)y'}", 8, "it looks ahead or behind, which would allow it to hang"),
        ("{Image|endswith: /nc}", r"{Image|re: '(a)\1'}", 8, "it refers back to a group"),
        ("{Image|endswith: /nc}", "{Image|re: 'a++'}", 8, "forbids to go back"),
        ("{Image|endswith: /nc}", "{Image|re: '('}", 8, "is not readable (missing )"),
        ("{Image|endswith: /nc}", "{Image|cidr: 10.0.0.1/8}", 8, "Invalid CIDR expression"),
        ("{Image|endswith: /nc}", "{Image|expand: '%tools%'}", 8, "needs a value for %tools%"),
        ("{Image|endswith: /nc}", "{Image|re|base64: x}", 8, "`re` cannot be combined with `base64`"),
        ("{Image|endswith: /nc}", "{Image|lt: many}", 8, "incompatible to value type"),
        ("{Image|endswith: /nc}", "[null]", 8, "null must be the value of a field"),
        ("{category: process_creation, product: linux}", "{}", 6, "says neither category nor product nor service"),
        ("title: Netcat with a shell", "title: [a]", 2, "title must be a string"),
        ("tags: [attack.execution,", "tags: [nothing,", 11, "tag must start with namespace"),
        ("remedy: Kill it.", "remedy: [a]", 13, "remedy must be text"),
    ],
)
def test_what_is_wrong_is_said_at_its_line(old: str, new: str, line: int, said: str) -> None:
    (fault,) = parsed(changed(old, new)).refused
    assert (fault.line, said in str(fault)) == (line, True), str(fault)


def test_all_faults_of_a_rule_are_said_at_once() -> None:
    text = changed(
        "level: high", "level: huge", changed("/nc}", "/nc, b|foo: 1}", changed("status: test", "status: x"))
    )
    assert [fault.line for fault in parsed(text).refused] == [5, 8, 10]


def test_ids_and_names_are_had_once() -> None:
    rules = parsed(RULE, RULE)
    assert len(rules.rules) == 1
    assert [str(fault).split(": ", 2)[2] for fault in rules.refused] == [
        "id is that of another rule, at 0.yml:2; give it one of its own",
        "name is that of another rule, at 0.yml:2; give it one of its own",
    ]


def test_an_id_that_is_no_uuid_is_an_id_all_the_same() -> None:
    (rule,) = parsed(changed("4c0a9a5e-1d1b-4c53-9f7c-1f3e7c1a0001", "rule-7")).rules
    assert (rule.id, rule.label) == ("rule-7", "rule-7")


def test_a_correlation_knows_its_rules_by_id_and_silences_them() -> None:
    rules = parsed(RULE, CORRELATION)
    (correlation,) = rules.correlations
    assert correlation.rules == ("4c0a9a5e-1d1b-4c53-9f7c-1f3e7c1a0001",)
    assert (correlation.timespan_seconds, correlation.bounds[0].operator, correlation.bounds[0].count) == (
        300,
        "gte",
        3,
    )
    assert [rule.reported for rule in rules.rules] == [False]
    assert [rule.reported for rule in parsed(RULE, CORRELATION + "    generate: true\n").rules] == [True]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[netcat]", "[nobody]", "`nobody` is no id or name of a rule that is loaded"),
        ("[netcat]", "[]", "names no rules to count"),
        ("event_count", "counting", "must be one of event_count, value_count"),
        ("event_count", "value_count", "must name the `field` whose values count"),
        ("5m", "5 minutes", "must be a number and a unit"),
        ("{gte: 3}", "{gte: many}", "must be a number"),
        ("{gte: 3}", "{field: a, gte: 3}", "correlation.condition.field is not known here"),
        ("{gte: 3}", "netcat", "must be a comparison"),
        ("timespan: 5m", "timespan: 5m\n    aliases: {who: {nobody: User}}", "`nobody` is not among the rules"),
        ("[netcat]", "[4c0a9a5e-1d1b-4c53-9f7c-1f3e7c1a0002]", "count this correlation itself"),
    ],
)
def test_a_correlation_that_cannot_be_counted_is_refused(old: str, new: str, said: str) -> None:
    rules = parsed(RULE, changed(old, new, CORRELATION))
    assert rules.correlations == ()
    assert [rule.reported for rule in rules.rules] == [True]
    assert said in str(rules.refused[0])


def test_what_refers_to_a_refused_correlation_is_refused_too() -> None:
    outer = changed("0002", "0003", changed("[netcat]", "[4c0a9a5e-1d1b-4c53-9f7c-1f3e7c1a0002]", CORRELATION))
    rules = parsed(RULE, changed("[netcat]", "[nobody]", CORRELATION), outer)
    assert (len(rules.rules), rules.correlations, len(rules.refused)) == (1, (), 2)


def test_a_range_and_an_expression_are_conditions_of_correlations() -> None:
    other = changed("0001", "0004", changed("name: netcat", "name: other"))
    ranged = changed("{gte: 3}", "{gt: 3, lte: 9}", CORRELATION)
    temporal = changed("{gte: 3}", "netcat and not other", changed("event_count", "temporal", CORRELATION))
    temporal = changed("0002", "0005", changed("[netcat]", "[netcat, other]", temporal))
    rules = parsed(RULE, other, ranged, temporal)
    assert rules.refused == ()
    assert [(bound.operator, bound.count) for bound in rules.correlations[0].bounds] == [("gt", 3), ("lte", 9)]
    assert rules.correlations[1].needs is not None


def test_a_filter_is_asked_of_the_rules_that_it_names() -> None:
    asked = """
        title: Not by tests
        logsource: {category: process_creation}
        filter:
            rules: [netcat]
            selection: {User: tester}
            condition: not selection
        """
    (rule,) = parsed(RULE, asked).rules
    assert rule.condition == And((Test("Image", Text((ALL, "/nc"))), Not(Test("User", Text(("tester",))))))
    assert "fits none of these rules" in faults(RULE, changed("[netcat]", "[nobody]", dedent(asked)))[0]


def test_a_file_may_hold_several_rules_and_a_template() -> None:
    text = """
        action: global
        title: Shared
        logsource: {product: linux}
        level: low
        ---
        detection: {a: {x: 1}, condition: a}
        ---
        level: high
        detection: {a: {x: 2}, condition: a}
        ---
        action: reset
        ---
        title: Alone
        detection: {a: {x: 3}, condition: a}
        """
    rules = parsed(text)
    assert [(rule.title, rule.level, rule.line) for rule in rules.rules] == [
        ("Shared", "low", 7),
        ("Shared", "high", 9),
    ]
    assert [fault.line for fault in rules.refused] == [14]


def test_placeholders_have_their_values_in_a_file_of_their_own() -> None:
    text = changed("{Image|endswith: /nc}", "{Image|expand|contains: 'x%tools%y'}")
    rules = parse_rules([Document("a.yml", text), Document("site/placeholders.yaml", "tools: [nc, s*t]\n")])
    assert rules.refused == ()
    assert "'xnc'" not in repr(rules.rules[0].condition)
    assert repr(rules.rules[0].condition).count("Test(") == 2


def test_a_manifest_gives_the_same_set_and_is_not_to_be_changed() -> None:
    rules = parsed(RULE, CORRELATION, "title: bad\n")
    assert RuleSet.from_manifest(rules.manifest()) == rules
    text = ZstdDecompressor().decompress(rules.manifest())
    with pytest.raises(Invalid, match="changed or cut"):
        RuleSet.from_manifest(ZstdCompressor().compress(text.replace(b"Many shells", b"Many others")))
    with pytest.raises(Invalid, match="not a manifest"):
        RuleSet.from_manifest(ZstdCompressor().compress(b"{}"))
    assert RuleSet.empty().rules == ()


def test_directories_are_read_without_cases_and_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.yml").write_text(RULE)
    (tmp_path / "a.cases.yaml").write_text("rule: x\n")
    (tmp_path / ".hidden.yml").write_text("title: x\n")
    (tmp_path / "b.yml").write_bytes(b"title: \xff\n")
    rules = load_rules([tmp_path])
    assert [rule.file for rule in rules.rules] == ["sub/a.yml"]
    assert [str(fault) for fault in rules.refused] == [
        f"{tmp_path}/b.yml:1: document: is not UTF-8 text; save it as UTF-8"
    ]
    with pytest.raises(ConfigurationError, match="does not exist"):
        load_rules([tmp_path / "nowhere"])
