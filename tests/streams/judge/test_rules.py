"""Rules in a partition: what they decide, what correlations count, and what is remembered of both."""

from __future__ import annotations

from collections import Counter as Tally
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import Event
from schemas.hit import Hit
from streams.judge.memo import Limits
from streams.judge.policy import CompiledPolicies
from streams.judge.rules import RulesInForce
from tests.streams.judge.lab import HEARTBEAT, Lab, Message, does, envelope, facts, message, policies, rules

A, B, C = "0123456789ab", "aaaaaaaaaaaa", "bbbbbbbbbbbb"
SHELL, NGINX, CURL = does("/bin/sh"), does("/usr/bin/nginx"), does("/usr/bin/curl")

SHELL_RULE = """
    title: Shell in container
    id: 5f0b6a0e-0000-4000-8000-000000000001
    level: high
    tags: [attack.execution, attack.t1059.004]
    logsource: {category: process_creation, product: linux}
    detection:
      selection: {Image|endswith: [/sh, /bash]}
      condition: selection
"""
CURL_RULE = """
    title: Download
    id: 5f0b6a0e-0000-4000-8000-000000000002
    name: download
    level: low
    logsource: {category: process_creation, product: linux}
    detection:
      selection: {Image|endswith: /curl}
      condition: selection
"""
DENIED_RULE = """
    title: Refused by policy
    id: 5f0b6a0e-0000-4000-8000-000000000003
    name: refused
    level: informational
    logsource: {product: tidewaiter, category: verdict}
    detection:
      selection: {verdict.outcome: unauthorized}
      condition: selection
"""
DOWNLOADS = """
    title: Many downloads
    id: 5f0b6a0e-0000-4000-8000-000000000011
    level: high
    correlation:
      type: event_count
      rules: [download]
      group-by: [workload.name]
      timespan: 1m
      condition: {gte: 3}
      generate: true
"""
REFUSALS = """
    title: Many refusals
    id: 5f0b6a0e-0000-4000-8000-000000000012
    level: high
    correlation:
      type: event_count
      rules: [refused]
      group-by: [entity.id]
      timespan: 1m
      condition: {gte: 3}
"""
LEVEL = "policy: p\nfindings: {level: medium}\n"


class Source:
    """A collector that numbers what it says."""

    def __init__(self) -> None:
        self.number = 0

    def says(self, entity: str, fields: Event, seconds: float = 0.0) -> Message:
        self.number += 1
        return message(self.number, envelope(self.number, entity, seconds=seconds) | fields)


def lab(*texts: str, policy: str = LEVEL, **options: Any) -> Lab:
    return Lab(CompiledPolicies.compile(policies(policy)), rules=rules(*texts), **options)


def known(made: Lab, shop: Source, entity: str = A) -> None:
    made.judge([shop.says(entity, facts())])


# What they decide


def test_a_verdict_names_the_rule_its_level_its_file_and_the_fields_that_matched() -> None:
    made, shop = lab(SHELL_RULE, CURL_RULE), Source()
    known(made, shop)
    (verdict,) = made.judge([shop.says(A, SHELL)])
    expected = {
        "verdict.outcome": "unauthorized",
        "verdict.by": "rule",
        "verdict.reason": 'rule "Shell in container" (high) matched process.executable',
        "verdict.policy": "p",
        "verdict.clause": "findings.level",
        "verdict.rule.id": "5f0b6a0e-0000-4000-8000-000000000001",
        "verdict.rule.name": "Shell in container",
        "verdict.rule.level": "high",
        "verdict.rule.file": "0.yml",
        "verdict.rule.fields": ["process.executable"],
        "verdict.rules": ["5f0b6a0e-0000-4000-8000-000000000001"],
        "verdict.rules_hash": made.rules.hash,
        "verdict.level": "high",
        "verdict.techniques": ["T1059.004"],
    }
    assert {name: verdict.get(name) for name in expected} == expected


def test_a_rule_below_the_level_is_named_and_decides_nothing() -> None:
    made, shop = lab(SHELL_RULE, CURL_RULE), Source()
    known(made, shop)
    (verdict,) = made.judge([shop.says(A, CURL)])
    assert (verdict["verdict.outcome"], verdict["verdict.by"]) == ("undetermined", "nothing")
    assert verdict["verdict.rules"] == ["5f0b6a0e-0000-4000-8000-000000000002"]
    assert "verdict.rule.id" not in verdict


def test_every_verdict_names_the_set_also_the_empty_one() -> None:
    made, shop = lab(), Source()
    known(made, shop)
    (verdict,) = made.judge([shop.says(A, SHELL)])
    assert verdict["verdict.rules_hash"] == RulesInForce.none().hash
    assert verdict["verdict.by"] == "nothing"


def test_rules_read_what_acts_the_facts_and_the_activity() -> None:
    hosts = SHELL_RULE.replace("Image|endswith: [/sh, /bash]", "entity.kind: host")
    images = SHELL_RULE.replace("Image|endswith: [/sh, /bash]", "container.image.name|startswith: registry.example/")
    for text, container, host in ((hosts, "nothing", "rule"), (images, "rule", "nothing")):
        made, shop = lab(text), Source()
        known(made, shop)
        found = made.judge([shop.says(A, SHELL), shop.says("host:n1", SHELL)])
        assert [one["verdict.by"] for one in found] == [container, host]


def test_a_rule_set_is_adopted_between_events_and_what_was_remembered_goes() -> None:
    made, shop = lab(), Source()
    known(made, shop)
    first, second = made.judge([shop.says(A, SHELL), shop.says(A, SHELL)])
    (adoption,) = made.adopt_rules(rules(SHELL_RULE), 4)
    assert (adoption["adoption.subject"], adoption["adoption.hash"], adoption["adoption.offset"]) == (
        "rules",
        made.rules.hash,
        4,
    )
    (third,) = made.judge([shop.says(A, SHELL)])
    assert [one["verdict.by"] for one in (first, second, third)] == ["nothing", "nothing", "rule"]
    assert first["verdict.rules_hash"] != third["verdict.rules_hash"] == made.rules.hash
    made.restart()
    assert made.commit(made.partition.adoptions.rules(made.rules, 5, "2026-01-01T00:00:00.000000000Z")) == []


def test_what_a_rule_forbids_stands_in_its_row_as_unauthorized_so_that_it_is_not_learned() -> None:
    made, shop = lab(SHELL_RULE), Source()
    known(made, shop)
    made.judge([shop.says(A, SHELL), shop.says(A, NGINX)], flush=True)
    rows = {row.get("process.executable"): row for row in made.rows.values()}
    assert rows["/bin/sh"]["verdict.outcome"] == "unauthorized"
    assert rows["/bin/sh"]["verdict.by"] == "rule"
    assert rows["/usr/bin/nginx"]["verdict.outcome"] == "undetermined"


# What correlations count


def ids(hits: list[Hit]) -> list[str]:
    return [hit.event for hit in hits]


def test_every_event_is_counted_also_of_an_activity_that_is_known() -> None:
    made, shop = lab(CURL_RULE, DOWNLOADS), Source()
    known(made, shop)
    known(made, shop, B)
    messages = [shop.says(entity, CURL, seconds=second) for second in range(5) for entity in (A, B)]
    verdicts = made.judge([*messages, shop.says(A, NGINX)])
    assert ids(made.hits) == [verdict["event.id"] for verdict in verdicts[:-1]]
    hit = made.hits[3]
    assert (hit.correlation, hit.group, hit.entity) == ("5f0b6a0e-0000-4000-8000-000000000011", ("web",), B)
    assert hit.time == verdicts[3]["@timestamp"]
    assert hit.principal == "container:/shop/web/"


def test_what_was_decided_is_counted_where_a_rule_reads_verdicts() -> None:
    made, shop = lab(SHELL_RULE, DENIED_RULE, REFUSALS), Source()
    known(made, shop)
    verdicts = made.judge([shop.says(A, SHELL), shop.says(A, NGINX), shop.says(A, SHELL)])
    assert ids(made.hits) == [verdicts[0]["event.id"], verdicts[2]["event.id"]]
    assert {hit.group for hit in made.hits} == {(A,)}
    assert verdicts[0]["verdict.rules"] == ["5f0b6a0e-0000-4000-8000-000000000001"]


def test_what_the_judge_says_by_itself_is_not_counted() -> None:
    made = lab(DENIED_RULE, REFUSALS)
    (gap,) = made.commit(made.partition.note_gap(3, 8, "2026-01-01T00:00:00.000000000Z"))
    assert gap["verdict.outcome"] == "unauthorized"
    assert made.hits == []


def test_heartbeats_and_what_is_no_event_are_not_counted() -> None:
    made, shop = lab(CURL_RULE, DOWNLOADS), Source()
    known(made, shop)
    made.judge([shop.says(A, HEARTBEAT), Message(9, A.encode(), b"{")])
    assert made.hits == []
    assert len(made.dead) == 1


def test_a_container_without_facts_is_counted_by_its_own_principal() -> None:
    made, shop = lab(CURL_RULE, DOWNLOADS), Source()
    made.judge([shop.says(C, CURL), shop.says(C, CURL)])
    known(made, shop, C)
    made.judge([shop.says(C, CURL)])
    assert [hit.principal for hit in made.hits] == ["unknown:bbbbbbbbbbbb"] * 2 + ["container:/shop/web/"]
    assert [hit.group for hit in made.hits] == [(None,), (None,), ("web",)]


def test_a_transaction_that_dies_counts_nothing() -> None:
    made, shop = lab(CURL_RULE, DOWNLOADS), Source()
    known(made, shop)
    batch = [shop.says(A, CURL), shop.says(A, CURL)]
    made.judge(batch, crash=True)
    assert made.hits == []
    made.judge(batch)
    assert len(made.hits) == 2


def test_another_rule_set_counts_otherwise() -> None:
    made, shop = lab(CURL_RULE, DOWNLOADS), Source()
    known(made, shop)
    made.judge([shop.says(A, CURL), shop.says(A, CURL)])
    made.adopt_rules(rules(CURL_RULE), 3)
    made.judge([shop.says(A, CURL), shop.says(A, CURL)])
    assert len(made.hits) == 2
    assert made.partition.contexts.remembered_bytes > 0


SETS = {
    "none": rules(),
    "counted": rules(CURL_RULE, DOWNLOADS),
    "both": rules(SHELL_RULE, CURL_RULE, DENIED_RULE, DOWNLOADS, REFUSALS),
}
ACTS = st.one_of(
    st.tuples(st.just("event"), st.sampled_from([A, B, C]), st.sampled_from([SHELL, NGINX, CURL])),
    st.tuples(st.just("facts"), st.sampled_from([A, B, C]), st.none()),
    st.tuples(st.just("rules"), st.sampled_from(sorted(SETS)), st.none()),
    st.tuples(st.sampled_from(["forget", "restart"]), st.just(""), st.none()),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(ACTS, max_size=25), st.sampled_from([Limits(2_000, 200), Limits(1, 1)]))
def test_hits_and_verdicts_are_the_same_with_a_memo_as_without_one(
    acts: list[tuple[str, str, Any]], limits: Limits
) -> None:
    quick, slow, shop = lab(limits=limits), lab(limits=limits, memo_bytes=1), Source()
    for kind, name, what in acts:
        if kind == "rules":
            for made in (quick, slow):
                made.adopt_rules(SETS[name], 0)
        elif kind == "forget":
            quick.partition.contexts.forget_verdicts()
        elif kind == "restart":
            quick.restart()
        else:
            batch = [shop.says(name, what or facts()) for _ in range(3)]
            judged = [made.judge(batch) for made in (quick, slow)]
            assert judged[0] == judged[1]
    assert quick.hits == slow.hits
    assert set(Tally((hit.event, hit.correlation) for hit in quick.hits).values()) <= {1}
