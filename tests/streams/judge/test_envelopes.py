from __future__ import annotations

import pytest

from schemas.codec import ACTIVITY_MARK, encode_event
from schemas.fields import FIELDS, names_of
from streams.judge import envelopes
from streams.judge.envelopes import MAX_BYTES, VARYING, Envelopes, entity_mark
from tests.streams.judge.lab import does, envelope

KEY = "0123456789ab"


def head_of(value: bytes) -> bytes:
    return value.partition(ACTIVITY_MARK)[0]


def test_no_field_s_name_becomes_another_s_by_leaving_out_what_varies() -> None:
    outlines = {name: name.encode().translate(None, VARYING) for name in FIELDS}
    for name in names_of("envelope"):
        assert [other for other, outline in outlines.items() if outline == outlines[name]] == [name]


def test_events_of_one_sensor_share_an_outline() -> None:
    known = Envelopes()
    known.learn(encode_event(envelope(1, KEY) | does("/bin/true")))
    other = envelope(99_999, "ffffffffffff", seconds=77.5) | {"process.pid": 7}
    assert known.knows(head_of(encode_event(other | does("/bin/false"))), entity_mark("ffffffffffff"))
    assert len(known.outlines) == 1


def test_another_field_another_order_and_another_entity_are_not_known() -> None:
    known = Envelopes()
    value = encode_event(envelope(1, KEY) | does("/bin/true"))
    known.learn(value)
    head, mark = head_of(value), entity_mark(KEY)
    assert known.knows(head, mark)
    assert not known.knows(head, entity_mark("ffffffffffff"))
    assert not known.knows(head + b',"message":"x"', mark)
    assert not known.knows(head + b',"verdict.outcome":"authorized"', mark)
    assert not known.knows(head.replace(b'"process.pid":', b'"process.pid": '), mark)
    assert not known.knows(head.replace(b"shop", b"sh\x01op"), mark)


def test_nothing_is_concluded_from_an_escape() -> None:
    known = Envelopes()
    value = encode_event(envelope(1, KEY) | {"message": 'a "quoted" word'} | does("/bin/true"))
    known.learn(value)
    assert not known.knows(head_of(value), entity_mark(KEY))
    assert not known.outlines


@pytest.mark.parametrize(
    ("moment", "known"),
    [
        ("2026-11-27T10:00:00.000000000Z", True),
        ("2026-11-27T10:00:00.5Z", True),
        ("2026-11-27T10:00:00Z", True),
        ("2026-11-27T10:00:00+00:00", False),
        ("2026-11-27T12:00:00.5+02:00", False),
        ("2026-11-27 10:00:00Z", False),
        ("2026-11-27T10:00:00", False),
    ],
)
def test_an_envelope_is_known_if_its_time_begins_with_the_hour_in_utc(*, moment: str, known: bool) -> None:
    learnt, value = Envelopes(), encode_event({**envelope(1, KEY), "@timestamp": moment} | does("/bin/true"))
    learnt.learn(value)
    assert learnt.knows(head_of(value), entity_mark(KEY)) == known


def test_an_entity_is_known_wherever_it_stands() -> None:
    for fields in (envelope(1, KEY), {**envelope(1, KEY), "event.created": None}, envelope(1, KEY, collector="a-b.c")):
        known, value = Envelopes(), encode_event(fields | does("/bin/true"))
        known.learn(value)
        assert known.knows(head_of(value), entity_mark(KEY))
        assert not known.knows(head_of(value), entity_mark(KEY[:-1]))
        assert not known.knows(head_of(value), entity_mark(f"{KEY}0"))


def test_an_envelope_that_only_digits_make_large_is_not_known() -> None:
    known, value = Envelopes(), encode_event(envelope(1, KEY) | {"message": "x"} | does("/bin/true"))
    known.learn(value)
    assert known.knows(head_of(value.replace(b"x", b"x" + b"f" * 1000, 1)), entity_mark(KEY))
    assert not known.knows(head_of(value.replace(b"x", b"x" + b"f" * MAX_BYTES, 1)), entity_mark(KEY))


def test_too_many_outlines_are_forgotten_together() -> None:
    known = Envelopes()
    for number in range(envelopes._MAX_OUTLINES + 1):
        text = "".join("ghijklmnop"[int(digit)] for digit in str(number))
        known.learn(encode_event(envelope(1, KEY) | {"message": text} | does("/bin/true")))
    assert len(known.outlines) == 1
