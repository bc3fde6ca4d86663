from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import Alert
from streams.alerts.incidents import Incident, incidents_of
from tests.streams.alerts.rows import DB, EXCEPTED, HOUR, WEB, Lab, Row, at, denied, deviates, row

NODE = {WEB: ["node-1"], DB: ["node-1"]}


def alerts_of(*rows: Row) -> list[Alert]:
    lab = Lab()
    lab.take(*rows, wait_seconds=20)
    return lab.alerts


def stories(alerts: list[Alert], homes: dict[str, list[str]] | None = None) -> list[Incident]:
    return incidents_of(alerts, homes or {})


def test_alerts_of_one_principal_not_long_after_each_other_are_one_story_in_order() -> None:
    alerts = alerts_of(
        row("b", denied("files.b"), first=60), row("a", denied("files.a")), row("c", denied("files.c"), first=120)
    )
    (story,) = stories(alerts)
    assert [moment.time for moment in story.chain] == [at(0), at(60), at(120)]
    assert (story.first, story.last, story.level) == (at(0), at(120), "high")
    assert story.id == story.alerts[0].id
    assert story.as_json()["alerts"] == [alert.id for alert in story.alerts]


def test_a_day_later_it_is_another_story() -> None:
    alerts = alerts_of(row("a", denied("files.a")), row("b", denied("files.b"), first=20 * HOUR))
    assert len(stories(alerts)) == 2
    assert len(incidents_of(alerts, {}, window_hours=21)) == 1


def test_neighbours_on_a_node_are_one_story_and_strangers_are_not() -> None:
    alerts = alerts_of(row(), row(principal=DB, first=60))
    assert len(stories(alerts)) == 2
    (story,) = stories(alerts, NODE)
    assert "host:node-1" in story.links


def test_who_enters_a_container_belongs_to_what_happens_in_it() -> None:
    entered: dict[str, Any] = {
        "orchestrator.cluster.name": "lab",
        "orchestrator.namespace": "shop",
        "orchestrator.resource.type": "pods",
        "orchestrator.resource.name": "web",
    }
    alerts = alerts_of(row("exec", denied("access.exec"), principal="user:lab/ada", **entered), row(first=30))
    (story,) = stories(alerts)
    assert story.principals == ("user:lab/ada", WEB)
    assert story.links == ("workload:lab/shop/web",)


def test_the_account_of_a_workload_and_one_address_outside_join_a_story() -> None:
    account = "user:lab/system:serviceaccount:shop:web"
    far: dict[str, Any] = {"source.ip": "203.0.113.66"}
    alerts = alerts_of(
        row(), row("x", principal=account, first=9, **far), row("y", principal="user:lab/ci", first=18, **far)
    )
    (story,) = stories(alerts)
    assert story.principals == (WEB, account, "user:lab/ci")


def test_a_scan_of_many_addresses_does_not_hide_who_had_entered_the_workload() -> None:
    entered: dict[str, Any] = {
        "orchestrator.cluster.name": "lab",
        "orchestrator.namespace": "shop",
        "orchestrator.resource.type": "pods",
        "orchestrator.resource.name": "web",
    }
    far: list[dict[str, Any]] = [{"destination.ip": f"203.0.113.{number}"} for number in range(30)]
    scan = [row(str(one), deviates("egress", str(one)), first=30, **one) for one in far]
    alerts = alerts_of(row("exec", denied("access.exec"), principal="user:lab/ada", **entered), *scan)
    (story,) = stories(alerts)
    assert story.principals == ("user:lab/ada", WEB)
    assert len(story.alerts[1].links) == 20


def test_what_exceptions_set_aside_tells_no_story() -> None:
    lab = Lab()
    lab.take(row(verdict=EXCEPTED))
    assert stories(lab.alerts) == []
    lab.wait(100 * HOUR)
    assert lab.alert.state == "closed"
    assert stories(lab.alerts) == []


def test_what_a_container_did_before_it_was_known_is_told_under_its_name() -> None:
    lab, unknown = Lab(), row(principal="unknown:0123456789ab")
    lab.take(unknown)
    assert len(stories(lab.alerts)) == 1
    lab.take((unknown[0], None), row())
    (story,) = stories(lab.alerts)
    assert story.principals == (WEB,)


def test_the_same_words_are_told_once() -> None:
    (story,) = stories(alerts_of(*(row(f"/{number}", first=number) for number in range(9))))
    assert len(story.chain) == 1


@given(
    st.lists(
        st.tuples(st.sampled_from([WEB, DB, "user:lab/ada"]), st.sampled_from("abc"), st.integers(0, 400)), max_size=8
    ),
    st.randoms(use_true_random=False),
)
def test_stories_do_not_depend_on_the_order_of_alerts(drawn: list[tuple[str, str, int]], random: Random) -> None:
    rows = [
        row(what, denied(f"files.{what}"), principal=principal, first=minutes * 60.0)
        for principal, what, minutes in drawn
    ]
    alerts = alerts_of(*rows)
    expected = stories(alerts, NODE)
    assert stories(random.sample(alerts, len(alerts)), NODE) == expected
    assert sorted(one.id for story in expected for one in story.alerts) == sorted(one.id for one in alerts)


def test_a_story_is_as_grave_as_its_gravest_alert() -> None:
    first, second = alerts_of(row(), row("b", denied("files.b"), first=1))
    (story,) = stories([replace(first, level="low", score=9), replace(second, level="critical", score=88)])
    assert (story.level, story.score) == ("critical", 88)
