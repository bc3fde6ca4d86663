"""What every sink must do, run over all of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

import pytest

from schemas.settings import Settings
from sinks.run import SINKS
from sinks.testing import MemorySink
from sinks.types import Batch, Cancelled, Delivered, Record, Sink
from tests.sinks.elasticsearch.fake import FakeElasticsearch, lost, sink_of
from tests.sinks.world import event_id, record_value


@dataclass(frozen=True)
class Case:
    """A sink, how often its receiver has a record, and how its receiver goes away."""

    sink: Sink
    count: Callable[[int], int]
    go_away: Callable[[], None]


def memory() -> Case:
    sink = MemorySink(refuses=lambda record: None if record.value.startswith(b"{") else "is no event")
    return Case(sink, lambda number: int(record_of(number).value in sink.records), sink.gate.clear)


def elasticsearch() -> Case:
    server = FakeElasticsearch()

    def go_away() -> None:
        server.faults += [lost(before=True, suffix="")] * 1_000_000

    return Case(sink_of(server), lambda number: server.count(event_id(number)), go_away)


@pytest.fixture(params=[memory, elasticsearch], ids=lambda make: make.__name__)
def case(request: pytest.FixtureRequest) -> Case:
    made: Case = request.param()
    return made


def record_of(number: int) -> Record:
    value = record_value(event_id(number), **{"@timestamp": "2026-01-01T00:00:00.000000000Z"})
    return Record("t.verdicts", 0, number, b"key", value)


def batch_of(*numbers: int, maybe_sent: bool = False) -> Batch:
    return Batch(tuple(record_of(number) for number in numbers), maybe_sent)


def deliver(case: Case, batch: Batch) -> Delivered:
    return case.sink.deliver(batch, Event())


def test_every_sink_has_a_case() -> None:
    made = {type(make().sink) for make in (memory, elasticsearch)}
    assert made == {*SINKS.values(), MemorySink}


def test_every_sink_is_known_by_its_name() -> None:
    for name, kind in SINKS.items():
        assert kind.from_settings(Settings()).name == name


def test_each_record_has_its_outcome(case: Case) -> None:
    assert deliver(case, batch_of(1, 2, 3)).outcomes == ["indexed"] * 3
    assert [case.count(number) for number in (1, 2, 3)] == [1, 1, 1]


def test_what_may_have_been_sent_makes_no_copies(case: Case) -> None:
    deliver(case, batch_of(1, 2))
    assert deliver(case, batch_of(1, 2, 3, maybe_sent=True)).outcomes == ["repeat", "repeat", "indexed"]
    assert [case.count(number) for number in (1, 2, 3)] == [1, 1, 1]


def test_a_bad_record_is_refused_with_a_reason_and_holds_up_no_other(case: Case) -> None:
    bad = Record("t.verdicts", 0, 2, None, b"\x00\xff\nrubbish")
    delivered = deliver(case, Batch((record_of(1), bad, record_of(3)), maybe_sent=False))
    assert delivered.outcomes == ["indexed", "refused", "indexed"]
    assert [refused.record for refused in delivered.refused] == [bad]
    assert delivered.refused[0].reason


def test_threads_may_deliver_at_the_same_time(case: Case) -> None:
    batches = [batch_of(*range(first, first + 10)) for first in range(0, 200, 10)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda batch: deliver(case, batch), batches))
    assert [answer.outcomes for answer in answers] == [["indexed"] * 10] * 20
    assert all(case.count(number) == 1 for number in range(200))


def test_a_delivery_can_be_called_back_while_the_receiver_is_away(case: Case) -> None:
    case.go_away()
    cancelled = Event()
    with ThreadPoolExecutor(1) as threads:
        delivery = threads.submit(case.sink.deliver, batch_of(1), cancelled)
        cancelled.set()
        with pytest.raises(Cancelled):
            delivery.result(30)


def test_it_opens_and_closes(case: Case) -> None:
    case.sink.open(Event())
    case.sink.close()


def test_opening_can_be_called_back(case: Case) -> None:
    case.go_away()
    cancelled = Event()
    cancelled.set()
    with pytest.raises(Cancelled):
        case.sink.open(cancelled)


def test_limits_are_sensible(case: Case) -> None:
    limits = case.sink.limits
    assert limits.records > 0
    assert limits.value_bytes > 0
    assert limits.seconds > 0
