"""The whole way: from the topic `verdicts` to documents in a real Elasticsearch."""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from time import sleep

import httpx
import pytest

from deploy.stack.ports import find_free_port
from schemas.errors import ConfigurationError
from schemas.settings import Settings
from sinks.mark import Totals
from sinks.run import deliver
from tests.sinks.world import event_id, record_value, world_of


@pytest.mark.services
def test_every_record_becomes_one_document(kafka: str, elasticsearch: str, prefix: str) -> None:
    world = world_of(kafka, elasticsearch, prefix)
    world.create_topics(4)
    world.produce((record_value(event_id(number)) for number in range(5000)), 4)

    totals = world.run_until_done()

    assert world.ids() == {event_id(number): 1 for number in range(5000)}
    assert totals == Totals(indexed=5000)
    assert world.totals() == totals


def test_a_sink_that_does_not_exist_is_said_with_those_that_do() -> None:
    with pytest.raises(ConfigurationError, match="'splunk'; there are: elasticsearch"):
        deliver(Settings(), "splunk", stop=Event())


@pytest.mark.services
def test_it_stops_while_it_waits_for_elasticsearch(kafka: str, prefix: str) -> None:
    world = world_of(kafka, f"http://127.0.0.1:{find_free_port()}", prefix)
    with world.running() as totals:
        sleep(0.5)
    assert totals == [Totals()]


@pytest.mark.services
def test_metrics_say_what_became_of_records(kafka: str, elasticsearch: str, prefix: str) -> None:
    world = world_of(kafka, elasticsearch, prefix)
    port = find_free_port()
    world = replace(world, settings=world.settings.model_copy(update={"metrics_port": port}))
    world.create_topics(1)
    world.produce([record_value(event_id(number)) for number in range(10)], 1)
    with world.running():
        world.wait_until_done()
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert 'tidewaiter_events_total{process="elasticsearch"}' in text
    assert 'tidewaiter_batch_seconds_count{process="elasticsearch"}' in text
