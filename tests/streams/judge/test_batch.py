"""The same answer for the same event, however it is written and whatever is remembered."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import ACTIVITY_MARK, Event, encode_event
from schemas.fields import FIELDS, names_of
from streams.judge.batch import judge_batch
from streams.judge.envelopes import VARYING
from tests.streams.judge.lab import Lab, Message, at, does, envelope, facts, message, parsed

KEY = "0123456789ab"
OTHER = "ba9876543210"
ACTIVITIES = [
    does("/bin/sh"),
    does("/usr/bin/nginx"),
    does("/opt/x", **{"process.args": ["/opt/x", ',"ecs.version":']}),
]
FORGED = {
    "verdict.outcome": "authorized",
    "verdict.reason": "I say so",
    "workload.name": "kube-system",
    "container.image.name": "trusted",
    "adoption.hash": "0" * 32,
    "amendment.count": 3,
}

Writing = Callable[[Event, Random], bytes]


def canonical(event: Event, _: Random) -> bytes:
    return encode_event(event)


def shuffled(event: Event, random: Random) -> bytes:
    whole = event | {"ecs.version": "9.1.0"}
    names = sorted(whole)
    random.shuffle(names)
    return json.dumps({name: whole[name] for name in names}, ensure_ascii=False).encode()


def pretty(event: Event, random: Random) -> bytes:
    return json.dumps(event | {"ecs.version": "8.0.0"}, indent=random.choice([1, 4]), separators=(", ", " : ")).encode()


def spliced(event: Event, random: Random, names: Event) -> bytes:
    """Put fields between any two of the wire form, not minding whether they stand there already."""
    value = encode_event(event)
    decoded = json.loads(value)
    parts = [f"{json.dumps(name)}:{json.dumps(content, separators=(',', ':'))}" for name, content in decoded.items()]
    for name, content in names.items():
        parts.insert(random.randint(0, len(parts)), f"{json.dumps(name)}:{json.dumps(content)}")
    return ("{" + ",".join(parts) + "}").encode()


def smuggled(event: Event, random: Random) -> bytes:
    names = random.sample(sorted(FORGED), random.randint(1, len(FORGED)))
    return spliced(event, random, {name: FORGED[name] for name in names})


def doubled(event: Event, random: Random) -> bytes:
    present = {**event, "ecs.version": "1.0.0"}
    return spliced(event, random, {name: present[name] for name in random.sample(sorted(present), 2)})


def escaped(event: Event, random: Random) -> bytes:
    text = random.choice(
        ['a "quoted" word', "back\\slash", 'x","verdict.outcome":"authorized', ',"ecs.version":"9.1.0"']
    )
    return encode_event({**event, "message": text})


def unicode_escapes(event: Event, _: Random) -> bytes:
    return encode_event(event).replace(b"e", b"\\u0065")


def control_bytes(event: Event, random: Random) -> bytes:
    value = encode_event(event)
    place = random.randint(0, len(value))
    return value[:place] + bytes([random.choice([0, 10, 27, 127, 255])]) + value[place:]


def foreign_entity(event: Event, _: Random) -> bytes:
    return encode_event({**event, "entity.id": OTHER})


def mangled_activity(event: Event, random: Random) -> bytes:
    head, mark, activity = encode_event(event).partition(ACTIVITY_MARK)
    return head + mark + mangled(activity, random, bytes(range(256)))


def mangled_envelope(event: Event, random: Random) -> bytes:
    """Change bytes of the envelope that are no hexadecimal digits into others that are none."""
    head, mark, activity = encode_event(event).partition(ACTIVITY_MARK)
    return mangled(head, random, bytes(set(range(256)) - set(VARYING))) + mark + activity


def mangled(text: bytes, random: Random, alphabet: bytes) -> bytes:
    """Change one byte of an alphabet, or end the text there if the alphabet is not only digits."""
    places = [place for place, byte in enumerate(text) if byte in alphabet]
    kinds = ["remove", "insert", "replace", *(["cut"] if alphabet != VARYING else [])]
    place, kind = random.choice(places), random.choice(kinds)
    if kind == "cut":
        return text[:place]
    new = b"" if kind == "remove" else bytes([random.choice(alphabet)])
    return text[:place] + new + text[place + (kind != "insert") :]


WRITINGS: list[Writing] = [
    canonical,
    shuffled,
    pretty,
    smuggled,
    doubled,
    escaped,
    unicode_escapes,
    control_bytes,
    foreign_entity,
    mangled_activity,
    mangled_envelope,
]


def knowing(entities: list[str]) -> Lab:
    """Return a lab whose memo and envelopes know the activities."""
    lab = Lab()
    lab.judge(message(number, envelope(number, entity) | facts()) for number, entity in enumerate(entities, 1))
    for fields in ({}, {"message": "words"}):
        lab.judge(
            message(number, envelope(number, entity) | fields | activity)
            for entity in (*entities, OTHER)
            for number, activity in enumerate(ACTIVITIES, 10)
        )
    return lab


def answer(lab: Lab, record: Message) -> tuple[list[bytes], list[Any]]:
    dead = len(lab.dead)
    return lab.feed([record]), [reason for _, reason in lab.dead[dead:]]


def forgetful(lab: Lab) -> Lab:
    lab.partition.contexts.forget_verdicts()
    lab.partition.envelopes.outlines.clear()
    return lab


@settings(max_examples=300)
@given(
    writing=st.sampled_from(WRITINGS),
    activity=st.sampled_from(ACTIVITIES),
    number=st.integers(50, 10**11),
    seed=st.integers(),
    named=st.booleans(),
    wordy=st.booleans(),
)
def test_the_fast_and_the_slow_path_give_the_same_bytes(
    *, writing: Writing, activity: Event, number: int, seed: int, named: bool, wordy: bool
) -> None:
    entities = [KEY] if named else []
    event = envelope(number, KEY, seconds=number % 1000) | ({"message": "words"} if wordy else {}) | activity
    record = Message(100, KEY.encode(), writing(event, Random(seed)))
    fast, slow = answer(knowing(entities), record), answer(forgetful(knowing(entities)), record)
    assert fast == slow
    records, dead = fast
    assert len(records) + len(dead) == 1
    for value in records:
        truthful(parsed(value), named=named)


def truthful(judged: Event, *, named: bool) -> None:
    """Nothing in a record that the judge did not say, or the event was free to say."""
    assert judged["entity.id"] == KEY
    assert judged.get("workload.name") == ("web" if named else None)
    assert judged.get("container.image.name") == ("registry.example/web:1" if named else None)
    assert not [name for name in judged if name.startswith(("adoption.", "amendment."))]
    assert not judged.keys() - FIELDS.keys()
    expected = {"/bin/sh": "unauthorized", "/usr/bin/nginx": "authorized"}
    runs = judged["process.executable"] if judged["event.action"] == "exec" else ""
    assert judged["verdict.outcome"] == expected.get(runs, "undetermined")
    assert judged["verdict.reason"] != FORGED["verdict.reason"]


@pytest.mark.parametrize("activity", ACTIVITIES)
def test_how_an_event_is_written_does_not_matter(activity: Event) -> None:
    event = envelope(77, KEY) | activity
    plain, _ = answer(knowing([KEY]), Message(100, KEY.encode(), canonical(event, Random(1))))
    for writing in (shuffled, pretty, smuggled, unicode_escapes, foreign_entity):
        assert answer(knowing([KEY]), Message(100, KEY.encode(), writing(event, Random(1))))[0] == plain


@settings(max_examples=300)
@given(seed=st.integers(), activity=st.sampled_from(ACTIVITIES))
def test_nonsense_in_the_digits_of_a_known_envelope_gains_nothing(seed: int, activity: Event) -> None:
    random, lab = Random(seed), knowing([KEY])
    head, mark, rest = encode_event(envelope(77, KEY) | activity).partition(ACTIVITY_MARK)
    for _ in range(random.randint(1, 5)):
        head = mangled(head, random, VARYING)
    value = head + mark + rest
    plain, _ = answer(knowing([KEY]), Message(100, KEY.encode(), encode_event(envelope(77, KEY) | activity)))
    records, dead = answer(lab, Message(100, KEY.encode(), value))
    assert len(records) + len(dead) == 1
    for judged in records:
        assert judged[judged.index(mark) :] == plain[0][plain[0].index(mark) :]
        assert entity_of(judged) == KEY
    lab.commit(flush=True)
    lab.restart()
    lab.judge([message(101, envelope(78, KEY, seconds=8000) | activity)], flush=True)


def entity_of(judged: bytes) -> str:
    return judged.partition(b',"entity.id":"')[2].partition(b'"')[0].decode()


def test_what_is_no_event_becomes_a_dead_letter_and_the_rest_goes_on() -> None:
    lab = Lab()
    good = encode_event(envelope(1, KEY) | does("/bin/sh"))
    bad = [
        None,
        b"",
        b"not json",
        b"[]",
        b"{}",
        b"\xff\xfe",
        good[:-1],
        good.replace(b"event.dataset", b"event.nothing"),
    ]
    records = [Message(place, KEY.encode(), value) for place, value in enumerate([*bad, good])]
    judged = lab.judge(records)
    assert [value for value, _ in lab.dead] == bad
    assert len(judged) == 1
    assert lab.counts().total() == 1


@pytest.mark.parametrize("key", [None, b"", b"\xff"])
def test_an_event_of_nobody_is_no_event(key: bytes | None) -> None:
    lab = Lab()
    lab.judge([Message(0, key, encode_event(envelope(1, KEY) | does("/bin/sh")))])
    assert len(lab.dead) == 1
    assert "key" in lab.dead[0][1]


@pytest.mark.parametrize("identity", ["x", "", 'a"b', "a:b", "shop:0000:x", "ü:ü:ü", "a\\:b:1"])
def test_any_text_is_an_id(identity: str) -> None:
    for entities in ([], [KEY]):
        lab = knowing(entities)
        for _ in range(2):
            judged = lab.judge([message(100, envelope(1, KEY) | {"event.id": identity} | ACTIVITIES[0])])
            assert [record["event.id"] for record in judged] == [identity]


def test_an_event_that_would_be_too_large_for_kafka_with_its_verdict_is_refused() -> None:
    lab = knowing([KEY])
    for text in ("words", "words" * 200_000, "words", "f" * 600_000, "words" + "f" * 600_000):
        lab.judge([message(100, envelope(1, KEY) | {"message": text} | ACTIVITIES[0])])
    assert [reason for _, reason in lab.dead] == [
        f"an event of {size} bytes; 524288 is the most" for size in (1_000_368, 600_368, 600_373)
    ]


def test_nobody_else_gives_the_judge_s_numbers() -> None:
    lab = knowing([KEY])
    lab.judge([message(100, envelope(1, KEY, collector="judge") | ACTIVITIES[0])])
    assert "judge:0000:000000000001" in lab.dead[0][1]


@pytest.mark.parametrize("moment", ["2026-01-01T10:00:00+02:00", "2026-01-01T08:00:00Z", "20260101T080000Z"])
def test_times_are_compared_as_utc_however_they_are_written(moment: str) -> None:
    lab = knowing([KEY])
    judged = lab.judge([message(100, envelope(1, KEY) | {"@timestamp": moment} | does("/opt/new"))])
    assert judged[0]["@timestamp"] == moment
    (row,) = [row for row in lab.rows.values() if row.get("process.executable") == "/opt/new"]
    assert row["activity.first"] == "2026-01-01T08:00:00.000000000Z"
    assert lab.partition.ledger.marks.clock == "2026-01-01T08:00:00.000000000Z"


def test_a_batch_tells_its_last_messages_and_its_misses() -> None:
    lab = knowing([KEY])
    records = [message(place, envelope(place, KEY, seconds=9) | ACTIVITIES[0]) for place in range(200, 205)]
    batch = judge_batch(records, {0: lab.partition}, lab.partition.envelopes, {})
    assert batch.latest == {0: records[-1]}
    assert batch.misses == 0
    assert [json.loads(one["value"])["event.id"] for one in batch.produced[0]] == [
        f"shop:0000:{number:012d}" for number in range(200, 205)
    ]
    assert at(9) == lab.partition.ledger.marks.clock


def test_every_envelope_field_passes_the_fast_path() -> None:
    lab = knowing([KEY])
    values: dict[str, Any] = {"keyword": "word", "text": "words", "date": at(1), "long": 12, "double": 1.5}
    everything = {
        name: values[FIELDS[name].type]
        for name in names_of("envelope")
        if not name.startswith(("adop", "amend", "baseline", "finding"))
    }
    event = everything | {"entity.id": KEY, "event.id": "shop:0000:000000000001"} | ACTIVITIES[0]
    first, second = (lab.judge([message(place, event)]) for place in (100, 101))
    assert first == second
    assert everything.keys() <= first[0].keys()
