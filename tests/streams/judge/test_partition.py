from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from schemas.codec import ACTIVITY_MARK, Event, encode_event
from streams.judge.decide import decide
from streams.judge.memo import digest_of
from streams.judge.policy import CompiledPolicies
from tests.streams.judge.lab import (
    DAY,
    FORBID_NGINX,
    FORBID_PRIVILEGED,
    FORBID_SHELLS,
    HEARTBEAT,
    MANY,
    SECOND,
    START,
    Lab,
    at,
    compacted,
    does,
    envelope,
    facts,
    message,
    policies,
)

A, B, C = "0123456789ab", "aaaaaaaaaaaa", "bbbbbbbbbbbb"
SHELL, NGINX = does("/bin/sh"), does("/usr/bin/nginx")


def digest(activity: Event) -> str:
    value = encode_event(activity)
    return digest_of(ACTIVITY_MARK + value.partition(ACTIVITY_MARK[1:])[2])


class Source:
    """A collector that numbers what it says."""

    def __init__(self, name: str = "shop") -> None:
        self.name, self.number = name, 0

    def says(self, entity: str, fields: Event, seconds: float = 0.0) -> Any:
        self.number += 1
        return message(self.number, envelope(self.number, entity, collector=self.name, seconds=seconds) | fields)


# A verdict depends on nothing but activity and context


def test_replicas_share_what_is_remembered() -> None:
    lab, shop = Lab(), Source()
    lab.judge([shop.says(A, facts()), shop.says(B, facts(**{"container.name": "web-2", "host.name": "node-2"}))])
    first, second = lab.judge([shop.says(A, SHELL)]), lab.judge([shop.says(B, SHELL)])
    assert lab.partition.entities.by_key[A.encode()].context is lab.partition.entities.by_key[B.encode()].context
    verdict = {name: value for name, value in first[0].items() if name.startswith("verdict.")}
    assert {name: value for name, value in second[0].items() if name.startswith("verdict.")} == verdict
    assert (second[0]["container.name"], second[0]["host.name"]) == ("web-2", "node-2")
    assert len(lab.partition.entities.by_key[A.encode()].memo) == 1
    assert lab.counts()[digest(SHELL)] == 2


def test_the_same_image_started_privileged_is_another_context() -> None:
    lab, shop = Lab(CompiledPolicies.compile(policies(FORBID_PRIVILEGED))), Source()
    plain, privileged = lab.judge(
        [
            shop.says(A, facts(**{"container.settings.privileged": False, "container.settings.read_only_root": True})),
            shop.says(B, facts(**{"container.settings.privileged": True, "container.settings.read_only_root": True})),
        ]
    )
    assert privileged["verdict.outcome"] == "unauthorized"
    assert plain["verdict.outcome"] != "unauthorized"
    first, second = lab.judge([shop.says(A, NGINX), shop.says(B, NGINX)])
    assert first["verdict.principal"] == second["verdict.principal"] == "container:/shop/web/"
    assert first["verdict.context"] != second["verdict.context"]
    assert first["verdict.activity"] == second["verdict.activity"] == digest(NGINX)


def test_a_verdict_sees_deciding_facts_and_activity_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Any, str]] = []

    def spy(record: Any, principal: str, *sets: Any) -> Any:
        seen.append((record, principal))
        return decide(record, principal, *sets)

    monkeypatch.setattr("streams.judge.contents.decide", spy)
    lab, shop = Lab(), Source()
    lab.judge([shop.says(A, facts(**{"container.name": "web-1", "container.settings.user": "0"}))])
    seen.clear()
    lab.judge([shop.says(A, SHELL)])
    lab.judge([shop.says(A, SHELL)])
    ((record, principal),) = seen
    assert principal == "container:/shop/web/"
    assert record == {
        "ecs.version": "9.1.0",
        "workload.name": "web",
        "workload.namespace": "shop",
        "container.image.name": "registry.example/web:1",
        "container.settings.user": "0",
        **SHELL,
    }


# Facts


def known(lab: Lab, entity: str) -> dict[str, Any]:
    merged = lab.partition.entities.by_key[entity.encode()].facts
    return {name: value for name, (_, value) in merged.fields.items()}


def test_the_higher_authority_wins_whenever_it_speaks() -> None:
    for order in (("engine", "kubernetes"), ("kubernetes", "engine")):
        lab, shop = Lab(), Source()
        for authority in order:
            name = f"named-by-{authority}"
            lab.judge([shop.says(A, facts(authority=authority, **{"container.name": name, "host.name": authority}))])
        lab.judge(
            [shop.says(A, facts(authority="sensor", **{"container.name": "sensor", "container.ip": ["10.0.0.1"]}))]
        )
        assert known(lab, A)["container.name"] == "named-by-kubernetes"
        assert known(lab, A)["container.ip"] == ["10.0.0.1"]


def test_of_one_authority_the_later_offset_wins_not_the_later_clock() -> None:
    lab, shop = Lab(), Source()
    lab.judge([shop.says(A, facts(**{"container.name": "old"}), seconds=500)])
    lab.judge([shop.says(A, facts(**{"container.name": "new"}), seconds=1)])
    assert known(lab, A)["container.name"] == "new"


def test_a_restart_with_fewer_settings_has_fewer() -> None:
    lab, shop = Lab(), Source()
    lab.judge([shop.says(A, facts(**{"container.settings.privileged": True, "container.settings.user": "0"}))])
    before = lab.partition.entities.by_key[A.encode()].context
    lab.judge([shop.says(A, facts(**{"container.settings.user": "0"}))])
    assert "container.settings.privileged" not in known(lab, A)
    assert lab.partition.entities.by_key[A.encode()].context is not before
    lab.restart()
    assert "container.settings.privileged" not in known(lab, A)


def test_facts_are_judged_with_what_they_say_themselves_and_once() -> None:
    lab, shop = Lab(), Source()
    judged = lab.judge([shop.says(A, facts(**{"container.name": "one"}) | {"verdict.outcome": "authorized"})])
    assert judged[0]["container.name"] == "one"
    assert judged[0]["verdict.outcome"] == "undetermined"
    assert not lab.partition.entities.by_key[A.encode()].memo


# Entities of which no facts have come


def amendments(records: list[Event]) -> Iterator[Event]:
    return (record for record in records if record["event.action"] == "amendment")


def test_without_facts_a_container_is_its_own_principal() -> None:
    lab, shop = Lab(), Source()
    for _ in range(2):
        (judged,) = lab.judge([shop.says(A, SHELL)])
        assert judged["verdict.principal"] == f"unknown:{A}"
        assert judged["verdict.context"] == "missing"
    (host,) = lab.judge([shop.says("host:node-1", SHELL)])
    assert host["verdict.principal"] == "host:node-1"
    assert host["verdict.context"] != "missing"


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("restarted", [True, False])
def test_facts_amend_each_activity_of_each_source_once(*, together: bool, restarted: bool) -> None:
    lab, shop, node = Lab(), Source("shop"), Source("node")
    events = [
        shop.says(A, SHELL),
        node.says(A, SHELL, 2.0),
        shop.says(B, NGINX),
        shop.says(A, NGINX),
        shop.says(A, SHELL),
        node.says(A, SHELL),
        shop.says(A, SHELL, 7.0),
    ]
    named = shop.says(A, facts())
    if together:
        records = lab.judge([*events, named])
    else:
        for one in events:
            lab.judge([one])
        if restarted:
            lab.restart()
        records = lab.judge([named])
    found = {
        (one["verdict.activity"], one["amendment.first"], one["amendment.last"]): one for one in amendments(records)
    }
    assert {key: one["amendment.count"] for key, one in found.items()} == {
        (digest(SHELL), "shop:0000:000000000001", "shop:0000:000000000005"): 3,
        (digest(SHELL), "node:0000:000000000001", "node:0000:000000000002"): 2,
        (digest(NGINX), "shop:0000:000000000003", "shop:0000:000000000003"): 1,
    }
    assert sorted(one["event.id"] for one in found.values()) == [f"judge:0000:{number:012d}" for number in (1, 2, 3)]
    for one in found.values():
        assert one["verdict.principal"] == "container:/shop/web/"
        assert one["verdict.context"] == lab.partition.entities.by_key[A.encode()].context.hash
        assert one["workload.name"] == "web"
    moved(lab, events)


def moved(lab: Lab, events: list[Any]) -> None:
    counts = lab.counts()
    assert counts[digest(SHELL)] == 5
    assert counts[digest(NGINX)] == 2
    shells = [row for row in lab.rows.values() if row["activity.digest"] == digest(SHELL)]
    assert [row["activity.principal"] for row in shells] == ["container:/shop/web/"]
    assert (shells[0]["activity.first"], shells[0]["activity.last"]) == (at(0), at(7))
    assert f"unknown:{B}" in {row["activity.principal"] for row in lab.rows.values()}
    assert lab.partition.ledger.marks.outcomes == {"unauthorized": 5, "authorized": 2, "undetermined": 1}
    stored = {key for key, value in compacted(lab.log) if value is not None}
    assert not [key for key in stored if f"unknown:{A}".encode() in key]
    assert len(events) + 1 == sum(counts.values())


def test_facts_without_a_workload_leave_a_container_provisional_until_it_has_one() -> None:
    lab, shop = Lab(), Source()
    lab.judge([shop.says(A, SHELL)])
    lab.judge([shop.says(A, facts(None, "sensor"))])
    (judged,) = lab.judge([shop.says(A, SHELL)])
    assert judged["verdict.principal"] == f"unknown:{A}"
    assert judged["container.image.name"] == "registry.example/web:1"
    records = lab.judge([shop.says(A, facts())])
    spans = [
        (one["amendment.first"][-1], one["amendment.last"][-1], one["amendment.count"]) for one in amendments(records)
    ]
    assert sorted(spans) == [("1", "1", 1), ("2", "2", 1), ("3", "3", 1)]
    lab.counts()
    assert {row["activity.principal"] for row in lab.rows.values()} == {"container:/shop/web/"}
    assert lab.counts()[digest(SHELL)] == 2
    assert len(lab.partition.contexts.by_hash) == 1


def test_an_amendment_may_change_the_verdict() -> None:
    web_only = "policy: web\nscope:\n  workload: web\nexec:\n  deny: /bin/sh\n"
    lab, shop = Lab(CompiledPolicies.compile(policies(web_only))), Source()
    (before,) = lab.judge([shop.says(A, SHELL)])
    records = lab.judge([shop.says(A, facts())])
    (after,) = amendments(records)
    (later,) = lab.judge([shop.says(A, SHELL)])
    assert after["verdict.outcome"] == later["verdict.outcome"] == "unauthorized"
    assert before["verdict.outcome"] in ("undetermined", "unauthorized")
    assert lab.counts()[digest(SHELL)] == 2


# Policies


def test_an_adoption_stands_before_the_first_event_that_it_decides() -> None:
    lab, shop = Lab(), Source()
    assert [one["adoption.hash"] for one in lab.commit(lab.partition.adoptions.policies(lab.policies, 0, at(0)))] == [
        lab.policies.hash
    ]
    assert lab.partition.adoptions.policies(lab.policies, 5, at(0)) == []
    lab.judge([shop.says(A, facts()), shop.says(A, NGINX), shop.says(A, NGINX)])
    assert lab.judge([shop.says(A, NGINX)])[0]["verdict.outcome"] == "authorized"
    old = lab.policies.hash
    (record,) = lab.adopt(FORBID_NGINX, 4)
    assert record["event.id"] == "judge:0000:000000000002"
    assert record["adoption.offset"] == 4
    assert record["adoption.hash"] == lab.policies.hash != old
    assert record["entity.id"] == "judge"
    assert not lab.partition.contexts.remembered_bytes
    (judged,) = lab.judge([shop.says(A, NGINX)])
    assert (judged["verdict.outcome"], judged["verdict.policy_hash"]) == ("unauthorized", lab.policies.hash)
    assert lab.counts()[digest(NGINX)] == 4
    assert lab.partition.ledger.marks.outcomes == {"undetermined": 1, "authorized": 3, "unauthorized": 1}


def test_what_was_adopted_is_remembered() -> None:
    lab = Lab()
    lab.commit(lab.partition.adoptions.policies(lab.policies, 0, at(0)))
    lab.restart()
    assert lab.partition.adoptions.policies(lab.policies, 7, at(0)) == []


# Rows


@pytest.mark.parametrize("died", [False, True])
def test_what_a_policy_change_allows_is_said_so_though_it_never_happens_again(*, died: bool) -> None:
    lab, shop = Lab(), Source()
    lab.judge([shop.says(A, facts()), shop.says(A, SHELL), shop.says(A, SHELL), shop.says(A, NGINX)], flush=True)
    assert row_about(lab, "/bin/sh")["verdict.outcome"] == "unauthorized"
    lab.adopt("policy: ours\nexec: {allow: /bin/sh}\n", 5)
    written = lab.written_rows
    if died:
        lab.restart()
    assert lab.partition.ledger.pending
    lab.commit(flush=True)
    row = row_about(lab, "/bin/sh")
    assert (row["verdict.outcome"], row["verdict.policy"]) == ("authorized", "ours")
    assert (row["activity.count"], row["activity.unauthorized"]) == (2, 2)
    assert lab.written_rows == written + 1  # of what nobody was alerted to, nothing is said anew
    assert not lab.partition.ledger.pending
    if died:
        lab.restart()
        assert not lab.partition.ledger.pending


def test_what_was_adopted_while_nobody_judged_is_said_too() -> None:
    lab, shop = Lab(), Source()
    lab.adopt(FORBID_SHELLS, 0)
    lab.judge([shop.says(A, facts()), shop.says(A, SHELL)], flush=True)
    lab.policies = CompiledPolicies.compile(policies("policy: ours\nexec: {allow: /bin/sh}\n"))
    lab.restart()
    lab.commit(flush=True)
    assert row_about(lab, "/bin/sh")["verdict.outcome"] == "authorized"


def test_what_is_judged_anew_is_a_few_at_each_flush_and_none_is_forgotten() -> None:
    lab, shop = Lab(limits=replace(MANY, new_rows_a_second=10_000)), Source()
    shells = [does("/bin/sh", **{"process.args": ["sh", str(number)]}) for number in range(1_500)]
    lab.judge([shop.says(A, facts()), *(shop.says(A, shell) for shell in shells)], flush=True)
    lab.adopt("policy: ours\nexec: {allow: /bin/sh}\n", 5)
    lab.commit(flush=True)
    assert Tally(row["verdict.outcome"] for row in lab.rows.values())["unauthorized"] == 500
    lab.restart()
    lab.judge([shop.says(A, shells[-1])])
    while lab.partition.ledger.pending:
        lab.commit(flush=True)
    assert {row["verdict.outcome"] for row in lab.rows.values() if row["event.action"] == "exec"} == {"authorized"}


def row_about(lab: Lab, program: str) -> Event:
    (row,) = (row for row in lab.rows.values() if row.get("process.executable") == program)
    return row


def test_new_and_unauthorized_activities_are_rows_at_once_the_others_at_a_flush() -> None:
    lab, shop = Lab(), Source()
    lab.judge([shop.says(A, facts()), shop.says(A, NGINX), shop.says(A, SHELL)])
    assert len(lab.rows) == 3
    count = {row["activity.digest"]: row for row in lab.rows.values()}
    lab.judge([shop.says(A, NGINX), shop.says(A, SHELL)])
    rows = {row["activity.digest"]: row["activity.count"] for row in lab.rows.values()}
    assert (rows[digest(NGINX)], rows[digest(SHELL)]) == (1, 2)
    assert lab.partition.ledger.pending
    lab.commit(flush=True)
    rows = {row["activity.digest"]: row["activity.count"] for row in lab.rows.values()}
    assert (rows[digest(NGINX)], rows[digest(SHELL)]) == (2, 2)
    assert not lab.partition.ledger.pending
    assert count[digest(NGINX)]["activity.first_id"] == "shop:0000:000000000002"
    (nginx,) = [row for row in lab.rows.values() if row["activity.digest"] == digest(NGINX)]
    assert nginx["activity.last_id"] == "shop:0000:000000000004"
    assert nginx["verdict.outcome"] == "authorized"
    assert nginx["process.executable"] == "/usr/bin/nginx"
    assert nginx["container.image.name"] == "registry.example/web:1"


def test_too_many_changed_counts_are_not_left_to_one_record() -> None:
    lab, shop = Lab(), Source()
    lab.judge([shop.says(A, facts())])
    for _ in range(2):
        lab.judge(shop.says(A, does(f"/bin/{number}"), number) for number in range(1_500))
        lab.judge(shop.says(f"host:{number}", NGINX) for number in range(1_500))
        assert max(len(value or b"") for _, value in lab.log) < 900_000
    assert lab.counts().total() == 6_001


# Letting go


def days(number: float) -> float:
    return number * DAY / SECOND


def test_heartbeats_get_no_verdict_and_move_the_clock() -> None:
    lab, shop = Lab(), Source()
    (beat,) = lab.judge([shop.says("host:node-1", HEARTBEAT | {"heartbeat.number": 7, "verdict.outcome": "x"}, 60)])
    assert beat["heartbeat.number"] == 7
    assert not [name for name in beat if name.startswith("verdict.")]
    assert lab.partition.ledger.marks.heartbeats == 1
    assert not lab.counts()
    assert lab.partition.ledger.marks.clock == at(60)


def test_an_ended_entity_leaves_after_a_day_a_silent_one_after_seven() -> None:
    lab, shop = Lab(), Source()
    lab.judge([shop.says(one, facts()) for one in (A, B, C)])
    gone = does("", **{"event.action": "container-destroy", "process.executable": None})
    lab.judge([shop.says(C, gone)])
    lab.judge([shop.says(A, gone), shop.says(C, NGINX, days(0.5))], flush=True)
    assert set(lab.partition.entities.by_key) == {A.encode(), B.encode(), C.encode()}
    lab.judge([shop.says("host:x", NGINX, days(1.1))], flush=True)
    assert set(lab.partition.entities.by_key) == {B.encode(), b"host:x"}
    lab.judge([shop.says("host:x", NGINX, days(8))], flush=True)
    assert set(lab.partition.entities.by_key) == {b"host:x"}
    assert not [key for key, value in compacted(lab.log) if key.startswith(b"entity/") and value is not None]


def test_who_acts_is_not_silent() -> None:
    lab, shop = Lab(), Source()
    lab.judge([shop.says(A, facts()), shop.says(B, facts(None, "sensor"))])
    for day in range(20):
        lab.judge([shop.says(A, NGINX, days(day)), shop.says(B, NGINX, days(day))], flush=True)
    assert known(lab, A)["workload.name"] == "web"
    assert known(lab, B)["container.image.name"] == "registry.example/web:1"
    lab.restart()
    lab.judge([shop.says("host:x", NGINX, days(25))], flush=True)
    assert {A.encode(), B.encode()} <= set(lab.partition.entities.by_key)


def test_the_future_clock_of_one_sensor_ends_nobody() -> None:
    lab, shop = Lab(), Source()
    lab.judge([shop.says(A, facts(), 0)])
    mad = envelope(1, B, collector="mad", seconds=days(100)) | NGINX
    lab.judge([message(9, mad, appended=START + 60 * SECOND)], flush=True)
    assert lab.partition.ledger.marks.clock == at(60)
    assert A.encode() in lab.partition.entities.by_key


def test_what_is_told_late_is_told_of_a_container_that_another_source_has_ended_already() -> None:
    lab, engine = Lab(), Source()
    gone = does("", **{"event.action": "container-destroy", "process.executable": None})
    now = START + round(days(3)) * SECOND
    lab.judge(
        [message(1, envelope(1, A) | facts(), appended=now), message(2, envelope(2, A) | gone, appended=now + SECOND)]
    )
    beat = envelope(3, "host:x", seconds=days(3)) | HEARTBEAT | {"heartbeat.number": 7}
    lab.judge([message(3, beat, appended=now + 30 * SECOND)], flush=True)
    lab.restart()
    (told,) = lab.judge([message(4, envelope(1, A, collector="late") | NGINX, appended=now + 60 * SECOND)], flush=True)
    assert told["workload.name"] == "web"
    lab.judge([engine.says("host:x", NGINX, days(4.1))], flush=True)
    assert set(lab.partition.entities.by_key) == {b"host:x"}


# Gaps


def test_events_deleted_before_they_were_judged_are_one_finding() -> None:
    lab = Lab()
    (record,) = lab.commit(lab.partition.note_gap(3, 9, at(5)), flush=True)
    assert record["event.id"] == "judge:0000:000000000001"
    assert (record["gap.first"], record["gap.last"], record["gap.count"]) == ("offset 3", "offset 9", 7)
    assert (record["verdict.outcome"], record["verdict.by"]) == ("unauthorized", "sensor")
    (row,) = lab.rows.values()
    assert (row["activity.count"], row["verdict.outcome"]) == (1, "unauthorized")
    assert not lab.partition.ledger.marks.outcomes
    lab.commit(lab.partition.note_gap(10, 11, at(6)), flush=True)
    (row,) = lab.rows.values()
    assert row["activity.count"] == 2
