"""Every answer that Elasticsearch can give, and every answer that it does not give."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

import pytest

from schemas.errors import DeliveryError
from sinks.types import Batch, Cancelled, Delivered, Record
from tests.sinks.elasticsearch.fake import FakeElasticsearch, Reply, error, error_item, lost, on, sink_of
from tests.sinks.world import event_id, record_value


@pytest.fixture
def server() -> FakeElasticsearch:
    return FakeElasticsearch()


def record_of(number: int, value: bytes | None = None) -> Record:
    return Record("t.verdicts", 0, number, b"key", record_value(event_id(number)) if value is None else value)


def batch_of(*numbers: int, maybe_sent: bool = False) -> Batch:
    return Batch(tuple(record_of(number) for number in numbers), maybe_sent)


def deliver(server: FakeElasticsearch, batch: Batch, **settings: Any) -> Delivered:
    return sink_of(server, **settings).deliver(batch, Event())


def items(*rows: dict[str, Any]) -> Reply:
    return 200, {"errors": True, "items": [{"create": row} for row in rows]}


def test_the_bytes_arrive_as_they_are(server: FakeElasticsearch) -> None:
    value = b'{"event.id":"a:1","@timestamp":"2026-01-01T00:00:00Z","message":"\xc3\xa4 \\u0000 \\n","x":1.50}'
    seen: list[bytes] = []

    def keep(_server: FakeElasticsearch, _method: str, _path: str, body: bytes) -> None:
        seen.append(body)

    server.faults.append(keep)
    assert deliver(server, Batch((record_of(1, value),), maybe_sent=False)).outcomes == ["indexed"]
    assert seen == [b'{"create":{"_id":"a:1"}}\n' + value + b"\n"]
    assert server.parameters[0]["require_data_stream"] == ["true"]


def test_outcomes_are_in_the_order_of_the_records(server: FakeElasticsearch) -> None:
    batch = Batch((record_of(1), record_of(2, b"rubbish"), record_of(3), record_of(4, b"")), maybe_sent=False)
    delivered = deliver(server, batch)
    assert delivered.outcomes == ["indexed", "refused", "indexed", "refused"]
    assert [refused.record.offset for refused in delivered.refused] == [2, 4]


def test_a_document_that_cannot_be_parsed_is_refused_alone(server: FakeElasticsearch) -> None:
    batch = Batch((record_of(1), record_of(2, b'{"event.id":"x","a":'), record_of(3)), maybe_sent=False)
    delivered = deliver(server, batch)
    assert delivered.outcomes == ["indexed", "refused", "indexed"]
    assert delivered.refused[0].reason.startswith("HTTP 400 document_parsing_exception: not JSON")
    assert not delivered.throttled


def test_a_batch_without_documents_asks_nothing(server: FakeElasticsearch) -> None:
    assert deliver(server, Batch((record_of(1, b"rubbish"),), maybe_sent=True)).outcomes == ["refused"]
    assert server.requests == []


@pytest.mark.parametrize(
    "item",
    [
        error_item(429, "es_rejected_execution_exception"),
        error_item(503, "unavailable_shards_exception"),
        error_item(500, "whatever"),
        error_item(403, "cluster_block_exception"),
        error_item(429, "circuit_breaking_exception"),
    ],
    ids=lambda item: f"{item['status']}-{item['error']['type']}",
)
def test_only_the_items_that_failed_for_now_are_sent_again(server: FakeElasticsearch, item: dict[str, Any]) -> None:
    bodies: list[bytes] = []

    def fail_the_second(_server: FakeElasticsearch, _method: str, path: str, body: bytes) -> Reply | None:
        if not path.endswith("_bulk"):
            return None
        bodies.append(body)
        server.bulk(b"".join(body.splitlines(keepends=True)[:2]))
        return items({"status": 201}, item)

    server.faults.append(fail_the_second)
    delivered = deliver(server, batch_of(1, 2))
    assert delivered.outcomes == ["indexed", "indexed"]
    assert delivered.throttled
    assert server.bulks() == 2
    assert server.count(event_id(1)) == server.count(event_id(2)) == 1


@pytest.mark.parametrize(
    ("reply", "looked_up"),
    [
        (error(429, "es_rejected_execution_exception"), False),
        (error(403, "cluster_block_exception"), False),
        (error(503, "master_not_discovered_exception"), True),
        ((502, "Bad Gateway"), True),
        ((504, ""), True),
    ],
)
def test_a_request_that_failed_for_now_is_sent_again(
    server: FakeElasticsearch, reply: Reply, *, looked_up: bool
) -> None:
    server.faults += on("_bulk", reply, reply)
    delivered = deliver(server, batch_of(1, 2))
    assert delivered.outcomes == ["indexed", "indexed"]
    assert delivered.throttled
    assert bool(server.searches()) is looked_up


def test_an_answer_that_never_came_makes_no_copies(server: FakeElasticsearch) -> None:
    server.faults.append(lost())
    delivered = deliver(server, batch_of(1, 2, 3))
    assert delivered.outcomes == ["repeat"] * 3
    assert server.bulks() == 1


def test_an_answer_that_never_came_and_a_rollover_make_no_copies(server: FakeElasticsearch) -> None:
    def roll_over_behind(server: FakeElasticsearch, _method: str, path: str, body: bytes) -> Reply | None:
        if not path.endswith("_bulk"):
            return None
        server.bulk(b"".join(body.splitlines(keepends=True)[:4]))
        server.roll_over()
        return 0, None

    server.faults.append(roll_over_behind)
    delivered = deliver(server, batch_of(1, 2, 3))
    assert delivered.outcomes == ["repeat", "repeat", "indexed"]
    assert [server.count(event_id(number)) for number in (1, 2, 3)] == [1, 1, 1]


def test_a_request_that_was_never_heard_is_sent_again(server: FakeElasticsearch) -> None:
    server.faults += [lost(before=True)] * 5
    assert deliver(server, batch_of(1, 2)).outcomes == ["indexed", "indexed"]


@pytest.mark.parametrize(
    "reply",
    [
        (200, {"timed_out": True, "_shards": {"failed": 0}}),
        (200, {"timed_out": False, "_shards": {"failed": 1}, "hits": {"hits": []}}),
        error(503, "search_phase_execution_exception"),
        (0, None),
    ],
)
def test_a_look_up_with_holes_in_it_is_no_look_up(server: FakeElasticsearch, reply: Reply) -> None:
    deliver(server, batch_of(1, 2))
    server.roll_over()
    server.faults += on("_search", reply)
    assert deliver(server, batch_of(1, 2, 3, maybe_sent=True)).outcomes == ["repeat", "repeat", "indexed"]
    assert server.count(event_id(1)) == 1


def test_what_may_have_been_sent_is_looked_up_in_all_backing_indices(server: FakeElasticsearch) -> None:
    deliver(server, batch_of(1, 2))
    server.roll_over()
    deliver(server, batch_of(3))
    server.roll_over()
    delivered = deliver(server, batch_of(1, 2, 3, 4, maybe_sent=True))
    assert delivered.outcomes == ["repeat", "repeat", "repeat", "indexed"]


def test_before_the_stream_exists_nothing_is_there(server: FakeElasticsearch) -> None:
    server.faults += on("_refresh", error(404, "index_not_found_exception"))
    assert deliver(server, batch_of(1, maybe_sent=True)).outcomes == ["indexed"]


def test_a_conflict_after_a_look_up_is_a_repeat(server: FakeElasticsearch) -> None:
    """The request of a dead process can still be carried out between our look and our request."""

    def arrive_late(server: FakeElasticsearch, _method: str, path: str, body: bytes) -> Reply | None:
        return None if not path.endswith("_bulk") else (server.bulk(body), server.bulk(body))[1]

    server.faults.append(arrive_late)
    assert deliver(server, batch_of(1, maybe_sent=True)).outcomes == ["repeat"]


def test_an_id_that_nobody_sent_with_the_same_content_is_a_repeat_and_an_alert(
    server: FakeElasticsearch, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = batch_of(1)
    deliver(server, batch)
    delivered = deliver(server, batch)
    assert delivered.outcomes == ["repeat"]
    assert "an id is there already that nobody sent" in capsys.readouterr().out


def test_an_id_that_somebody_took_for_other_content_is_refused(server: FakeElasticsearch) -> None:
    deliver(server, batch_of(1))
    other = Batch((record_of(1, record_value(event_id(1), **{"process.executable": "/bin/sh"})),), maybe_sent=False)
    delivered = deliver(server, other)
    assert delivered.outcomes == ["refused"]
    assert "another document has this id" in delivered.refused[0].reason


def test_the_same_id_twice_in_a_batch(server: FakeElasticsearch) -> None:
    same = record_of(1)
    changed = record_of(2, record_value(event_id(1), message="forged"))
    delivered = deliver(server, Batch((same, same, changed), maybe_sent=False))
    assert delivered.outcomes == ["indexed", "repeat", "refused"]


@pytest.mark.parametrize(
    ("item", "advice"),
    [
        (error_item(401, "security_exception"), "password"),
        (error_item(403, "security_exception"), "role"),
        (error_item(404, "index_not_found_exception"), "template"),
        (error_item(400, "index_closed_exception"), "nothing is lost"),
    ],
)
def test_what_only_a_person_can_help_stops(server: FakeElasticsearch, item: dict[str, Any], advice: str) -> None:
    server.faults += on("_bulk", items(item))
    with pytest.raises(DeliveryError, match=advice):
        deliver(server, batch_of(1))


@pytest.mark.parametrize("status", [401, 403, 404, 405])
@pytest.mark.parametrize("path", ["_bulk", "_search", "_refresh"])
def test_a_request_that_is_not_allowed_stops(server: FakeElasticsearch, status: int, path: str) -> None:
    if (path, status) == ("_refresh", 404):
        pytest.skip("says that there is no stream yet")
    server.faults += on(path, *[error(status, "security_exception")] * 3)
    with pytest.raises(DeliveryError, match="HTTP"):
        deliver(server, batch_of(1, maybe_sent=True))


def test_a_request_that_is_too_large_goes_in_halves_from_then_on(server: FakeElasticsearch) -> None:
    server.most_bytes = 2_000
    sink = sink_of(server)
    assert sink.deliver(batch_of(*range(8)), Event()).outcomes == ["indexed"] * 8
    before = server.bulks()
    assert sink.deliver(batch_of(*range(8, 16)), Event()).outcomes == ["indexed"] * 8
    assert server.bulks() - before < before


def test_one_document_that_is_too_large_is_refused(server: FakeElasticsearch) -> None:
    server.most_bytes = 5_000
    large = record_of(2, record_value(event_id(2), message="x" * 6_000))
    delivered = deliver(server, Batch((record_of(1), large, record_of(3)), maybe_sent=False))
    assert delivered.outcomes == ["indexed", "refused", "indexed"]
    assert "413" in delivered.refused[0].reason


def test_a_request_that_cannot_be_read_is_narrowed_down(server: FakeElasticsearch) -> None:
    def dislike_the_third(_server: FakeElasticsearch, _method: str, _path: str, body: bytes) -> Reply | None:
        return error(400, "x_content_parse_exception") if event_id(3).encode() in body else None

    server.faults += [dislike_the_third] * 10
    delivered = deliver(server, batch_of(1, 2, 3, 4, 5))
    assert delivered.outcomes == ["indexed", "indexed", "refused", "indexed", "indexed"]


def test_what_the_failure_store_took_is_quarantined(server: FakeElasticsearch) -> None:
    server.faults += on("_bulk", items({"status": 201, "failure_store": "used"}, {"status": 201}))
    assert deliver(server, batch_of(1, 2)).outcomes == ["quarantined", "indexed"]


def test_a_delivery_is_called_back_while_elasticsearch_is_away(server: FakeElasticsearch) -> None:
    server.faults += [lost(before=True, suffix="")] * 1_000_000
    cancelled, raised = Event(), list[BaseException]()

    def run() -> None:
        try:
            sink_of(server).deliver(batch_of(1), cancelled)
        except Cancelled as stopped:
            raised.append(stopped)

    thread = Thread(target=run)
    thread.start()
    cancelled.set()
    thread.join(10)
    assert raised


def test_being_away_is_said_once_and_being_back_once(
    server: FakeElasticsearch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.faults += [lost(before=True, suffix="")] * 5
    assert deliver(server, batch_of(1)).outcomes == ["indexed"]
    log = capsys.readouterr().out
    assert log.count("does not take documents") == 1
    assert log.count("takes documents again") == 1


def test_the_template_is_put_when_elasticsearch_is_there(server: FakeElasticsearch) -> None:
    server.faults += [lost(before=True, suffix=""), *on("", (503, ""))]
    sink_of(server, retention="30d", refresh_interval="5s").open(Event())
    assert server.template is not None
    assert server.template["index_patterns"] == ["verdicts"]
    assert server.template["template"]["lifecycle"] == {"enabled": True, "data_retention": "30d"}
    assert server.template["template"]["settings"]["index"]["refresh_interval"] == "5s"
    assert "ignore_malformed" not in server.template["template"]["mappings"]["properties"]["@timestamp"]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_template_that_is_not_taken_stops(server: FakeElasticsearch, status: int) -> None:
    server.faults += on("", error(status, "illegal_argument_exception"))
    with pytest.raises(DeliveryError):
        sink_of(server).open(Event())


def test_an_other_product_stops() -> None:
    server = FakeElasticsearch()
    server.product = "Opensearch"
    with pytest.raises(DeliveryError, match=r"elasticsearch\.urls"):
        sink_of(server).open(Event())
