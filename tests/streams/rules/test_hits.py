from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas.hit import Hit
from streams.rules.correlation import Alias, Bound
from streams.rules.hits import Counting, definition_of
from streams.rules.rule import LogSource
from tests.streams.rules.correlations import Rules, correlation, rule

RECORD: dict[str, Any] = {
    "process.executable": "/bin/sh",
    "process.args": ["sh", "-c", "id"],
    "user.roles": ["a", "b"],
    "user.name": "root",
    "process.exit_code": 7,
    "process.interactive": True,
    "workload.name": "web",
    "verdict.principal": "container:shop//web/app",
}
FACTS = {"container.name": "web-1"}
MOMENT = "2026-01-01T00:00:00.000000000Z"


def hits(rules: Rules, *matched: str, record: dict[str, Any] | None = None, **options: Any) -> list[Hit]:
    templates = Counting.of(rules, **options).templates(record or RECORD, matched)
    found = [template.hit("shop:0:1", MOMENT, "0123456789ab", FACTS) for template in templates]
    return [hit for hit in found if hit]


def counted(name: str = "many", *, by: tuple[str, ...] = (), **options: Any) -> Rules:
    return Rules((rule("shell"), rule("root")), (correlation(name, "shell", "root", group_by=by, **options),))


def test_a_hit_says_whose_event_it_is_and_what_matched() -> None:
    rules = counted(by=("user.name",))
    definition = definition_of(rules.correlations[0])
    assert hits(rules, "shell") == [
        Hit(
            "many",
            definition,
            ("root",),
            ("shell",),
            (),
            "shop:0:1",
            MOMENT,
            "0123456789ab",
            "container:shop//web/app",
        )
    ]


def test_an_event_that_matches_several_rules_of_a_correlation_is_one_hit() -> None:
    assert [hit.rules for hit in hits(counted(), "shell", "root")] == [("shell", "root")]


def test_every_correlation_has_hits_of_its_own_and_other_rules_none() -> None:
    both = Rules((rule("shell"), rule("root")), (correlation("a", "shell"), correlation("b", "shell", "root")))
    assert [(hit.correlation, hit.rules) for hit in hits(both, "shell", "root", "other")] == [
        ("a", ("shell",)),
        ("b", ("shell", "root")),
    ]
    assert hits(both, "other") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user.name", "root"),
        ("process.exit_code", "7"),
        ("process.interactive", "true"),
        ("user.roles", '["a","b"]'),
        ("workload.name", "web"),
        ("container.name", "web-1"),
        ("entity.id", "0123456789ab"),
        ("verdict.principal", "container:shop//web/app"),
        ("Image", "/bin/sh"),
        ("process.args[1]", "-c"),
        ("file.path", None),
        ("host.name", None),
    ],
)
def test_a_group_is_what_the_fields_are_wherever_they_are_known(name: str, value: str | None) -> None:
    assert [hit.group for hit in hits(counted(by=(name,)), "shell")] == [(value,)]


@pytest.mark.parametrize(
    ("names", "values"),
    [
        (("user.roles",), ("a", "b")),
        (("entity.id",), ("0123456789ab",)),
        (("user.name", "user.roles"), ('[["root"],["a","b"]]',)),
    ],
)
def test_every_value_of_a_field_counts_and_of_several_fields_the_combination(
    names: tuple[str, ...], values: tuple[str, ...]
) -> None:
    rules = counted(type="value_count", field=names)
    assert [hit.values for hit in hits(rules, "shell")] == [values]


@pytest.mark.parametrize("names", [("file.path",), ("user.name", "file.path"), ("host.name",)])
def test_what_lacks_the_field_whose_values_count_is_not_counted(names: tuple[str, ...]) -> None:
    assert hits(counted(type="value_count", field=names), "shell") == []


def test_an_alias_means_another_field_for_every_rule() -> None:
    aliases = (Alias("who", "shell", "user.name"), Alias("who", "root", "workload.name"))
    rules = counted(by=("who",), aliases=aliases)
    assert [(hit.group, hit.rules) for hit in hits(rules, "shell", "root")] == [
        (("root",), ("shell",)),
        (("web",), ("root",)),
    ]


def test_a_name_means_what_the_logsource_of_the_rule_calls_so() -> None:
    rules = Rules(
        (rule("shell"), rule("api", LogSource(product="kubernetes", service="audit"))),
        (correlation("many", "shell", "api", group_by=("user.username",)),),
    )
    assert [hit.group for hit in hits(rules, "api")] == [("root",)]
    assert [hit.group for hit in hits(rules, "shell")] == [(None,)]
    assert [hit.group for hit in hits(rules, "api", mapped=False)] == [(None,)]
    assert [hit.group for hit in hits(rules, "api", record={"user.username": "x"}, mapped=False)] == [("x",)]


def test_what_differs_with_every_event_cannot_be_counted_by_and_neither_can_what_counts_that() -> None:
    rules = Rules(
        (rule("shell"),),
        (
            correlation("bad", "shell", group_by=("process.pid",)),
            correlation("worse", "bad"),
            correlation("worst", "worse", "shell"),
            correlation("values", "shell", type="value_count", field=("ProcessId",)),
            correlation("long", "shell", timespan_seconds=7 * 86_400 + 1),
            correlation("good", "shell", timespan_seconds=7 * 86_400),
        ),
    )
    counting = Counting.of(rules)
    assert set(counting.unfit) == {"bad", "worse", "worst", "values", "long"}
    assert "process.pid" in counting.unfit["bad"]
    assert [hit.correlation for hit in hits(rules, "shell")] == ["good"]
    assert Counting.of(rules, mapped=False).unfit.keys() == {"long"}


def test_a_finding_counts_as_an_event_of_its_group() -> None:
    rules = Rules((rule("shell"),), (correlation("inner", "shell"), correlation("outer", "inner", group_by=("who",))))
    found = hits(rules, "inner", record={"who": "root", "verdict.principal": "p"})
    assert [(hit.correlation, hit.group, hit.rules) for hit in found] == [("outer", ("root",), ("inner",))]


def test_a_definition_changes_with_how_is_counted_and_with_nothing_else() -> None:
    one = correlation("one", "shell")
    assert definition_of(replace(one, title="other", level="low", description="x", line=9)) == definition_of(one)
    others: list[dict[str, Any]] = [
        {"timespan_seconds": 11},
        {"rules": ("root",)},
        {"group_by": ("user.name",)},
        {"bounds": (Bound("gt", 3),)},
        {"aliases": (Alias("a", "shell", "user.name"),)},
    ]
    assert definition_of(one) not in {definition_of(replace(one, **other)) for other in others}
