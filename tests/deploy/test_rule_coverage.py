from __future__ import annotations

from deploy.rule_coverage import Coverage, coverage_of
from producers.formats import FORMATS
from producers.formats.emitted import EMITTED
from schemas.policyset import Document
from streams.rules.logsources import SENSORS
from streams.rules.ruleset import parse_rules

HEAD = "title: {title}\nid: {id}\nlevel: {level}\ntags: [attack.t1059.004]\nname: {name}\n"


def rule(title: str, logsource: str, detection: str, level: str = "high") -> str:
    number = sum(map(ord, title))
    head = HEAD.format(title=title, id=f"00000000-0000-4000-8000-{number:012d}", level=level, name=title)
    return f"{head}logsource: {{{logsource}}}\ndetection: {{selection: {detection}, condition: selection}}\n"


def coverage(*texts: str, present: tuple[str, ...] = ("auditd",)) -> Coverage:
    rules = parse_rules([Document("x.yml", "---\n".join(texts))])
    assert not rules.refused, rules.refused
    return coverage_of(rules, present)


def reasons(*texts: str, present: tuple[str, ...] = ("auditd",)) -> dict[str, str]:
    return {rule.rule: rule.reason for rule in coverage(*texts, present=present).never}


SHELL = rule("shell", "category: process_creation, product: linux", "{Image|endswith: /sh}")


def test_techniques_are_those_of_rules_that_can_fire_at_their_gravest() -> None:
    found = coverage(SHELL, rule("bash", "category: process_creation", "{Image: /bin/bash}", "low"))
    (technique,) = found.techniques
    assert (technique.technique, technique.rules, technique.level) == ("T1059.004", ("shell", "bash"), "high")
    assert not coverage(SHELL, present=("docker",)).techniques


def test_data_is_present_or_absent_by_the_formats_that_are_collected() -> None:
    (source,) = coverage(SHELL).sources
    assert (source.logsource, source.rules) == ("category: process_creation, product: linux", 1)
    assert "auditd" in source.present
    assert "falco" in source.absent


def test_a_rule_for_a_source_that_nothing_gives_never_fires() -> None:
    text = rule("win", "category: process_creation, product: windows", "{Image: x}")
    assert reasons(text)["win"] == "no format of ours gives events of `category: process_creation, product: windows`"


def test_a_rule_whose_sensors_are_all_absent_never_fires() -> None:
    assert "of which none is present" in reasons(SHELL, present=("docker",))["shell"]


def test_a_field_that_a_sensor_does_not_give_is_named_with_those_that_do() -> None:
    text = rule("parent", "category: process_creation, product: linux", "{ParentImage|endswith: /nginx}")
    assert "give no `ParentImage`; only falco" in reasons(text)["parent"]
    assert not reasons(text, present=("auditd", "falco"))


def test_a_field_of_nobody_is_said_to_be_of_nobody() -> None:
    text = rule("company", "category: process_creation, product: linux", "{Company: x}")
    assert "`Company`; no format of ours does" in reasons(text)["company"]


def test_what_may_be_missing_does_not_keep_a_rule_from_firing() -> None:
    text = rule("maybe", "category: process_creation, product: linux", "[{Company: x}, {Image: /bin/sh}]")
    absent = rule("absent", "category: process_creation, product: linux", "{Company: null, Image: /bin/sh}")
    assert not reasons(text, absent)


def test_facts_are_known_whoever_the_sensor_is() -> None:
    text = rule("facts", "category: process_creation, product: container", "{workload.namespace: shop, Image: /bin/sh}")
    assert not reasons(text)


CORRELATION = """title: {title}
id: 10000000-0000-4000-8000-{number:012d}
correlation: {{type: {type}, rules: [{rules}], group-by: [entity.id], timespan: 1m{condition}}}
"""


def correlation(title: str, type_: str, rules: str, condition: str = "") -> str:
    return CORRELATION.format(title=title, number=sum(map(ord, title)), type=type_, rules=rules, condition=condition)


def test_a_correlation_never_fires_without_what_it_counts() -> None:
    win = rule("win", "category: process_creation, product: windows", "{Image: x}")
    both = correlation("both", "temporal", "win, shell")
    count = correlation("count", "event_count", "win, shell", ", condition: {gte: 2}")
    none = correlation("none", "event_count", "win", ", condition: {gte: 2}")
    found = reasons(win, SHELL, both, count, none)
    assert "which can never fire" in found["both"]
    assert found["none"] == "none of the rules that it counts can ever fire"
    assert "count" not in found


def test_every_format_is_a_sensor_of_some_logsource() -> None:
    assert set(FORMATS) == SENSORS
    assert set(EMITTED) <= set(FORMATS)
