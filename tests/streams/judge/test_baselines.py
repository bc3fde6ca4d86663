"""Baselines in force: which they are, what the judge decides by them, and what it writes of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.baseline import Baseline, Change, Elements, Profile
from schemas.codec import Event, encode_event
from schemas.errors import ConfigurationError
from schemas.event import validate_event
from streams.baseline.seen import is_gap
from streams.judge.baselines import Baselines
from streams.judge.contexts import size_of
from streams.judge.memo import Known
from streams.judge.policy import CompiledPolicies
from streams.judge.told import tell_life
from tests.streams.judge.lab import (
    DAY,
    SECOND,
    Lab,
    Message,
    at,
    does,
    envelope,
    facts,
    message,
    parsed,
    policies,
)

A, B, C = "0123456789ab", "aaaaaaaaaaaa", "bbbbbbbbbbbb"
WEB, DB = "container:/shop/web/", "container:/shop/db/"
NGINX, SH, CURL = does("/usr/bin/nginx"), does("/bin/sh"), does("/usr/bin/curl")
OLD, NEW = "sha256:old", "sha256:new"
KNOWN: Elements = {"exec": (("/usr/bin/nginx",),)}
NO_POLICY = CompiledPolicies.compile(policies(""))


def profile_of(
    principal: str = WEB,
    elements: Elements | None = KNOWN,
    version: int = 1,
    changes: Iterable[Change] = (),
    **more: Any,
) -> Profile:
    """Return an active profile; for None one that learns."""
    baseline = None if elements is None else Baseline(principal, version, elements, **{"releases": (OLD,)} | more)
    return Profile(principal, "active" if baseline else "learning", baseline=baseline, changes=tuple(changes))


def change(number: int, **more: Any) -> Change:
    """Return a step of a life."""
    made = Change(at(number), "ada", "forbid", "so", "active", number, "c0ffee", number=number)
    return replace(made, **more)


@dataclass(slots=True)
class World(Lab):
    """A partition of a judge that has read ``baselines``."""

    baselines: Baselines = field(default_factory=Baselines)
    written: dict[str, bytes] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    sent: int = 0

    def restart(self) -> None:
        """Begin anew: what is in force is read from its topic again, in another order."""
        Lab.restart(self)
        self.baselines, self.changed = Baselines(), set()
        for principal, value in Random(self.sent).sample(sorted(self.written.items()), len(self.written)):
            self.baselines.put(principal.encode(), value)
        self.partition.contents.baselines = self.baselines

    def put(self, *profiles: Profile) -> list[Event]:
        """Put baselines in force and return what the judge writes before its next event."""
        for profile in profiles:
            self.written[profile.principal] = profile.encode()
            if self.baselines.put(profile.principal.encode(), profile.encode()):
                self.changed.add(profile.principal)
        return self.adopt_baselines()

    def adopt_baselines(self) -> list[Event]:
        records = self.partition.adoptions.baselines(self.changed, self.sent, at(0))
        self.changed = set()
        return self.commit(records)

    def tell(self, profile: Profile) -> list[Event]:
        return self.commit(tell_life(profile, self.partition.ledger))

    def says(self, entity: str, fields: Event, seconds: float = 0.0) -> Message:
        self.sent += 1
        return message(self.sent, envelope(self.sent, entity, seconds=seconds) | fields)

    def ask(self, entity: str, fields: Event) -> Event:
        """Return the record of one event."""
        return self.judge([self.says(entity, fields)])[0]


def world(*profiles: Profile, policy: CompiledPolicies = NO_POLICY) -> World:
    """Return a judge of two containers of ``web`` and one of ``db``."""
    made = World(policies=policy)
    made.put(*profiles)
    made.judge(
        made.says(entity, facts(workload, **{"container.image.id": OLD}))
        for entity, workload in ((A, "web"), (B, "web"), (C, "db"))
    )
    return made


def said(record: Event, *names: str) -> list[Any]:
    return [record.get(f"verdict.{name}") for name in names]


# Which are in force


def records_of(drawn: Iterable[tuple[str, int, int]]) -> list[tuple[bytes, bytes | None]]:
    """Return records of principals: version 0 is a tombstone, version 1 one that learns."""
    made: list[tuple[bytes, bytes | None]] = []
    for principal, version, content in drawn:
        elements: Elements | None = {"exec": ((f"/bin/{content}",),)} if version > 1 else None
        made.append((principal.encode(), profile_of(principal, elements, version).encode() if version else None))
    return made


DRAWN = st.lists(st.tuples(st.sampled_from(["a", "b", "host:c"]), st.integers(0, 3), st.integers(0, 1)), max_size=12)


@given(DRAWN, st.randoms(use_true_random=False))
def test_all_that_is_in_force_has_one_name_however_it_came_into_force(
    drawn: list[tuple[str, int, int]], random: Random
) -> None:
    lived, read = Baselines(), Baselines()
    records = records_of(drawn)
    for key, value in records:
        before = lived.hash
        assert lived.put(key, value) == (lived.hash != before)
    compacted = list(dict(records).items())
    for key, value in random.sample(compacted, len(compacted)):
        read.put(key, value)
    assert read.hash == lived.hash
    assert (read.hash == "") == (not any(read.of(name) for name in read.principals()))
    assert {name: read.profile(name) for name in read.principals()} == {
        name: lived.profile(name) for name in lived.principals()
    }


@given(st.lists(DRAWN, min_size=2, max_size=2))
def test_two_sets_of_versions_have_one_name_only_if_they_are_the_same(drawn: list[list[tuple[str, int, int]]]) -> None:
    one, other = Baselines(), Baselines()
    for baselines, records in zip((one, other), map(records_of, drawn), strict=True):
        for key, value in records:
            baselines.put(key, value)
    assert (one.hash == other.hash) == (in_force(one) == in_force(other))


def in_force(baselines: Baselines) -> dict[str, tuple[int, str]]:
    found = {name: baselines.of(name) for name in baselines.principals()}
    return {name: (one.baseline.version, one.hash) for name, one in found.items() if one}


def test_a_baseline_is_compiled_once_and_anew_when_another_version_decides() -> None:
    baselines = Baselines()
    assert baselines.of(WEB) is None
    assert baselines.put(WEB.encode(), profile_of().encode())
    first = baselines.of(WEB)
    assert first is not None
    assert not baselines.put(WEB.encode(), profile_of(changes=[change(1)]).encode())
    assert baselines.of(WEB) is first
    assert baselines.put(WEB.encode(), profile_of(elements=None).encode())
    assert baselines.of(WEB) is None
    assert baselines.put(WEB.encode(), profile_of().encode())
    assert baselines.put(WEB.encode(), None)
    assert baselines.of(WEB) is None
    assert (baselines.principals(), baselines.profile(WEB)) == ([], None)


def test_the_same_content_under_another_number_is_another_version_since_verdicts_name_it() -> None:
    made = world(profile_of(version=1))
    assert said(made.ask(A, NGINX), "baseline.version") == [1]
    (adopted,) = made.put(profile_of(version=2))
    assert adopted["adoption.subject"] == "baselines"
    assert said(made.ask(A, NGINX), "baseline.version") == [2]


@pytest.mark.parametrize("record", [b"garbage", b"{}", b'{"baseline":{},"principal":"x"}'])
def test_what_is_no_profile_stops_the_judge_and_is_named(record: bytes) -> None:
    with pytest.raises(ConfigurationError, match=f"the baseline of {WEB} cannot be read.*run the version"):
        Baselines().put(WEB.encode(), record)


# What is decided by them


def test_what_a_baseline_knows_is_authorized_by_version_hash_dimension_and_element() -> None:
    made = world(profile_of(version=3))
    record = made.ask(A, NGINX)
    assert said(record, "outcome", "by", "reason") == [
        "authorized",
        "baseline",
        "runs /usr/bin/nginx, which baseline v3 knows",
    ]
    assert said(record, "baseline.version", "baseline.dimension", "baseline.element") == [3, "exec", "/usr/bin/nginx"]
    assert said(record, "baseline.hash", "baseline.nearest", "baseline.release") == [
        profile_hash(profile_of()),
        None,
        None,
    ]


def profile_hash(profile: Profile) -> str:
    assert profile.baseline is not None
    return profile.baseline.hash


def test_what_it_does_not_know_is_unauthorized_with_what_is_nearest_and_the_release() -> None:
    made = world(profile_of())
    made.ask(A, facts(**{"container.image.id": NEW}))
    record = made.ask(A, CURL)
    assert said(record, "outcome", "by", "baseline.element") == ["unauthorized", "baseline", "/usr/bin/curl"]
    assert said(record, "baseline.nearest", "baseline.release") == ["/usr/bin/nginx", NEW]
    assert record["verdict.reason"] == (
        "runs /usr/bin/curl, which it never did here: baseline v1 knows 1 executable, the nearest /usr/bin/nginx; "
        f"new in release {NEW}"
    )
    assert said(made.ask(B, CURL), "outcome", "baseline.release") == ["unauthorized", None]


def test_another_content_of_a_program_names_both_hashes() -> None:
    one, other = "a" * 64, "b" * 64
    made = world(profile_of(elements=KNOWN | {"hash": (("/usr/bin/nginx", one),)}))
    record = made.ask(A, NGINX | {"process.hash.sha256": other})
    assert said(record, "outcome", "baseline.dimension") == ["unauthorized", "hash"]
    assert one in record["verdict.reason"]
    assert other in record["verdict.reason"]


def test_a_dimension_that_was_not_observed_or_left_out_decides_nothing() -> None:
    record = world(profile_of()).ask(A, does("/usr/bin/nginx", **{"event.action": "open", "file.path": "/etc/x"}))
    assert said(record, "outcome", "by", "baseline.version") == ["undetermined", "nothing", None]
    assert record["verdict.reason"] == "no policy speaks of it, and baseline v1 decides on none of its dimensions"


def test_who_learns_is_decided_on_by_no_baseline() -> None:
    made = world(profile_of(elements=None))
    assert said(made.ask(A, CURL), "outcome", "by", "reason") == ["undetermined", "nothing", "no policy speaks of it"]
    assert said(made.ask(C, CURL), "outcome", "by") == ["undetermined", "nothing"]


def test_a_container_without_facts_has_no_baseline_until_they_come() -> None:
    made = World(policies=NO_POLICY)
    made.put(profile_of(), profile_of(f"unknown:{A}", {"exec": (("/bin/sh",),)}))
    assert said(made.ask(A, SH), "outcome", "context", "baseline.version") == ["undetermined", "missing", None]
    _, amendment = made.judge([made.says(A, facts())])
    assert amendment["event.action"] == "amendment"
    assert said(amendment, "outcome", "by", "baseline.version") == ["unauthorized", "baseline", 1]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("policy: p\nexec: {deny: /usr/bin/nginx}\n", ["unauthorized", "policy"]),
        ("policy: p\nexec: {allow: /usr/bin/nginx}\n", ["authorized", "policy"]),
        ("policy: p\nfiles: {deny: /etc/shadow}\n", ["authorized", "baseline"]),
    ],
)
def test_a_policy_that_speaks_comes_before_the_baseline(policy: str, expected: list[str]) -> None:
    made = world(profile_of(), policy=CompiledPolicies.compile(policies(policy)))
    assert said(made.ask(A, NGINX), "outcome", "by") == expected


FINDING = {"event.module": "falco", "rule.name": "Shell", "rule.level": "high"}
EXCEPT = "exceptions: {rule: Shell, principal: '*', reason: wrong here, owner: ops, expires: never}\n"


def test_a_finding_comes_before_the_baseline_and_one_that_is_set_aside_lets_it_decide() -> None:
    level = "policy: p\nfindings: {level: medium}\n"
    finding = world(profile_of(), policy=CompiledPolicies.compile(policies(level))).ask(A, NGINX | FINDING)
    assert said(finding, "outcome", "by") == ["unauthorized", "sensor"]
    set_aside = world(profile_of(), policy=CompiledPolicies.compile(policies(level + EXCEPT)))
    assert said(set_aside.ask(A, NGINX | FINDING), "outcome", "by", "exception") == [
        "authorized",
        "baseline",
        "p: Shell",
    ]
    assert said(set_aside.ask(A, CURL | FINDING), "outcome", "by", "exception") == [
        "unauthorized",
        "baseline",
        "p: Shell",
    ]


# Adoption


def test_an_adoption_stands_before_the_first_verdict_under_another_version_and_once() -> None:
    made = world()
    assert said(made.ask(A, NGINX), "outcome") == ["undetermined"]
    (adopted,) = made.put(profile_of())
    assert (adopted["event.action"], adopted["adoption.subject"]) == ("adoption", "baselines")
    assert (adopted["adoption.hash"], adopted["adoption.offset"]) == (made.baselines.hash, 4)
    assert adopted["event.id"] == "judge:0000:000000000001"
    validate_event(adopted)
    assert said(made.ask(A, NGINX), "outcome") == ["authorized"]
    assert made.put(profile_of(changes=[change(1)])) == []
    made.restart()
    assert made.adopt_baselines() == []
    made.put(profile_of(DB))
    made.restart()
    assert made.put(profile_of(DB)) == []


def test_what_came_into_force_while_no_judge_was_there_is_adopted_by_the_next_one() -> None:
    made = world(profile_of())
    made.written[WEB] = profile_of(elements={"exec": ()}, version=2).encode()
    made.restart()
    (adopted,) = made.adopt_baselines()
    assert adopted["adoption.hash"] == made.baselines.hash
    assert said(made.ask(A, NGINX), "outcome", "baseline.version") == ["unauthorized", 2]


# What is forgotten


def memo(made: World, entity: str) -> dict[bytes, Known]:
    return dict(made.partition.entities.by_key[entity.encode()].context.memo)


def test_only_principals_whose_version_changed_are_judged_anew() -> None:
    made = world(profile_of(), profile_of(DB))
    made.judge([made.says(one, deed) for _ in range(2) for one in (A, B, C) for deed in (NGINX, CURL)])
    web, db = memo(made, A), memo(made, C)
    assert len(web) == len(db) == 2
    guess = made.partition.entities.by_key[C.encode()].last
    made.put(profile_of(elements={"exec": (("/usr/bin/curl",),)}, version=2))
    assert memo(made, A) == {}
    assert memo(made, C) == db
    assert made.partition.entities.by_key[C.encode()].last is guess
    judged = made.judge([made.says(one, deed) for one in (A, B, C) for deed in (NGINX, CURL)])
    assert [said(one, "outcome", "baseline.version") for one in judged] == [
        *[["unauthorized", 2], ["authorized", 2]] * 2,
        ["authorized", 1],
        ["unauthorized", 1],
    ]
    assert all(memo(made, C)[key] is known for key, known in db.items())


def test_nobody_expects_a_verdict_that_is_forgotten() -> None:
    """The guess of what follows compares bytes: what is forgotten must have none that an event ends with."""
    made = world(profile_of())
    made.judge([made.says(A, NGINX) for _ in range(3)])
    assert made.partition.entities.by_key[A.encode()].last.following.activity.startswith(b',"ecs.version":')
    made.put(profile_of(elements={"exec": ()}, version=2))
    assert made.partition.entities.by_key[A.encode()].last.following.activity == b"\0"
    assert [said(one, "outcome") for one in made.judge([made.says(A, NGINX) for _ in range(3)])] == [
        ["unauthorized"]
    ] * 3


# A judge that dies at any moment

DEEDS = [NGINX, SH, CURL, facts(), facts("db"), facts(**{"container.image.id": NEW})]
VERSIONS: list[Elements | None] = [
    None,
    KNOWN,
    {"exec": ()},
    {"exec": (("/bin/sh",), ("/usr/bin/curl",))},
    {"file": ()},
]
ACTS = st.one_of(
    st.tuples(st.just("event"), st.sampled_from([A, B, C, "host:node"]), st.sampled_from(DEEDS)),
    st.tuples(st.just("put"), st.sampled_from([WEB, DB, "host:node"]), st.integers(0, len(VERSIONS) - 1)),
    st.tuples(st.just("restart"), st.just(""), st.just(0)),
)


def check_memo(made: World) -> None:
    remembered = [one for context in made.partition.contexts.by_hash.values() for one in context.memo.items()]
    assert made.partition.contexts.remembered_bytes == sum(size_of(key, known) for key, known in remembered)


@settings(max_examples=300)
@given(st.lists(ACTS, max_size=30), st.booleans())
def test_every_verdict_is_by_the_versions_that_were_adopted_last(acts: list[tuple[str, str, Any]], flush: bool) -> None:  # noqa: FBT001 - drawn
    made, versions = World(policies=NO_POLICY), dict[str, dict[str, tuple[int, str]]]({"": {}})
    for number, (kind, name, what) in enumerate(acts):
        if kind == "event":
            made.judge([made.says(name, what), made.says(name, what)], flush=flush)
        elif kind == "put":
            made.put(profile_of(name, VERSIONS[what], number + 1))
        else:
            made.restart()
            made.adopt_baselines()
        versions[made.baselines.hash] = in_force(made.baselines)
        check_memo(made)
    adopted = ""
    for record in map(parsed, made.verdicts):
        if record["event.action"] == "adoption":
            adopted = record["adoption.hash"]
            continue
        version: tuple[Any, Any] = versions[adopted].get(record["verdict.principal"], (None, None))
        assert said(record, "baseline.version", "baseline.hash") in (list(version), [None, None])
        if record["event.action"] == "exec":
            assert (record["verdict.by"] == "baseline") == (decides(version, record["verdict.principal"]))
    numbers = [one["event.id"] for one in map(parsed, made.verdicts) if one["event.id"].startswith("judge:")]
    assert numbers == [f"judge:0000:{number:012d}" for number in range(1, len(numbers) + 1)]


def decides(version: tuple[Any, Any], principal: str) -> bool:
    """Return whether a version decides on programs: all that are drawn do, but the one of files alone."""
    of_files_alone = Baseline(principal, 1, {"file": ()}, releases=(OLD,)).hash
    return version[1] not in (None, of_files_alone)


# Steps that are told


def told(records: list[Event]) -> list[int]:
    return [int(one["baseline.version"]) for one in records]


def test_a_step_is_told_once_with_all_that_is_known_of_it() -> None:
    made = world()
    step = change(1, action="approve", reason="looked at it", added=3, removed=1)
    (record,) = made.tell(profile_of(changes=[step]))
    validate_event(record)
    assert {name: value for name, value in record.items() if name.startswith("baseline.")} == {
        "baseline.principal": WEB,
        "baseline.action": "approve",
        "baseline.state": "active",
        "baseline.author": "ada",
        "baseline.reason": "looked at it",
        "baseline.version": 1,
        "baseline.hash": "c0ffee",
        "baseline.added": 3,
        "baseline.removed": 1,
    }
    assert (record["@timestamp"], record["event.action"]) == (at(1), "baseline-change")
    assert made.tell(profile_of(changes=[step])) == []


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.booleans()), max_size=20))
def test_every_step_is_told_once_over_restarts_and_with_several_between(acts: list[tuple[int, bool, bool]]) -> None:
    made, steps, found = World(policies=NO_POLICY), list[Change](), list[int]()
    for more, crashes, tells in acts:
        steps += [change(len(steps) + 1 + one, time=at(0), author="ada") for one in range(more)]
        profile = profile_of(changes=steps[-100:])
        if tells:
            found += told(made.tell(profile))
        if crashes:
            made.restart()
    found += told(made.tell(profile_of(changes=steps[-100:])))
    assert found == [step.number for step in steps]


def test_of_more_steps_than_are_kept_those_that_are_kept_are_told() -> None:
    made = World(policies=NO_POLICY)
    made.tell(profile_of(changes=[change(1)]))
    assert told(made.tell(profile_of(changes=[change(number) for number in range(51, 151)]))) == list(range(51, 151))
    assert made.tell(profile_of(changes=[change(number) for number in range(51, 151)])) == []


def test_a_life_that_begins_again_is_told_again() -> None:
    made = World(policies=NO_POLICY)
    made.tell(profile_of(changes=[change(1), change(2), change(3)]))
    assert told(made.tell(profile_of(changes=[change(1)]))) == [1]
    assert told(made.tell(profile_of(changes=[change(1), change(2)]))) == [2]
    assert made.tell(profile_of(changes=[])) == []


# What learning asks of the judge


def test_a_container_whose_settings_change_is_no_other_replica() -> None:
    made = world()
    for user in ("1", "2", "1", "3"):
        made.judge([made.says(A, facts(**{"container.settings.user": user}))])
    made.judge([made.says("cccccccccccc", facts(**{"container.settings.user": "3"}))], flush=True)
    by_context: dict[str, int] = {}
    for row in made.rows.values():
        if row["activity.principal"] == WEB:
            context = row["activity.context"]
            by_context[context] = max(by_context.get(context, 0), row["activity.replicas"])
    assert sum(by_context.values()) == 3


def test_the_row_of_a_gap_is_known_whoever_tells_of_it_and_whatever_stands_in_others() -> None:
    made = world()
    lost = {
        "event.kind": "alert",
        "event.action": "telemetry-gap",
        "gap.cause": "audit records lost",
        "process.executable": None,
    }
    made.judge([made.says("host:node-1", does("", **lost)), made.says("collector:shop", does("", **lost))])
    made.commit(made.partition.note_gap(3, 9, at(5)))
    made.judge([made.says(A, does("/bin/x", **{"process.command_line": '"event.action":"telemetry-gap"'}))], flush=True)
    gaps = {row["activity.principal"] for row in made.rows.values() if is_gap(encode_event(row))}
    assert gaps == {"host:node-1", "collector:shop", "unknown:judge"}
    assert not is_gap(None)


def test_days_of_silence_forget_no_baseline() -> None:
    made = world(profile_of())
    made.judge([made.says("host:x", NGINX, 8 * DAY / SECOND)], flush=True)
    made.ask(A, facts(**{"container.image.id": OLD}))
    assert said(made.ask(A, NGINX), "outcome", "baseline.version") == ["authorized", 1]
