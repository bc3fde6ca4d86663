"""State written at any point, and the rest of the events, make what an undisturbed run makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import Event
from streams.judge.memo import Limits
from streams.judge.state import StateError, StateReader
from tests.streams.judge.lab import HEARTBEAT, Lab, Message, compacted, does, envelope, facts, message

ENTITIES = ["0123456789ab", "aaaaaaaaaaaa", "bbbbbbbbbbbb", "host:node-1"]
DEEDS: list[Event] = [
    *(does(program) for program in ("/bin/sh", "/usr/bin/nginx", "/opt/a", "/opt/b", "/opt/c")),
    does("/usr/bin/find", **{"event.category": ["file"], "event.action": "open", "file.path": "/etc/hosts"}),
    does("", **{"event.action": "container-destroy", "process.executable": None}),
    facts(),
    facts("db", "kubernetes"),
    facts(None, "sensor", **{"container.settings.privileged": True}),
    facts(**{"container.settings.user": "0", "container.name": "web-1"}),
    HEARTBEAT,
]


@dataclass(frozen=True, slots=True)
class Cut:
    """How a transaction ended: how many events it took, whether it wrote all rows, and whether the judge died of it."""

    events: int
    flush: bool
    crash: bool


events_of = st.lists(
    st.tuples(st.sampled_from(ENTITIES), st.sampled_from(DEEDS), st.sampled_from(["shop", "node"]), st.integers(0, 3)),
    max_size=60,
)
cuts_of = st.lists(st.builds(Cut, st.integers(1, 9), st.booleans(), st.booleans()), max_size=60)


def numbered(drawn: list[tuple[str, Event, str, int]]) -> list[Message]:
    return [
        message(place, envelope(place, entity, collector=collector, seconds=second) | deed)
        for place, (entity, deed, collector, second) in enumerate(drawn)
    ]


def undisturbed(messages: list[Message], limits: Limits) -> Lab:
    lab = Lab(limits=limits)
    lab.judge(messages, flush=True)
    return lab


def disturbed(messages: list[Message], cuts: list[Cut], limits: Limits) -> Lab:
    lab, place = Lab(limits=limits), 0
    for cut in cuts:
        lab.judge(messages[place : place + cut.events], flush=cut.flush, crash=cut.crash)
        place += 0 if cut.crash else cut.events
    lab.judge(messages[place:], flush=True)
    return lab


SAMPLED = ("activity.samples",)


def outcome(lab: Lab) -> dict[str, Any]:
    """Return everything that must not depend on when a judge wrote or died.

    Samples are of the events that were judged anew, and the clock looks at the last event of each counter in a batch.
    """
    return {
        "verdicts": lab.verdicts,
        "rows": {key: {n: v for n, v in row.items() if n not in SAMPLED} for key, row in lab.rows.items()},
        "outcomes": lab.partition.ledger.marks.outcomes,
        "heartbeats": lab.partition.ledger.marks.heartbeats,
        "number": lab.partition.ledger.marks.number,
        "facts": {key: entity.facts for key, entity in lab.partition.entities.by_key.items() if entity.facts.fields},
    }


@settings(max_examples=400)
@given(drawn=events_of, cuts=cuts_of, limits=st.sampled_from([Limits(2_000, 200), Limits(2, 200), Limits(2_000, 1)]))
def test_a_judge_that_dies_at_any_moment_loses_and_doubles_nothing(
    drawn: list[tuple[str, Event, str, int]], cuts: list[Cut], limits: Limits
) -> None:
    messages = numbered(drawn)
    expected, found = undisturbed(messages, limits), disturbed(messages, cuts, limits)
    assert outcome(found) == outcome(expected)
    assert sum(row["activity.count"] for row in found.rows.values()) == sum(
        found.partition.ledger.marks.outcomes.values()
    )


@settings(max_examples=100)
@given(drawn=events_of, cuts=cuts_of)
def test_what_is_stored_is_what_is_known(drawn: list[tuple[str, Event, str, int]], cuts: list[Cut]) -> None:
    lab = disturbed(numbered(drawn), cuts, Limits(2, 1))
    before = outcome(lab), counters(lab), lab.partition.ledger.marks
    lab.restart()
    assert (outcome(lab), counters(lab), lab.partition.ledger.marks) == before


def counters(lab: Lab) -> dict[str, tuple[Any, ...]]:
    return {
        counter.key: (counter.count, counter.first, counter.first_id, counter.last, counter.last_id, counter.samples)
        for context in lab.partition.contexts.by_hash.values()
        for counter in context.counters.values()
    }


def test_the_log_holds_one_record_for_each_thing_known() -> None:
    messages = numbered([(entity, deed, "shop", 0) for entity in ENTITIES for deed in DEEDS])
    lab = disturbed(messages, [Cut(3, flush=True, crash=False)] * 20, Limits(2_000, 200))
    alive = [key for key, value in compacted(lab.log) if value is not None]
    kinds = {kind: sum(key.startswith(kind) for key in alive) for kind in (b"entity/", b"counter/", b"marks")}
    entities = [entity for entity in lab.partition.entities.by_key.values() if entity.facts.fields]
    assert kinds == {b"entity/": len(entities), b"counter/": len(counters(lab)), b"marks": 1}
    assert len(alive) == sum(kinds.values())


@pytest.mark.parametrize(("key", "value"), [(b"surprise/1", b"{}"), (b"", b"{}"), (b"marks", None)])
def test_a_record_of_another_version_is_refused(key: bytes, value: bytes | None) -> None:
    with pytest.raises(StateError, match="run the version that wrote it"):
        StateReader().take(key, value)
