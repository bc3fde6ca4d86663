"""What is counted by the hour is what a query over the verdicts counts."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import Event, encode_event, loads
from schemas.kpi import KpiRecord
from streams.judge.correlated import tell_findings
from streams.judge.memo import Limits
from tests.schemas.test_finding import FINDING
from tests.streams.judge.counted import counted, summed
from tests.streams.judge.lab import (
    FORBID_NGINX,
    HEARTBEAT,
    SECOND,
    START,
    Lab,
    Message,
    at,
    does,
    envelope,
    facts,
    message,
)

HOUR: Final = 3600
DAY: Final = 24 * HOUR
ENTITIES: Final = ("0123456789ab", "ba9876543210", "host:node-1")
FEW: Final = Limits(3, 200)

GAP: Final = {"event.kind": "alert", "event.action": "telemetry-gap", "event.dataset": "tidewaiter.gap"}
CHANGE: Final = {"event.kind": "event", "event.action": "volume-create", "event.dataset": "docker.events"} | {
    "event.category": ["configuration"],
    "event.type": ["creation"],
}
GRANT: Final = CHANGE | {"event.category": ["iam", "api"]}
BOUND: Final = CHANGE | {"event.category": ["api"], "orchestrator.resource.type": "networkpolicies"}


def what(random: Random) -> Event:
    kind = random.random()
    if kind < 0.05:
        return facts(random.choice(["web", "db"]), **{"container.name": f"n{random.randint(0, 3)}"})
    if kind < 0.1:
        return random.choice([HEARTBEAT, GAP, CHANGE, GRANT, BOUND])
    if kind < 0.3:
        return does(f"/opt/{random.randint(0, 20)}")
    return does(
        random.choice(["/bin/sh", "/usr/bin/nginx", "/opt/a"]),
        **{"event.outcome": random.choice(["success", "failure"])},
    )


def written(event: Event, random: Random) -> bytes:
    """Return an event, whose time is now and then written as of another place."""
    if random.random() < 0.1:
        local = event["@timestamp"].replace("Z", "+00:00").replace(".000000000", "")
        event = event | {"@timestamp": local}
    return encode_event(event)


def events(random: Random, first: int, number: int, hours: int) -> list[Message]:
    """Return events of several sources, each behind the other, around the edges of hours."""
    found = []
    for place in range(first, first + number):
        seconds = random.choice([0, random.randint(0, hours)]) * HOUR - START // SECOND % HOUR + random.uniform(-2, 2)
        event = envelope(place, random.choice(ENTITIES), seconds=seconds) | what(random)
        found.append(Message(place, event["entity.id"].encode(), written(event, random)))
    return found


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 30]))
def test_figures_of_every_hour_are_those_of_a_query(seed: int, hours: int) -> None:
    random, lab, place = Random(seed), Lab(limits=FEW), 0
    for step in range(8):
        batch = events(random, place, random.randint(1, 40), hours)
        if random.random() < 0.3:
            lab.judge(batch, crash=True)
        lab.judge(batch, flush=random.random() < 0.3)
        place += len(batch)
        if step == 4:
            lab.adopt(FORBID_NGINX, place)
    lab.commit(flush=True)
    assert summed(lab.kpi) == counted(map(loads, lab.verdicts))


def test_an_hour_is_counted_in_the_fast_path_up_to_its_last_moment() -> None:
    lab, edge = Lab(), HOUR - START // SECOND % HOUR
    moments = [edge - 3, edge - 2, edge - 0.000_000_001, edge, edge + 1, edge - 1]
    lab.judge(
        [
            message(place, envelope(place, ENTITIES[2], seconds=moment) | does("/bin/sh"))
            for place, moment in enumerate(moments)
        ],
        flush=True,
    )
    name = "verdicts|unauthorized|policy|shells: exec.deny[0]"
    assert [dict(figures) for _, figures in sorted(summed(lab.kpi).items())] == [{name: 4}, {name: 2}]


def test_few_hours_are_open_and_an_hour_that_was_closed_goes_on_as_another_series() -> None:
    lab = Lab()
    for place, hour in enumerate([*range(10), 0]):
        lab.judge([message(place, envelope(place, ENTITIES[2], seconds=hour * HOUR) | does("/bin/sh"))])
    marks = lab.partition.ledger.marks
    assert list(marks.hours) == list(marks.series) == [at(hour * HOUR)[:13] for hour in (7, 8, 9, 0)]
    lab.commit(flush=True)
    keys = [KpiRecord.decode(key, value or b"") for key, value in lab.kpi.items()]
    assert [one.series for one in keys if (one.hour, one.kind) == (at(0)[:13], "counts")] == [1, 11]
    assert summed(lab.kpi) == counted(map(loads, lab.verdicts))


def test_what_was_counted_and_not_flushed_is_there_after_a_crash() -> None:
    lab = Lab()
    lab.judge([message(0, envelope(0, ENTITIES[2]) | does("/bin/sh"))])
    assert not lab.kpi
    lab.restart()
    assert lab.partition.ledger.pending
    lab.commit(flush=True)
    assert summed(lab.kpi) == counted(map(loads, lab.verdicts))
    assert not lab.partition.ledger.pending


def test_what_the_judge_tells_of_is_counted_apart_from_verdicts() -> None:
    lab = Lab()
    finding = replace(FINDING, time=at(0), told=ENTITIES[2], level="high")
    lab.commit(tell_findings([(0, finding), (1, replace(finding, continues=True))], lab.partition))
    lab.commit(lab.partition.note_gap(3, 9, at(0)))
    lab.commit(flush=True)
    assert summed(lab.kpi) == {at(0)[:13]: {"findings|high": 1, "gaps": 1}}
    assert summed(lab.kpi) == counted(map(loads, lab.verdicts))


@pytest.mark.parametrize("moment", ["2026-99-12T10:00:00.000000000Z", "2026-11-27T99:00:00.000000000Z"])
def test_events_of_an_hour_that_is_none_are_counted_as_undated(moment: str) -> None:
    lab = Lab()
    known = envelope(0, ENTITIES[2]) | does("/bin/sh")
    nonsense = [message(place, known | {"@timestamp": moment}) for place in (1, 2)]
    lab.judge([message(0, known), *nonsense, message(3, known)], flush=True)
    assert {hour: figures.total() for hour, figures in summed(lab.kpi).items()} == {at(0)[:13]: 2, "": 2}
