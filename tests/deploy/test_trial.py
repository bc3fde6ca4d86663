"""Learning from one file and judging another, with no service."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from deploy.trial import judge_records, learn_records
from schemas.baseline import Baseline
from schemas.codec import Event
from schemas.errors import Invalid
from schemas.policyset import Document, PolicySet, parse_policies
from tests.streams.judge.lab import does, envelope, facts, rules

WEB, DB = "container:/shop/web/", "container:/shop/db/"
A, B = "0123456789ab", "aaaaaaaaaaaa"
OLD, NEW = "sha256:old", "sha256:new"
NGINX, SH, CURL = does("/usr/bin/nginx"), does("/bin/sh"), does("/usr/bin/curl")
STARTED = {"event.kind": "event", "event.action": "container-start", "event.dataset": "docker.events"}
LOST = {"event.kind": "alert", "event.action": "telemetry-gap", "event.dataset": "falco.alerts", "gap.cause": "lost"}
Line = tuple[int, Event | Invalid]


def policies(text: str = "") -> PolicySet:
    return parse_policies([Document("x.yaml", text)] if text else [], date(2026, 1, 1))


def file_of(*events: tuple[str, Event] | Invalid) -> list[Line]:
    """Return what was read of the lines of a file, an event a second."""
    lines: list[Line] = []
    for number, one in enumerate(events, 1):
        lines.append((number, one if isinstance(one, Invalid) else envelope(number, one[0], seconds=number) | one[1]))
    return lines


def image(digest: str = OLD, workload: str = "web") -> Event:
    return facts(workload, **{"container.image.id": digest})


NORMAL = file_of((A, image()), (A, STARTED), (A, NGINX), (A, NGINX), (B, image(workload="db")), (B, SH))


def elements(baselines: list[Baseline], dimension: str = "exec") -> dict[str, Any]:
    return {one.principal: one.elements.get(dimension) for one in baselines}


def told(lines: list[Line], learned: list[Baseline], text: str = "") -> list[tuple[Any, ...]]:
    """Return outcome, by and baseline element of every program that was run."""
    rows = judge_records(lines, policies(text), learned)
    names = ("verdict.outcome", "verdict.by", "verdict.baseline.element")
    return [tuple(row.get(name) for name in names) for row in rows if row.get("event.action") == "exec"]


def test_what_one_file_teaches_another_is_judged_by() -> None:
    learned = learn_records(NORMAL, policies())
    attack = file_of((A, image()), (A, NGINX), (A, SH), (B, image(workload="db")), (B, SH), (B, CURL))
    assert told(attack, learned) == [
        ("authorized", "baseline", "/usr/bin/nginx"),
        ("unauthorized", "baseline", "/bin/sh"),
        ("authorized", "baseline", "/bin/sh"),
        ("unauthorized", "baseline", "/usr/bin/curl"),
    ]
    assert told(attack, []) == [("undetermined", "nothing", None)] * 4


def test_what_was_learned_is_a_first_version_of_every_principal_in_the_order_of_names() -> None:
    db, web = learn_records(NORMAL, policies())
    assert (db.principal, web.principal) == (DB, WEB)
    assert (web.version, web.releases, web.partial) == (1, (OLD,), ())
    assert web.elements["exec"] == (("/usr/bin/nginx",),)
    assert db.partial == ("first met while it ran",)
    assert web.author == "policy:default"
    assert web.reason.startswith("2 observations of 1 replicas in 0.0 hours")
    assert [one.hash for one in learn_records(NORMAL, policies())] == [db.hash, web.hash]


def test_of_a_container_that_no_facts_tell_of_nothing_is_learned() -> None:
    learned = learn_records(file_of((A, NGINX), ("host:node", SH)), policies())
    assert elements(learned) == {"host:node": (("/bin/sh",),)}


def test_facts_that_come_late_tell_whose_the_events_before_them_were() -> None:
    assert elements(learn_records(file_of((A, NGINX), (A, SH), (A, image())), policies())) == {
        WEB: (("/bin/sh",), ("/usr/bin/nginx",))
    }


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("policy: p\nexec: {deny: /bin/sh}\n", SH),
        ("policy: p\nfindings: {level: medium}\n", SH | {"rule.name": "Shell", "rule.level": "high"}),
    ],
)
def test_what_policy_or_sensor_forbids_is_not_learned(text: str, event: Event) -> None:
    learned = learn_records(file_of((A, image()), (A, NGINX), (A, event)), policies(text))
    assert elements(learned) == {WEB: (("/usr/bin/nginx",),)}


@pytest.mark.parametrize(("workload", "left_out"), [("web", True), ("db", False)])
def test_the_policy_of_a_workload_says_what_of_it_is_left_out(workload: str, *, left_out: bool) -> None:
    text = f"policy: p\nscope: {{namespace: shop, workload: {workload}}}\nlearn: {{leave_out: args}}\n"
    (web,) = learn_records(file_of((A, image()), (A, NGINX)), policies(text))
    assert ("args" not in web.elements) == left_out
    assert web.author == ("policy:p" if left_out else "policy:default")


@pytest.mark.parametrize("who", ["host:node", "collector:shop"])
def test_a_gap_in_the_file_is_told_of_whoever_was_learned_meanwhile(who: str) -> None:
    lines = file_of((A, image()), (A, STARTED), (who, LOST), (A, NGINX))
    learned = {one.principal: one.partial for one in learn_records(lines, policies())}
    assert learned == {WEB: ("telemetry gap: lost",)}


def test_what_could_not_be_read_teaches_nothing_and_is_told_when_it_is_judged() -> None:
    wrong = file_of((A, image()), Invalid("not JSON"), (A, NGINX), (A, NGINX | {"event.dataset": 7}))
    assert elements(learn_records(wrong, policies())) == {WEB: (("/usr/bin/nginx",),)}
    rows = list(judge_records(wrong, policies(), learn_records(wrong, policies())))
    assert [row.get("verdict.outcome", row.get("error")) for row in rows[1:3]] == ["not JSON", "authorized"]
    assert "event.dataset" in rows[3]["error"]


def test_a_file_of_nothing_teaches_nothing() -> None:
    assert learn_records([], policies()) == []
    assert list(judge_records([], policies(), [])) == []


def test_a_poisoned_release_is_unauthorized_in_the_one_thing_more_and_named() -> None:
    learned = learn_records(NORMAL, policies())
    rows = list(judge_records(file_of((A, image(NEW)), (A, NGINX), (A, CURL)), policies(), learned))
    assert [row["verdict.outcome"] for row in rows[1:]] == ["authorized", "unauthorized"]
    assert rows[2]["verdict.baseline.release"] == NEW
    assert rows[2]["verdict.reason"].endswith(f"; new in release {NEW}")


def test_files_learned_together_teach_what_both_tell() -> None:
    later = [(line, event) for line, event in file_of((A, image()), (A, CURL))]
    assert elements(learn_records([*NORMAL, *later], policies()))[WEB] == (("/usr/bin/curl",), ("/usr/bin/nginx",))


SHELL_RULE = """
    title: Shell in container
    id: 5f0b6a0e-0000-4000-8000-000000000001
    level: high
    logsource: {category: process_creation, product: linux}
    detection:
      selection: {Image|endswith: /sh}
      condition: selection
"""


def test_a_row_names_the_rule_its_level_its_file_and_the_fields_that_matched() -> None:
    lines = file_of((A, image()), (A, NGINX), (A, SH))
    rows = list(judge_records(lines, policies("policy: p\nfindings: {level: medium}\n"), [], rules(SHELL_RULE)))
    assert [row["verdict.by"] for row in rows] == ["nothing", "nothing", "rule"]
    assert [row["verdict.rule.name"] for row in rows] == [None, None, "Shell in container"]
    named = {name: rows[-1][f"verdict.rule.{name}"] for name in ("id", "level", "file", "fields")}
    assert named == {
        "id": "5f0b6a0e-0000-4000-8000-000000000001",
        "level": "high",
        "file": "0.yml",
        "fields": ["process.executable"],
    }


def test_what_a_rule_forbids_is_not_learned() -> None:
    lines = file_of((A, image()), (A, NGINX), (A, SH))
    (web,) = learn_records(lines, policies("policy: p\nfindings: {level: medium}\n"), rules(SHELL_RULE))
    assert web.elements["exec"] == (("/usr/bin/nginx",),)


SHELLS_RULES = (
    SHELL_RULE,
    """
    title: Two shells
    id: 5f0b6a0e-0000-4000-8000-000000000002
    correlation:
      type: event_count
      rules: [5f0b6a0e-0000-4000-8000-000000000001]
      group-by: [workload.name]
      timespan: 1m
      condition: {gte: 2}
    """,
    """
    title: Shells and then a download
    id: 5f0b6a0e-0000-4000-8000-000000000003
    level: critical
    tags: [attack.execution, attack.t1059.004]
    correlation:
      type: temporal_ordered
      rules: [5f0b6a0e-0000-4000-8000-000000000002, download]
      group-by: [workload.name]
      timespan: 1h
    """,
    """
    title: Download
    name: download
    logsource: {category: process_creation, product: linux}
    detection:
      selection: {Image|endswith: /curl}
      condition: selection
    """,
)


def test_what_correlations_find_stands_behind_all_rows_of_the_line_that_fulfilled_it() -> None:
    lines = file_of((A, image()), (A, SH), (A, NGINX), (A, SH), (A, SH), (A, CURL), (A, NGINX))
    rows = list(judge_records(lines, policies("policy: p\nfindings: {level: medium}\n"), [], rules(*SHELLS_RULES)))
    assert [row["verdict.by"] for row in rows[:7]] == ["nothing"] * 7
    (found,) = rows[7:]
    assert (found["input.line"], found["event.action"]) == (6, "correlation")
    assert (found["rule.name"], found["rule.level"]) == ("Shells and then a download", "critical")
    assert (found["entity.id"], found["finding.group"]) == (A, ["workload.name=web"])
    assert (found["verdict.outcome"], found["verdict.by"]) == ("unauthorized", "sensor")
    assert found["threat.technique.id"] == ["T1059.004"]
