"""Workers that die at any moment write what one that lives writes, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.baseline import Elements
from schemas.decision import Decision
from schemas.errors import Invalid
from schemas.event import timestamp
from schemas.policyset import PolicySet
from tests.schemas.baselines import ADA, BOB
from tests.streams.baseline.rows import NEW, OLD, STARTED, WEB, KeyAndRow, connected, denied, gap, opened, ran, row
from tests.streams.correlate.shards import PEOPLE, Lab, learning, policy_set

SH, NGINX = ran("/bin/sh"), ran("/usr/bin/nginx")
DEEDS = [SH, NGINX, SH | {"event.dataset": "falco.alerts"}, opened("/etc/x"), connected("10.0.0.1"), STARTED]
PRINCIPALS = [WEB, "host:node-1"]
POLICIES = [
    learning(),
    learning("{hours: 0, observations: 1}"),
    learning("{approve: automatic, hours: 0.01, observations: 2, release: learn}"),
    learning("{approve: automatic, hours: 0, observations: 3, replicas: 2, leave_out: file}"),
    policy_set(PEOPLE.replace("name: bob", "name: eve")),
]
SETS: list[Elements] = [
    {},
    {"exec": (("/bin/sh",),)},
    {"exec": (("/bin/*",), ("/usr/bin/nginx",)), "args": (("/bin/sh",),)},
    {"file": (("/etc/x", "read"),), "egress": ()},
]

Act = Callable[[Lab], object]
"""One thing that happens; it must say the same to every lab that stands where another one stood."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happens, and whether the worker dies before the tick behind it."""

    act: Act
    dies: bool


@st.composite
def row_acts(draw: st.DrawFn) -> Act:
    choices = draw(st.lists(st.tuples(st.sampled_from(DEEDS), st.sampled_from(["c1", "c2"])), min_size=1, max_size=3))
    release, principal = draw(st.sampled_from([OLD, NEW])), draw(st.sampled_from(PRINCIPALS))
    outcome = draw(
        st.sampled_from([("undetermined", "nothing"), ("unauthorized", "sensor"), ("unauthorized", "baseline")])
    )
    replicas, is_gap = draw(st.integers(0, 2)), draw(st.integers(0, 9)) == 0

    def act(lab: Lab) -> object:
        seconds = (lab.now_ms - 1_764_000_000_000) / 1000
        rows: list[KeyAndRow] = []
        for deed, context in choices:
            options: dict[str, Any] = {"context": context, "release": release, "principal": principal}
            key, _ = row(deed, **options)
            before = [one for one, *_ in (*lab.rows, *rows)].count(key)
            options |= {"count": before + 1, "first": seconds if not before else 0.0, "last": seconds}
            rows.append(row(deed, replicas=replicas, outcome=outcome[0], by=outcome[1], **options))
        gaps = [gap("lost", lab.gap_from(seconds), seconds)] if is_gap else []
        return lab.take(*rows, *gaps, wait_ms=0)

    return act


KEYS: list[tuple[str, Ed25519PrivateKey]] = [("ada", ADA), ("ada", ADA), ("bob", BOB), ("eve", BOB), ("ada", BOB)]


@st.composite
def decision_acts(draw: st.DrawFn) -> Act:
    action, elements = draw(st.sampled_from(["approve", "reject", "forbid", "learn"])), draw(st.sampled_from(SETS))
    (author, key), stale = draw(st.sampled_from(KEYS)), draw(st.integers(0, 4)) == 0
    copied = draw(st.none() | st.integers(0, 9))

    def act(lab: Lab) -> object:
        if copied is not None and lab.decisions:
            value = lab.decisions[copied % len(lab.decisions)][1]
        else:
            stored = lab.table.get(WEB.encode())
            found = lab.profile().baseline if stored else None
            based_on = "stale" if stale else found.hash if found else ""
            made = Decision(WEB, action, author, timestamp(lab.now_ms * 1_000_000), "so", based_on, elements)  # type: ignore[arg-type]  # one of four
            value = made.signed(key).encode()
        try:
            return lab.decide(value, wait_ms=0)
        except Invalid as error:
            return str(error)

    return act


def adopting(policies: PolicySet) -> Act:
    return lambda lab: lab.adopt(policies, wait_ms=0)


ACTS = st.one_of(row_acts(), row_acts(), decision_acts(), st.sampled_from(POLICIES).map(adopting))
STEPS = st.lists(st.builds(Step, ACTS, st.booleans()), max_size=25)


def lived(steps: list[Step], *, dying: bool) -> tuple[Lab, list[object]]:
    """Return a lab behind these steps, and what each of them has said."""
    lab, said = Lab(POLICIES[1]), list[object]()
    lab.take(row(NGINX))
    for step in steps:
        said.append(step.act(lab))
        if dying and step.dies:
            lab.crash()
        lab.wait(1000)
    return lab, said


@settings(max_examples=400)
@given(STEPS)
def test_workers_that_die_at_any_moment_write_what_one_that_lives_writes(steps: list[Step]) -> None:
    undisturbed, expected = lived(steps, dying=False)
    disturbed, said = lived(steps, dying=True)
    assert disturbed.table == undisturbed.table
    assert said == expected
    disturbed.crash()
    assert disturbed.wait(0) == []


@settings(max_examples=150)
@given(STEPS)
def test_every_step_of_a_life_is_numbered_and_names_the_version_in_force_behind_it(steps: list[Step]) -> None:
    lab, _ = lived(steps, dying=False)
    versions: dict[int, str] = {}
    for profile in lab.written:
        assert [change.number for change in profile.changes] == list(range(1, len(profile.changes) + 1))
        in_force = (profile.baseline.version, profile.baseline.hash) if profile.baseline else (0, "")
        if profile.changes:
            assert (profile.changes[-1].version, profile.changes[-1].hash) == in_force
            assert profile.changes[-1].state == profile.state
        if profile.baseline and profile.principal == WEB:
            assert versions.setdefault(profile.baseline.version, profile.baseline.hash) == profile.baseline.hash


@settings(max_examples=150)
@given(STEPS)
def test_nothing_that_was_forbidden_or_taken_out_is_ever_in_force_by_a_policy(steps: list[Step]) -> None:
    lab, _ = lived(steps, dying=False)
    for profile in lab.written:
        baseline = profile.baseline
        if baseline and baseline.author.startswith("policy:"):
            assert not {*baseline.elements.get("exec", ())} & {*baseline.never.get("exec", ())}
            assert baseline.never == profile.never


def test_what_the_property_draws_reaches_every_kind_of_step() -> None:
    """A life that goes through all that can happen, so that the property above is about something."""
    lab = Lab()
    lab.take(row(STARTED), row(NGINX))
    lab.take(row(SH, release=NEW))
    lab.decide(lab.decision("forbid", {"exec": (("/bin/sh",),)}))
    lab.decide(lab.decision("reject", {"args": (("/bin/sh",),)}))
    lab.adopt(POLICIES[1])
    lab.decide(lab.decision("learn"))
    lab.take(denied(SH), row(NGINX, count=2, last=100.0))
    assert lab.actions == ["approve", "difference", "forbid", "reject", "learn", "review"]
    assert lab.profile().decided == 2
