"""Elasticsearch away, answers lost on their way, documents that it does not take: nothing lost, nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event
from time import sleep

import pytest

from schemas.errors import DeliveryError
from sinks.elasticsearch.sink import ElasticsearchSink
from sinks.mark import Totals
from sinks.types import Batch, Record
from tests.sinks.proxy import Proxy
from tests.sinks.world import World, event_id, record_value, wait_for, world_of

pytestmark = pytest.mark.services


@pytest.fixture
def proxy(elasticsearch: str) -> Iterator[Proxy]:
    proxy = Proxy(elasticsearch)
    yield proxy
    proxy.close()


@pytest.fixture
def world(kafka: str, elasticsearch: str, proxy: Proxy, prefix: str) -> World:
    """Give a world whose sink goes through the proxy, and whose looks do not."""
    world = world_of(kafka, proxy.url, prefix, batch_events=100)
    world.create_topics(2)
    return World(world.settings, elasticsearch=elasticsearch)


def records(first: int, last: int) -> Iterator[bytes]:
    return (record_value(event_id(number)) for number in range(first, last))


def test_elasticsearch_away_at_the_start_and_in_the_middle(world: World, proxy: Proxy) -> None:
    proxy.cut()
    world.produce(records(0, 1000), 2)
    with world.running() as totals:
        sleep(1)
        proxy.mend()
        wait_for(lambda: world.documents() == 1000)
        proxy.cut()
        world.produce(records(1000, 4000), 2)
        sleep(2)
        proxy.mend()
        world.wait_until_done()
    assert world.ids() == {event_id(number): 1 for number in range(4000)}
    assert totals[0].indexed + totals[0].repeats == 4000


def test_lost_answers_and_a_rollover_make_no_copies(world: World, proxy: Proxy) -> None:
    world.produce(records(0, 200), 2)
    with world.running() as totals:
        wait_for(lambda: world.documents() == 200)
        with proxy.losing_answers():
            world.produce(records(200, 2000), 2)
            wait_for(lambda: proxy.lost >= 3)
            world.roll_over()
        world.wait_until_done()
    assert world.ids() == {event_id(number): 1 for number in range(2000)}
    assert totals[0].repeats > 0
    assert totals[0].indexed + totals[0].repeats == 2000


def test_bad_documents_are_dead_letters_with_their_bytes(world: World) -> None:
    bad = {
        b'{"event.id":"bad:1","process.pid":1}': "timestamp",
        b'{"event.id":"bad:2","@timestamp":"yesterday"}': "date",
        b'{"event.id":"bad:3","@timestamp":"2026-01-01T00:00:00Z"': "HTTP 400",
        b'{"event.id":"bad:4","@timestamp":"2026-01-01T00:00:00Z"}\n{"create":{}}': "newline",
        b"\x00\xff": "does not begin",
        record_value("bad:5", **{"container.labels": "web"}): "HTTP 400",
        b'{"event.id":"bad:6","event.id":"bad:6","@timestamp":"2026-01-01T00:00:00Z"}': "HTTP 400",
    }
    world.produce([*records(0, 50), *bad, *records(50, 100)], 2)
    totals = world.run_until_done()
    assert totals == Totals(indexed=100, deadletters=len(bad))
    assert world.ids() == {event_id(number): 1 for number in range(100)}
    letters = {letter.data: letter for letter in world.deadletters()}
    assert letters.keys() == bad.keys()
    for value, reason in bad.items():
        assert reason in letters[value].error
        assert letters[value].place.startswith(world.topic)


def test_a_value_that_does_not_fit_its_field_leaves_out_the_field_alone(world: World) -> None:
    world.produce([record_value(event_id(1), **{"process.pid": "many", "source.ip": "somewhere"})], 2)
    assert world.run_until_done() == Totals(indexed=1)
    hit = world.ask("POST", f"{world.stream}/_search", json={"query": {"exists": {"field": "_ignored"}}})
    assert hit["hits"]["hits"][0]["_source"]["source.ip"] == "somewhere"


def test_unknown_fields_are_kept_and_not_indexed(world: World) -> None:
    world.produce([record_value(event_id(1), **{"made.up": "kept"})], 2)
    world.run_until_done()
    search = {"query": {"term": {"made.up": "kept"}}}
    assert world.ask("POST", f"{world.stream}/_search", json=search)["hits"]["hits"] == []
    everything = world.ask("POST", f"{world.stream}/_search")["hits"]["hits"]
    assert everything[0]["_source"]["made.up"] == "kept"


def test_the_stream_is_as_the_settings_say(world: World) -> None:
    world.produce(records(0, 1), 2)
    world.run_until_done()
    template = world.ask("GET", f"_index_template/{world.stream}")["index_templates"][0]["index_template"]
    assert template["template"]["lifecycle"]["data_retention"] == "365d"
    (index,) = world.ask("GET", f"{world.stream}/_settings").values()
    assert index["settings"]["index"]["refresh_interval"] == "200ms"
    assert index["settings"]["index"]["number_of_replicas"] == "0"


def test_flat_fields_are_searched_as_their_types(world: World) -> None:
    world.produce([record_value(event_id(1), **{"source.ip": "10.1.2.3"})], 2)
    world.run_until_done()
    search = {
        "query": {
            "bool": {
                "filter": [
                    {"term": {"source.ip": "10.0.0.0/8"}},
                    {"term": {"container.labels.com.docker.compose.service": "web"}},
                    {"range": {"process.pid": {"gte": 4711}}},
                ]
            }
        }
    }
    hits = world.ask("POST", f"{world.stream}/_search", json=search)["hits"]["hits"]
    assert [hit["_id"] for hit in hits] == [event_id(1)]


def test_an_id_that_is_taken_after_a_rollover_is_not_seen_by_create_and_by_our_look(world: World) -> None:
    """Says why a look-up is needed: the day Elasticsearch refuses the id itself, this test says so."""
    sink = ElasticsearchSink.from_settings(world.settings)
    record = Record(world.topic, 0, 0, None, record_value(event_id(1)))
    sink.open(Event())
    sink.deliver(Batch((record,), maybe_sent=False), Event())
    world.roll_over()
    assert sink.deliver(Batch((record,), maybe_sent=True), Event()).outcomes == ["repeat"]
    assert world.ids() == {event_id(1): 1}
    assert sink.deliver(Batch((record,), maybe_sent=False), Event()).outcomes == ["indexed"]
    assert world.ids() == {event_id(1): 2}
    sink.close()


def test_a_missing_template_stops_and_makes_no_index(world: World) -> None:
    sink = ElasticsearchSink.from_settings(world.settings)
    record = Record(world.topic, 0, 0, None, record_value(event_id(1)))
    with pytest.raises(DeliveryError, match="template"):
        sink.deliver(Batch((record,), maybe_sent=False), Event())
    sink.close()
    assert not world.exists()


def test_a_request_larger_than_elasticsearch_takes_goes_in_parts(world: World) -> None:
    sink = ElasticsearchSink.from_settings(world.settings)
    sink._most_bytes = 1 << 40
    sink.open(Event())
    filler = "x" * 3_000_000
    batch = [
        Record(world.topic, 0, number, None, record_value(event_id(number), filler=filler)) for number in range(36)
    ]
    delivered = sink.deliver(Batch(tuple(batch), maybe_sent=False), Event())
    sink.close()
    assert set(delivered.outcomes) <= {"indexed", "repeat"}
    assert world.ids() == {event_id(number): 1 for number in range(36)}
