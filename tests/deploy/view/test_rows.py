from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as some

from deploy.inventory.estate import Estate
from deploy.view.read import activities, entities, shared_facts
from deploy.view.rows import Content, Principal, Value, rows_of
from deploy.view.schema import COLUMNS, TABLES
from schemas.baseline import Baseline, Profile
from schemas.codec import decode, dumps
from schemas.errors import Invalid
from schemas.topics import Name
from tests.deploy.baselines.lab import APP, Shop
from tests.deploy.view.lab import NOON, Said, activity, alert, container, contents_of, figures, shared, view_of

LATER = "2026-06-02T12:00:00.000000000Z"
EXEC = {"event.action": "exec", "process.executable": "/bin/sh"}


def test_a_container_is_known_by_what_decides_and_by_what_does_not() -> None:
    view = view_of([container("aaaaaaaaaaaa", container__image__id="sha256:1", container__settings__root=True)])
    (one,) = entities(view, "container")
    assert (one.entity, one.principal, one.runs) == ("aaaaaaaaaaaa", "container:prod/shop/app/app", True)
    assert one.known["container.settings.root"] is True
    assert one.known["container.image.id"] == "sha256:1"
    assert one.own == {"container.id": "aaaaaaaaaaaa" * 5, "container.name": "app-aaaa", "host.name": "node-1"}
    assert list(entities(view, "host")) == []


def test_a_container_that_stopped_or_ended_does_not_run() -> None:
    view = view_of([container("aaaaaaaaaaaa", stopped=NOON), container("bbbbbbbbbbbb", ended=NOON)])
    assert [one.runs for one in entities(view)] == [False, False]


def test_a_tombstone_removes() -> None:
    records: list[Said] = [
        container("aaaaaaaaaaaa"),
        activity(APP, EXEC),
        shared("secret:prod/shop/key", "kubernetes", {"secret.type": "Opaque"}),
        ("baselines", APP.encode(), Profile(APP).encode()),
        alert("abc"),
        figures("2026-11-27T10", series=17, gaps=3),
    ]
    view = view_of([*records, *((topic, key, None) for topic, key, _ in records)])
    assert not any(contents_of(view).values())


def test_activities_are_summed_over_partitions() -> None:
    view = view_of(
        [
            activity(APP, EXEC, partition=0, count=3, first=NOON, last=NOON, outcome="undetermined"),
            activity(APP, EXEC, partition=1, count=4, first=LATER, last=LATER, outcome="unauthorized", by="rule"),
        ]
    )
    (one,) = activities(view)
    assert (one.count, one.first, one.last, one.outcome) == (7, NOON, LATER, "unauthorized")
    assert one.first_id.startswith("shop:0000:")
    assert one.done == EXEC
    assert one.verdict == {"verdict.by": "rule"}
    assert list(activities(view, "dimension = ?", ["egress"])) == []


def test_rows_of_sources_that_are_told_apart_are_one_activity() -> None:
    topic, key, value = activity("unknown:aaaaaaaaaaaa", EXEC, count=2)
    principal, context, digest, _ = key.split(b"|")
    other = b"|".join((principal, context, digest + b"@docker:0000", b"1"))
    (one,) = activities(view_of([(topic, key, value), (topic, other, value)]))
    assert (one.count, one.digest) == (4, digest.decode())


def test_the_rows_that_a_judge_writes_are_read() -> None:
    shop = Shop().start().run("/usr/bin/python3", "app.py").connect("192.0.2.7", 443)
    view = view_of([("activities", key, value) for key, value in shop.rows()])
    found = list(activities(view, "dimension = 'egress'"))
    assert [one.done["destination.port"] for one in found] == [443]
    assert found[0].known["container.image.id"] == "sha256:1111"
    assert found[0].principal == APP
    assert "container.image.id" not in found[0].done


def test_shared_facts_are_joined_as_judges_join_them() -> None:
    facts = {"container.image.vulnerabilities": ["critical fixable CVE-1 musl"], "container.image.scan.time": NOON}
    view = view_of([shared("image:sha256:1", "trivy", facts), shared("secret:a/b", "vault", {"secret.type": "kv"})])
    found = shared_facts(view, "image:")
    assert found.of_image({"container.image.id": "sha256:1"}) == {
        "container.image.vulnerabilities": ["critical fixable CVE-1 musl"]
    }
    assert found.subjects() == {"image:sha256:1"}
    assert shared_facts(view).subjects() == {"image:sha256:1", "secret:a/b"}


def test_where_baselines_stand_is_read() -> None:
    profile = Profile(APP, "active", "approved", NOON, Baseline(APP, 2, {}, approved=LATER, partial=("a gap",)))
    view = view_of([("baselines", APP.encode(), profile.encode())])
    assert Estate(view).baselines == {APP: "active"}


def test_counters_and_marks_of_judges_are_passed_over() -> None:
    assert rows_of("judge-state", b"counter/x", b"{}") == ()
    assert rows_of("judge-state", b"marks", b"{}") == ()


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    some.sampled_from(sorted(TABLES)), some.binary(max_size=20) | some.just(b"entity/a"), some.none() | some.binary()
)
def test_what_is_no_record_is_invalid_or_passed_over(topic: Name, key: bytes, value: bytes | None) -> None:
    try:
        rows = rows_of(topic, key, value)
    except Invalid:
        return
    assert all(len(row.key) == len(COLUMNS[TABLES[topic]][0]) for row in rows)


@pytest.mark.parametrize(
    ("topic", "key"), [("activities", "host:a|c0ffee|d|" + "9" * 20), ("kpi", "2026-11-27T10|counts|0003|" + "9" * 20)]
)
def test_a_number_that_is_too_large_to_be_kept_is_invalid(topic: Name, key: str) -> None:
    with pytest.raises(Invalid, match="is no count"):
        rows_of(topic, key.encode(), None)


@given(some.data())
def test_a_record_with_any_field_spoiled_can_be_written_or_is_invalid(data: some.DataObject) -> None:
    records = [
        activity(APP, EXEC, {"container.image.id": "sha256:1"}),
        shared("image:sha256:1", "trivy", {"container.image.created": NOON}),
        container("aaaaaaaaaaaa"),
    ]
    topic, key, value = data.draw(some.sampled_from(records))
    fields: dict[str, Any] = _loaded(value)
    fields[data.draw(some.sampled_from(sorted(fields)))] = data.draw(json_values)
    try:
        view = view_of([(topic, key, dumps(fields))])
    except Invalid:
        return
    assert any(contents_of(view).values())


def _loaded(value: bytes | None) -> dict[str, Any]:
    assert value is not None
    return decode(value)


def test_values_are_of_the_types_that_the_store_knows() -> None:
    (row,) = rows_of(*activity(APP, EXEC))
    assert row.values is not None
    assert all(isinstance(one, get_args(Value)) for one in (*row.key, *row.values))
    assert {type(one) for one in row.values} == {str, int, Content}
    assert row.key[0] == Principal(APP)
