"""Runs one sink until it is told to stop: ``tidewaiter deliver NAME``.

``python -m sinks.run NAME [INSTANCE]`` does the same with the settings of the working directory and the environment.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event
from types import MappingProxyType
from typing import Final

import structlog
from confluent_kafka import TopicPartition

from schemas.errors import ConfigurationError
from schemas.settings import Settings, load_settings
from schemas.telemetry import serve
from sinks.deadletters import DeadLetters
from sinks.elasticsearch.sink import ElasticsearchSink
from sinks.kafka import group_consumer, producer
from sinks.ledger import patiently
from sinks.mark import Mark, Totals
from sinks.runner import Pace, Runner
from sinks.types import Cancelled, Sink

__all__ = ["SINKS", "deliver", "main", "read_totals"]

_log = structlog.get_logger(__name__)

SINKS: Final[Mapping[str, type[Sink]]] = MappingProxyType({ElasticsearchSink.name: ElasticsearchSink})

_KAFKA_SECONDS: Final = 30.0


def deliver(
    settings: Settings,
    sink_name: str,
    *,
    instance: str | None = None,
    stop: Event | None = None,
    pace: Pace | None = None,
) -> Totals:
    """Deliver the topic ``verdicts`` to a sink until ``stop`` is set; return what became of all records, over all restarts.

    Without a ``stop`` the signals TERM and INT stop it, which works in a main thread only. ``instance`` names one of
    several processes of a sink: killed and started again under its name, it goes on at once instead of after the ten
    seconds in which the dead one might come back; two of one name cannot run together.
    Raises ``ConfigurationError`` before anything is read, ``DeliveryError`` when the receiver refuses for good.
    """
    if sink_name not in SINKS:
        raise ConfigurationError(f"no sink is named {sink_name!r}; there are: {', '.join(sorted(SINKS))}")
    sink = SINKS[sink_name].from_settings(settings)
    with _stopping(stop) as stopped, _metrics(settings):
        try:
            return _run(settings, sink, instance, stopped, pace)
        finally:
            sink.close()


def read_totals(settings: Settings, sink_name: str) -> Totals:
    """Return what became of all records that a sink has committed, of all its processes, from Kafka."""
    consumer = group_consumer(settings.kafka, sink_name, None)
    try:
        topic = settings.kafka.topic("verdicts")
        numbers = consumer.list_topics(topic, timeout=_KAFKA_SECONDS).topics[topic].partitions
        places = [TopicPartition(topic, number) for number in numbers]
        committed = patiently(lambda: consumer.committed(places, timeout=_KAFKA_SECONDS)) if places else []
    finally:
        consumer.close()
    marks = (Mark.read(place.offset, place.metadata) for place in committed)
    return sum((mark.totals for mark in marks if mark is not None), Totals())


def main() -> None:
    """Run the sink that the first argument names."""
    name, *rest = sys.argv[1:]
    deliver(load_settings(), name, instance=rest[0] if rest else None)


def _run(settings: Settings, sink: Sink, instance: str | None, stop: Event, pace: Pace | None) -> Totals:
    try:
        sink.open(stop)
    except Cancelled:
        return Totals()
    kafka = settings.kafka
    letters = DeadLetters(producer(kafka, sink.name), kafka.topic("deadletters"), sink.name)
    runner = Runner(group_consumer(kafka, sink.name, instance), letters, sink, kafka.topic("verdicts"), pace=pace)
    totals = runner.run(stop)
    _log.info(
        "delivered",
        sink=sink.name,
        indexed=totals.indexed,
        repeats=totals.repeats,
        quarantined=totals.quarantined,
        deadletters=totals.deadletters,
    )
    return totals


@contextmanager
def _stopping(stop: Event | None) -> Iterator[Event]:
    """Give the event that ends the run; where it is ours, signals set it, and their handlers come back afterwards."""
    if stop is not None:
        yield stop
        return
    stopped = Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _metrics(settings: Settings) -> Iterator[None]:
    stop = serve(settings.metrics_port) if settings.metrics_port is not None else None
    try:
        yield
    finally:
        if stop is not None:
            stop()


if __name__ == "__main__":
    main()
