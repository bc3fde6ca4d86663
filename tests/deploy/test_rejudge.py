from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from deploy.rejudge import Rejudged, rejudge
from deploy.trial import judge_records
from producers.formats.docker import DockerFormat
from producers.normalise import Normaliser, records_of
from producers.types import FormatOptions
from schemas.codec import Event, dumps
from schemas.errors import Invalid
from schemas.policyset import Document, PolicySet, parse_policies

NOTHING = parse_policies([], date(2026, 6, 1))
WEB = "container:lab/shop/web/web"


def policies(text: str) -> PolicySet:
    return parse_policies([Document("a.yaml", text)], date(2026, 6, 1))


def event(number: int, action: str = "exec", entity: str = "c0ffee000001", **fields: Any) -> Event:
    named = {name.replace("__", "."): value for name, value in fields.items()}
    return {
        "event.id": f"a:0000:{number:012d}",
        "@timestamp": f"2026-05-31T10:00:{number:02d}.000000000Z",
        "entity.id": entity,
        "ecs.version": "9.1.0",
        "event.kind": "event",
        "event.action": action,
        "event.module": "auditd",
        "event.dataset": "auditd.log",
    } | named


def facts(number: int, entity: str = "c0ffee000001", **fields: Any) -> Event:
    workload = dict(zip(("cluster", "namespace", "name", "container"), WEB.rpartition(":")[2].split("/"), strict=True))
    told = event(number, "facts", entity, **fields) | {"event.kind": "state", "facts.authority": "engine"}
    return told | {f"workload.{key}": value for key, value in workload.items()}


def judged(records: list[Event | Invalid], old: PolicySet, new: PolicySet) -> Rejudged:
    return rejudge(lambda: records, old, new)


def summary(found: Rejudged) -> list[tuple[Any, ...]]:
    return [(one.principal, one.old, one.new, one.old_clause, one.new_clause, one.count) for one in found.changes]


SHELLS = "policy: p\nscope: {namespace: shop}\nexec: {deny: {name: shells, path: '**/sh'}}\n"


def test_changes_are_counted_by_principal_and_clause_with_examples() -> None:
    records = [facts(1), *(event(number, process__executable="/bin/sh") for number in range(2, 7))]
    found = judged([*records, event(7, process__executable="/bin/ls")], NOTHING, policies(SHELLS))
    assert summary(found) == [(WEB, "undetermined", "unauthorized", "nothing", "p: exec.shells", 5)]
    assert found.changes[0].examples == [f"a:0000:{number:012d}" for number in (2, 3, 4)]
    assert found.changes[0].reason.startswith("runs /bin/sh, which policy p denies")
    assert found.judged == 7
    assert "5 of container:lab/shop/web/web: undetermined (nothing) → unauthorized" in str(found.changes[0])


def test_facts_hold_from_the_first_record_on() -> None:
    records = [event(1, process__executable="/bin/sh"), facts(2)]
    assert summary(judged([*records], NOTHING, policies(SHELLS)))[0][0] == WEB


def test_a_verdict_that_stays_by_another_clause_is_counted_apart() -> None:
    other = policies("policy: q\nexec: {deny: /bin/*}\n")
    found = judged([facts(1), event(2, process__executable="/bin/sh")], policies(SHELLS), other)
    assert (found.changes, found.by_another_clause) == ([], 1)


def verdict(by: str, outcome: str, **fields: Any) -> dict[str, Any]:
    return {"verdict.by": by, "verdict.outcome": outcome, "verdict.principal": WEB, "verdict.context": "1"} | fields


SHOP = {"workload.namespace": "shop", "workload.name": "web"}


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (verdict("baseline", "authorized"), ("authorized", "unauthorized", "baseline", "p: exec.shells")),
        (verdict("rule", "unauthorized"), None),
        (verdict("nothing", "undetermined"), ("undetermined", "unauthorized", "nothing", "p: exec.shells")),
        (verdict("policy", "authorized"), ("undetermined", "unauthorized", "nothing", "p: exec.shells")),
    ],
)
def test_what_policies_do_not_decide_stays_as_it_was_recorded(
    recorded: dict[str, Any], expected: tuple[str, ...] | None
) -> None:
    record = event(1, process__executable="/bin/sh") | SHOP | recorded
    found = summary(judged([record], NOTHING, policies(SHELLS)))
    assert found == ([] if expected is None else [(WEB, *expected, 1)])


def test_an_allowance_does_not_overrule_a_rule_that_matched() -> None:
    record = event(1, process__executable="/bin/sh") | SHOP | verdict("rule", "unauthorized")
    assert judged([record], NOTHING, policies("policy: p\nexec: {allow: /bin/*}\n")).changes == []


def test_what_is_no_event_is_left_out_and_what_is_unreadable_is_told() -> None:
    own = event(1, "adoption", "judge", event__module="tidewaiter")
    amended = event(2, "amendment", event__module="tidewaiter", amendment__first="x") | verdict("policy", "authorized")
    found = judged([own, amended, Invalid("x:3: not JSON")], NOTHING, policies(SHELLS))
    assert (found.judged, found.unreadable) == (0, ["x:3: not JSON"])


def test_the_same_verdicts_change_as_when_all_is_judged_twice() -> None:
    actions = [
        {
            "Type": "container",
            "Action": action,
            "Actor": {"ID": f"{number:064x}", "Attributes": {"name": f"c{number}"}},
            "timeNano": 1,
        }
        for number in range(20)
        for action in ("create", "start", "exec_create: /bin/sh -c id", "attach", "die")
    ]
    normaliser = Normaliser(DockerFormat(FormatOptions(cluster="lab")))
    results = list(normaliser.run(records_of(map(dumps, actions), "x")))
    new = policies(
        "policy: p\ncontainers: {deny: container-attach, allow: container-die}\naccess: {exec_into_container: {deny: {commands: '*id'}}}\n"
    )
    twice = [[row["verdict.outcome"] for row in judge_records(results, one)] for one in (NOTHING, new)]
    changed = sum(old != now for old, now in zip(*twice, strict=True))
    found = judged([result for _, result in results], NOTHING, new)
    assert changed == sum(one.count for one in found.changes) == 60
