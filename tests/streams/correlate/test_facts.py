from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import Event, dumps
from schemas.errors import Invalid
from schemas.event import timestamp
from schemas.policyset import PolicySet
from schemas.shared import SharedRecord, united
from streams.correlate.facts import SharedFactsShard
from tests.streams.correlate.shards import policy_set

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
START_MS = 1_764_000_000_000
SECOND_MS = 1_000
IMAGE, SECRET = "image:sha256:c1", "secret:lab/shop/token"
NONE = PolicySet.empty()


def ages(images: int = 30, secrets: int = 90) -> PolicySet:
    return policy_set(
        f"policy: ages\nimages: {{max_age_days: {images}}}\nsecrets: {{max_age_days: {secrets}}}\n",
        "policy: later\nimages: {max_age_days: 60, max_scan_age_days: 7}\n",
    )


def at(milliseconds: float) -> str:
    return timestamp(round(milliseconds) * 1_000_000)


def row(principal: str, happened_ms: float, fields: Event, *, event: str = "d") -> bytes:
    head = {"activity.principal": principal, "activity.last": at(happened_ms), "activity.last_id": event}
    said = {"event.kind": "state", "event.action": "facts", "event.module": "trivy"}
    return dumps(head | said | fields)


def scan(facts: Event | None = None, happened_ms: float = START_MS) -> bytes:
    found = {"container.image.vulnerabilities": ["critical fixable CVE-1 musl"]}
    return row(IMAGE, happened_ms, found | (facts or {}))


def built(age_days: float) -> Event:
    return {"container.image.created": at(START_MS - age_days * DAY_MS)}


class Lab:
    """A shard, and the table it writes, which outlives it."""

    def __init__(self, policies: PolicySet = NONE) -> None:
        self.shard = SharedFactsShard(policies)
        self.table: dict[bytes, bytes] = {}
        self.writes = 0

    def take(self, *rows: bytes, now_ms: int = START_MS + SECOND_MS) -> dict[str, Event]:
        for value in rows:
            self.shard.take_row(value, now_ms)
        return self.wait(now_ms)

    def wait(self, now_ms: int) -> dict[str, Event]:
        """Return all subjects as they stand behind a tick."""
        for topic, key, value in self.shard.tick(now_ms):
            assert topic == "shared-facts"
            self.table[key] = value
            self.writes += 1
        return self.subjects

    def restart(self, policies: PolicySet = NONE) -> None:
        self.shard = SharedFactsShard(policies)
        for key, value in self.table.items():
            self.shard.take_record(key, value)

    @property
    def subjects(self) -> dict[str, Event]:
        records = [SharedRecord.decode(value) for value in self.table.values()]
        subjects = {record.subject for record in records}
        return {one: united(record for record in records if record.subject == one) for one in subjects}


# What is written


def test_facts_are_written_with_the_next_tick_and_once() -> None:
    lab = Lab()
    found = lab.take(scan())
    assert found == {IMAGE: {"container.image.vulnerabilities": ["critical fixable CVE-1 musl"]}}
    lab.take(scan(), scan(happened_ms=START_MS + 5))
    assert lab.writes == 1


def test_a_scanner_replaces_what_it_has_said_and_leaves_what_another_has() -> None:
    lab = Lab()
    virus = row(IMAGE, START_MS, {"event.module": "clamav", "container.image.malware": ["Eicar /x"]})
    lab.take(scan(), virus)
    fixed = row(IMAGE, START_MS + 10, {"container.image.signature": "valid"}, event="e")
    assert lab.take(fixed) == {IMAGE: {"container.image.signature": "valid", "container.image.malware": ["Eicar /x"]}}


def test_the_latest_by_the_clock_of_events_holds_in_whichever_order_rows_come() -> None:
    early, late = scan(), row(IMAGE, START_MS + 1, {"container.image.signature": "valid"}, event="e")
    assert Lab().take(early, late) == Lab().take(late, early) == {IMAGE: {"container.image.signature": "valid"}}


def test_who_says_something_last_of_a_workload_is_written_though_it_was_said_before() -> None:
    lab = Lab()

    def made(by: str, happened_ms: float, **settings: Any) -> bytes:
        request = {
            "event.action": "pods-create",
            "kubernetes.audit.verb": "create",
            "orchestrator.resource.name": "web",
            "container.settings.read_only_root": False,
        }
        return row(f"user:/{by}", happened_ms, request | settings, event=by)

    lab.take(made("ada", START_MS, **{"container.settings.privileged": True}))
    lab.take(made("bob", START_MS + 1))
    assert lab.subjects["workload://web"]["target.privileged"] is False
    lab.take(made("ada", START_MS + 2, **{"container.settings.privileged": True}))
    assert lab.subjects["workload://web"]["target.privileged"] is True


@pytest.mark.parametrize("value", [None, b"{}", b'{"event.action":"exec"}'])
def test_other_rows_and_tombstones_say_nothing(value: bytes | None) -> None:
    lab = Lab()
    lab.shard.take_row(value, START_MS)
    assert lab.wait(START_MS) == {}


def test_what_cannot_be_read_is_refused_and_changes_nothing() -> None:
    lab = Lab()
    with pytest.raises(Invalid):
        lab.shard.take_row(b'{"event.action":"facts"', START_MS)
    nonsense = scan().replace(at(START_MS).encode(), b"99th hour")
    with pytest.raises(Invalid):
        lab.shard.take_row(nonsense, START_MS)
    assert lab.wait(START_MS) == {}


# Ages


def test_an_age_becomes_a_fact_when_it_passes() -> None:
    lab = Lab(ages())
    lab.take(scan(built(29.5)))
    assert lab.subjects[IMAGE]["container.image.older_than"] == []
    for days, expected in ((0.4, []), (0.6, [30]), (30.4, [30]), (30.6, [30, 60]), (300, [30, 60])):
        assert lab.wait(START_MS + round(days * DAY_MS))[IMAGE]["container.image.older_than"] == expected
    assert lab.writes == 3


def test_an_age_holds_since_it_has_passed() -> None:
    lab = Lab(ages())
    lab.take(scan(built(29)))
    lab.wait(START_MS + 3 * DAY_MS)
    (value,) = lab.table.values()
    record = SharedRecord.decode(value)
    assert (record.time, record.since) == (at(START_MS), at(START_MS + DAY_MS))


def test_each_date_has_its_own_ages() -> None:
    lab = Lab(ages())
    lab.take(
        scan(built(45) | {"container.image.scan.time": at(START_MS - 8 * DAY_MS)}),
        row(SECRET, START_MS, {"secret.created": "2001-01-01T00:00:00Z", "secret.changed": at(START_MS - 91 * DAY_MS)}),
    )
    assert lab.subjects[IMAGE]["container.image.older_than"] == [30]
    assert lab.subjects[IMAGE]["container.image.scan.older_than"] == [7]
    assert lab.subjects[SECRET]["secret.older_than"] == [90]


def test_a_secret_that_is_changed_is_new_and_one_that_is_relabelled_is_not() -> None:
    lab = Lab(ages())
    old = {"secret.changed": at(START_MS - 91 * DAY_MS)}
    lab.take(row(SECRET, START_MS, old), row(SECRET, START_MS + 1, old | {"secret.type": "Opaque"}, event="e"))
    assert lab.subjects[SECRET]["secret.older_than"] == [90]
    lab.take(row(SECRET, START_MS + 2, {"secret.changed": at(START_MS)}, event="f"))
    assert lab.subjects[SECRET]["secret.older_than"] == []


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:01Z", "1980-01-01T00:00:00Z"])
def test_a_date_that_stands_for_none_has_no_age(date: str) -> None:
    found = Lab(ages()).take(scan({"container.image.created": date}))
    assert "container.image.older_than" not in found[IMAGE]


def test_other_policies_ask_for_other_ages() -> None:
    lab = Lab(ages())
    lab.take(scan(built(45)))
    lab.shard.adopt(ages(images=40))
    assert lab.wait(START_MS + SECOND_MS)[IMAGE]["container.image.older_than"] == [40]
    lab.shard.adopt(NONE)
    assert lab.wait(START_MS + SECOND_MS)[IMAGE]["container.image.older_than"] == []


def test_a_recording_has_the_ages_of_its_own_time() -> None:
    """Played a year later it must say the same: the clock is that of the events, which goes on."""
    lab = Lab(ages())
    played_ms = START_MS + 365 * DAY_MS
    found = lab.take(scan(built(29.9)), now_ms=played_ms)
    assert found[IMAGE]["container.image.older_than"] == []
    assert lab.wait(played_ms + DAY_MS)[IMAGE]["container.image.older_than"] == [30]


def test_an_age_that_was_passed_stays_though_the_clock_steps_back() -> None:
    lab = Lab(ages())
    lab.take(scan(built(29.9999)), now_ms=START_MS + 10)
    assert lab.wait(START_MS + DAY_MS)[IMAGE]["container.image.older_than"] == [30]
    lab.restart(ages())
    lab.take(scan(built(29.9999)), now_ms=START_MS + 5 * DAY_MS)  # by this row alone the clock is slow by five days
    assert lab.subjects[IMAGE]["container.image.older_than"] == [30]
    assert lab.writes == 2


# Any order, any batching, any crash

FACTS = st.fixed_dictionaries(
    {},
    optional={
        "container.image.created": st.sampled_from([29, 31, 80]).map(lambda days: at(START_MS - days * DAY_MS)),
        "container.image.signature": st.sampled_from(["valid", "missing"]),
    },
)
ROWS = st.lists(
    st.builds(
        lambda subject, second, facts, event: row(subject, START_MS + second * SECOND_MS, facts, event=event),
        st.sampled_from([IMAGE, "image:sha256:c2"]),
        st.integers(0, 3),
        FACTS,
        st.sampled_from(["d", "e", "f"]),
    ),
    max_size=8,
)
END_MS = START_MS + 10 * SECOND_MS


def one_event_says_one_thing(rows: Iterable[bytes]) -> list[bytes]:
    """Return rows without those whose event would have said something else before."""
    found: dict[bytes, bytes] = {}
    for value in rows:
        found.setdefault(value[: value.index(b',"event.kind"')], value)
    return list(found.values())


@given(ROWS, st.randoms(use_true_random=False))
def test_the_same_rows_end_in_the_same_facts(rows: list[bytes], random: Random) -> None:
    rows = one_event_says_one_thing(rows)
    straight, other = Lab(ages()), Lab(ages())
    straight.take(*rows, now_ms=END_MS)
    for value in random.sample(rows * 2, 2 * len(rows)):
        choice = random.random()
        if choice < 0.2:
            other.restart(ages())
        elif choice < 0.5:
            other.wait(END_MS)
        other.shard.take_row(value, END_MS)
    other.restart(ages())
    other.take(*random.sample(rows, len(rows)), now_ms=END_MS)
    straight.wait(END_MS)
    assert other.subjects == straight.subjects
    before = other.writes
    other.take(*rows, now_ms=END_MS)
    assert other.writes == before


def secret(changed: float, *, created: float = 0, happened_ms: float | None = None) -> bytes:
    """Return what is told of a secret that was made, and changed so many hours later."""
    facts = {"secret.created": at(START_MS + created * HOUR_MS), "secret.changed": at(START_MS + changed * HOUR_MS)}
    return row(SECRET, START_MS + changed * HOUR_MS if happened_ms is None else happened_ms, facts)


def rotated(lab: Lab) -> list[str]:
    (record,) = (SharedRecord.decode(value) for value in lab.table.values())
    return list(record.facts.get("secret.rotated", []))


def test_a_secret_that_is_made_or_labelled_is_not_rotated_and_one_whose_value_changes_is() -> None:
    lab = Lab()
    lab.take(secret(0))
    lab.take(secret(0, happened_ms=START_MS + HOUR_MS))  # a new label: the same content
    assert rotated(lab) == []
    lab.take(secret(2))
    assert rotated(lab) == [at(START_MS + 2 * HOUR_MS)]


@given(st.lists(st.integers(1, 80), max_size=80), st.randoms())
def test_rotations_are_all_changes_in_any_order_and_after_any_restart(hours: list[int], chosen: Random) -> None:
    lab = Lab()
    lab.take(secret(0))
    for hour in hours:
        lab.take(secret(hour))
        if chosen.random() < 0.2:
            lab.restart()
    assert rotated(lab) == [at(START_MS + hour * HOUR_MS) for hour in sorted(set(hours))][-50:]


def test_a_secret_that_was_deleted_and_made_anew_begins_its_rotations_anew_whatever_dies() -> None:
    def told(*, dies: bool, ticks: bool) -> list[str]:
        lab = Lab()
        deletion = row(SECRET, START_MS + 3 * HOUR_MS, {"event.action": "facts"})
        for value in (secret(0), secret(2), deletion, secret(4, created=4), secret(5, created=4)):
            if ticks:
                lab.take(value)
            else:
                lab.shard.take_row(value, START_MS)
            if dies:
                lab.restart()
        lab.wait(START_MS + 10 * HOUR_MS)
        return rotated(lab)

    assert told(dies=False, ticks=True) == [at(START_MS + 5 * HOUR_MS)]
    assert told(dies=True, ticks=True) == told(dies=False, ticks=False) == told(dies=False, ticks=True)
