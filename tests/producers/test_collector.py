from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.collector import REPEATED_FACTS, Collector
from producers.ledger import Message
from producers.state import decode_state
from producers.testing import MemoryLedger, ScriptedOrigin
from producers.types import Gap, Record
from schemas.codec import Event, decode
from schemas.deadletter import decode_deadletter
from schemas.event import validate_event
from schemas.settings import CollectorSettings
from tests.producers.lines_format import LinesFormat

Item = bytes | Gap | Callable[[], None]
SETTINGS = CollectorSettings(heartbeat_seconds=3600)


def run(
    script: Sequence[Item], ledger: MemoryLedger, settings: CollectorSettings = SETTINGS, max_record_bytes: int = 1000
) -> tuple[Collector, ScriptedOrigin]:
    origin = ScriptedOrigin(script)
    collector = Collector("shop", origin, LinesFormat(), ledger, settings, max_record_bytes=max_record_bytes)
    collector.run()
    return collector, origin


def events_of(ledger: MemoryLedger) -> list[Event]:
    return [decode(value) for value in ledger.values("events")]


def said(ledger: MemoryLedger) -> list[str]:
    return [event["process.executable"] for event in events_of(ledger) if "process.executable" in event]


def check_numbers(ledger: MemoryLedger, collector_id: str = "shop") -> None:
    expected: Counter[int] = Counter()
    for message in ledger.messages:
        if message.topic == "events":
            expected[message.partition] += 1
            number = f"{collector_id}:{message.partition:04d}:{expected[message.partition]:012d}"
            assert decode(message.value)["event.id"] == number


def test_events_are_numbered_valid_and_in_the_partition_of_their_entity() -> None:
    ledger = MemoryLedger()
    collector, _ = run([b"exec a /bin/sh", b"exec b /bin/ls", b"exec a /bin/cat"], ledger)
    assert said(ledger) == ["/bin/sh", "/bin/ls", "/bin/cat"]
    check_numbers(ledger)
    for event in events_of(ledger):
        validate_event(event)
    partitions = {decode(m.value)["process.executable"]: m.partition for m in ledger.messages if b"exec" in m.value}
    assert partitions["/bin/sh"] == partitions["/bin/cat"]
    assert collector.collected.events == 3


def test_the_wire_begins_with_the_id_and_ends_with_the_activity() -> None:
    ledger = MemoryLedger()
    run([b"exec a /bin/sh"], ledger)
    value = next(v for v in ledger.values("events") if b"/bin/sh" in v)
    assert value.startswith(b'{"event.id":"shop:')
    assert value.endswith(
        b',"ecs.version":"9.1.0","event.action":"exec","event.dataset":"lines","event.kind":"event",'
        b'"process.executable":"/bin/sh"}'
    )


def test_a_record_that_cannot_be_read_is_a_dead_letter_with_its_bytes_and_place() -> None:
    ledger = MemoryLedger()
    collector, _ = run([b"exec a x", b"\xff\x00nonsense"], ledger)
    (letter,) = map(decode_deadletter, ledger.values("deadletters"))
    assert (letter.data, letter.place, letter.process) == (b"\xff\x00nonsense", "script:2", "shop")
    assert collector.collected.deadletters == 1
    assert said(ledger) == ["x"]


def test_one_bad_item_loses_no_good_one() -> None:
    ledger = MemoryLedger()
    collector, _ = run([b"mixed"], ledger)
    assert said(ledger) == ["good"]
    assert [decode_deadletter(v).error for v in ledger.values("deadletters")] == ["one bad item"]
    assert collector.collected.dropped == Counter({"one dull item": 1})


@pytest.mark.parametrize("field", ["no.such.field", "process.pid", "@timestamp", "source.ip"])
def test_an_event_against_the_contract_is_a_dead_letter_and_takes_no_number(field: str) -> None:
    ledger = MemoryLedger()
    run([f"raw {field} wrong".encode(), b"exec e fine"], ledger)
    assert field in decode_deadletter(ledger.values("deadletters")[0]).error
    assert said(ledger) == ["fine"]
    check_numbers(ledger)


def test_too_long_a_record_is_never_parsed() -> None:
    ledger = MemoryLedger()
    run([b"exec a " + b"x" * 100], ledger, max_record_bytes=100)
    assert "longer than 100 bytes" in decode_deadletter(ledger.values("deadletters")[0]).error


@pytest.mark.parametrize("limit", [5, 1000])
def test_a_dead_letter_keeps_what_the_format_lets_it_keep(limit: int) -> None:
    ledger, origin = MemoryLedger(), ScriptedOrigin([b"nonsense"])
    Collector("shop", origin, LinesFormat(), ledger, SETTINGS, max_record_bytes=limit, outline=bytes.upper).run()
    assert [decode_deadletter(value).data for value in ledger.values("deadletters")] == [b"NONSENSE"]


def test_blank_and_dull_records_are_counted() -> None:
    collector, _ = run([b"", b"drop", b"  "], MemoryLedger())
    assert collector.collected.dropped == Counter({"blank line": 2, "dull": 1})


def test_facts_are_sent_when_they_change() -> None:
    ledger = MemoryLedger()
    script = [
        b"facts a nginx",
        b"facts b nginx",
        b"facts a nginx",
        b"facts a redis",
        b"facts a redis",
        b"facts a nginx",
    ]
    collector, _ = run(script, ledger)
    images = [(e["entity.id"], e["container.image.name"]) for e in events_of(ledger) if e["event.action"] == "facts"]
    assert images == [("a", "nginx"), ("b", "nginx"), ("a", "redis"), ("a", "nginx")]
    assert collector.collected.dropped == Counter({REPEATED_FACTS: 2})
    check_numbers(ledger)


def test_only_so_many_facts_are_remembered() -> None:
    ledger = MemoryLedger()
    settings = SETTINGS.model_copy(update={"facts_remembered": 1})
    run([b"facts a nginx", b"facts b nginx", b"facts a nginx"], ledger, settings)
    assert len([e for e in events_of(ledger) if e["event.action"] == "facts"]) == 3


def test_a_gap_is_told_as_an_alert_of_the_collector() -> None:
    ledger = MemoryLedger()
    run([Gap("disk full", first="3", last="9", count=7, position={"next": 1})], ledger)
    (gap,) = [event for event in events_of(ledger) if event["event.action"] == "telemetry-gap"]
    assert gap["entity.id"] == "collector:shop"
    assert gap["event.kind"] == "alert"
    assert (gap["gap.cause"], gap["gap.first"], gap["gap.last"], gap["gap.count"]) == ("disk full", "3", "9", 7)
    assert decode_state(ledger.values("collectors")[-1]).position == {"next": 1}
    check_numbers(ledger)


def test_heartbeats_reach_every_partition_and_carry_its_last_number() -> None:
    ledger = MemoryLedger(partitions=3)
    run([b"exec a x", b"exec b x", b"exec c x", b"exec d x"], ledger)
    last: Counter[int] = Counter()
    beats: Counter[int] = Counter()
    for message in ledger.messages:
        if message.topic == "events":
            event = decode(message.value)
            if event["event.action"] == "heartbeat":
                assert event["heartbeat.number"] == last[message.partition]
                beats[message.partition] += 1
            last[message.partition] += 1
    assert set(beats) == {0, 1, 2}
    assert ledger.messages[-1].topic == "collectors"


def test_the_origin_is_told_what_is_committed_and_closed_once() -> None:
    _, origin = run([b"exec a x", b"exec b y"], MemoryLedger())
    assert origin.acknowledged[-1] == {"next": 2}
    assert origin.closed == 1


def test_a_full_batch_is_committed_at_once() -> None:
    ledger = MemoryLedger()
    settings = SETTINGS.model_copy(update={"batch_events": 2, "batch_seconds": 3600.0})
    run([b"exec a x"] * 10, ledger, settings)
    assert ledger.commits >= 5


def test_stop_commits_what_was_read() -> None:
    ledger = MemoryLedger()
    collector: list[Collector] = []
    script: list[Item] = [b"exec a x", lambda: collector[0].stop(), b"exec a never"]  # noqa: PLW0108 - it is not there yet
    origin = ScriptedOrigin(script)
    collector.append(Collector("shop", origin, LinesFormat(), ledger, SETTINGS, max_record_bytes=100))
    collector[0].run()
    assert said(ledger) == ["x"]
    assert decode_state(ledger.values("collectors")[-1]).position == {"next": 1}


def test_a_silent_origin_does_not_stop_heartbeats() -> None:
    ledger = MemoryLedger(partitions=1)
    beat_three_times = threading.Event()

    def watch(messages: Sequence[Message]) -> None:
        if ledger.commits >= 3:
            beat_three_times.set()
        assert messages

    ledger._before_commit = watch
    script: list[Item] = []
    origin = ScriptedOrigin(script)
    origin.read = lambda limit, timeout_seconds: []  # type: ignore[method-assign]  # noqa: ARG005 - silent
    settings = SETTINGS.model_copy(update={"heartbeat_seconds": 0.01})
    collector = Collector("shop", origin, LinesFormat(), ledger, settings, max_record_bytes=100)
    thread = threading.Thread(target=collector.run)
    thread.start()
    assert beat_three_times.wait(30)
    collector.stop()
    thread.join()
    check_numbers(ledger)


def test_live_records_are_enriched_before_they_are_parsed() -> None:
    ledger = MemoryLedger()
    collector = Collector(
        "shop",
        ScriptedOrigin([b"exec a x"]),
        LinesFormat(),
        ledger,
        SETTINGS,
        max_record_bytes=100,
        enrich=lambda record: Record(record.data + b"-enriched", record.place, record.position, record.line),
    )
    collector.run()
    assert said(ledger) == ["x-enriched"]


class BrokerDied(Exception):
    """What a commit raises in these tests."""


def run_with_crashes(script: Sequence[Item], crashes: list[bool], settings: CollectorSettings) -> MemoryLedger:
    """Run to the end, starting anew after each commit that fails; ``crashes`` says which do."""
    turn = count()

    def before_commit(messages: Sequence[Message]) -> None:
        number = next(turn)
        if number < len(crashes) and crashes[number]:
            raise BrokerDied(len(messages))

    ledger = MemoryLedger(before_commit=before_commit)
    while True:
        try:
            run(script, ledger, settings)
        except BrokerDied:
            continue
        return ledger


@given(
    lines=st.lists(
        st.sampled_from([b"exec %s", b"facts a n%s", b"bad %s", b"drop", b"begin %s", b"end %s"]), max_size=30
    ),
    crashes=st.lists(st.booleans(), max_size=30),
    batch_events=st.integers(1, 5),
)
def test_whatever_dies_every_record_counts_once(lines: list[bytes], crashes: list[bool], batch_events: int) -> None:
    numbers = count()
    script: list[Item] = []
    for line in lines:
        number = b"%d" % (next(numbers) // 3 if line.startswith((b"begin", b"end")) else next(numbers))
        script.append(b"exec e p%s" % number if line.startswith(b"exec") else line.replace(b"%s", number))
    settings = SETTINGS.model_copy(update={"batch_events": batch_events, "batch_seconds": 3600.0})
    crashed = run_with_crashes(script, crashes, settings)
    calm = run_with_crashes(script, [], settings)
    assert Counter(said(crashed)) == Counter(said(calm))
    letters = [Counter(decode_deadletter(v).data for v in ledger.values("deadletters")) for ledger in (crashed, calm)]
    assert letters[0] == letters[1]
    check_numbers(crashed)
