from __future__ import annotations

from typing import Any

import pytest

from producers.formats.docker import DockerFormat
from producers.normalise import Normaliser, records_of
from producers.types import FormatOptions
from schemas.codec import Event
from schemas.errors import Invalid
from tests.producers.formats.docker.engine_records import CONTAINER, ENTITY, TIME, engine_event
from tests.producers.formats.reading import events_of, lines_of, results_of

OPTIONS = FormatOptions(cluster="prod", host="node-1")
USAGE = {
    "Id": CONTAINER,
    "cpu": 0.25,
    "memory": 8 * 1024 * 1024,
    "pids": 3,
    "network.received": 0.0,
    "network.sent": 2_048.5,
}


def measured(**usage: Any) -> Event:
    return {"timeNano": TIME, "engine": "podman", "usage": USAGE | usage}


def test_a_measurement_is_an_event_for_each_metric() -> None:
    events = events_of(DockerFormat(OPTIONS), measured())
    assert [(event["resource.metric"], event["resource.band"], event["resource.value"]) for event in events] == [
        ("cpu", -8, 0.25),
        ("memory", 92, 8_388_608.0),
        ("pids", 6, 3.0),
        ("network.received", 40, 0.0),
        ("network.sent", 44, 2_048.5),
    ]
    for event in events:
        assert event == event | {
            "@timestamp": "2024-04-24T23:06:40.123456789Z",
            "entity.id": ENTITY,
            "event.kind": "metric",
            "event.category": ["host"],
            "event.type": ["info"],
            "event.action": "resource-usage",
            "event.module": "docker",
            "event.dataset": "docker.stats",
        }


def test_what_is_no_number_or_no_metric_is_left_out() -> None:
    events = events_of(DockerFormat(OPTIONS), measured(cpu="much", memory=-1, pids=None, luck=7))
    assert [event["resource.metric"] for event in events] == ["network.received", "network.sent"]


def test_a_measurement_of_nothing_is_ignored_by_name() -> None:
    normaliser = Normaliser(DockerFormat(OPTIONS))
    line = {"timeNano": TIME, "usage": {"Id": CONTAINER, "cpu": None}}
    assert not list(normaliser.run(records_of(lines_of(line), "test")))
    assert normaliser.tally.ignored == {"nothing was measured": 1}


@pytest.mark.parametrize("identity", ["", "web", None, 7, "z" * 64])
def test_a_measurement_of_no_container_is_a_dead_letter(identity: Any) -> None:
    (result,) = results_of(DockerFormat(OPTIONS), measured(Id=identity))
    assert isinstance(result, Invalid)


def test_a_label_cannot_make_a_measurement_of_an_event() -> None:
    labelled = engine_event("start", labels={"usage": "x", "resource.metric": "cpu"})
    assert not [event for event in events_of(DockerFormat(OPTIONS), labelled) if event["event.kind"] == "metric"]
