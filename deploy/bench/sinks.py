"""How soon and how fast verdicts become documents: the sink alone, with a real Kafka before it and a real Elasticsearch behind it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles
from threading import Event, Thread
from typing import Any, Final
from uuid import uuid4

import httpx
from confluent_kafka import Producer

from deploy.bench.figure import Figure
from deploy.kafka import create_topics, delete_topics
from schemas.codec import encode_event
from schemas.event import now
from schemas.settings import ElasticsearchSettings, KafkaSettings, Settings
from sinks.elasticsearch.sink import ElasticsearchSink
from sinks.run import deliver, read_totals

__all__ = ["measure_sink_latency", "measure_sink_throughput"]

_PARTITIONS: Final = 8
_TRANSACTION_SECONDS: Final = 0.02
_SAMPLE_EVERY: Final = 20
_LOOK_SECONDS: Final = 0.01
_WARM_SECONDS: Final = 5.0
_PATIENCE_SECONDS: Final = 30.0


def measure_sink_latency(
    bootstrap_servers: str, elasticsearch_url: str, *, events_a_second: int = 1_000, seconds: float = 30.0
) -> Iterator[Figure]:
    """Yield median and 95th percentile of the time from a record's commit in Kafka until a search finds its document."""
    settings = _settings(bootstrap_servers, elasticsearch_url)
    with _delivering(settings):
        written: dict[str, float] = {}
        ended = Event()
        looker = _Looker(settings, written, ended)
        looker.start()
        _write_evenly(settings, events_a_second, _WARM_SECONDS + seconds, written)
        ended.set()
        looker.join()
    delays = sorted(looker.delays[int(_WARM_SECONDS * events_a_second / _SAMPLE_EVERY) :])
    cuts = quantiles(delays, n=100)
    yield Figure("sink_visible_p50", round(cuts[49] * 1000), "ms")
    yield Figure("sink_visible_p95", round(cuts[94] * 1000), "ms")


def measure_sink_throughput(
    bootstrap_servers: str, elasticsearch_url: str, *, events: int = 100_000
) -> Iterator[Figure]:
    """Yield documents a second when all records are there already."""
    settings = _settings(bootstrap_servers, elasticsearch_url)
    create_topics(settings.kafka)
    producer = _producer(settings)
    for first in range(0, events, 10_000):
        _write(producer, settings, range(first, min(events, first + 10_000)))
    started = time.monotonic()
    with _delivering(settings):
        while read_totals(settings, ElasticsearchSink.name).indexed < events:
            time.sleep(0.25)
        elapsed = time.monotonic() - started
    yield Figure("sink_throughput", round(events / elapsed), "documents/s")


class _Looker(Thread):
    """Asks for the records that are not visible yet, over and over."""

    def __init__(self, settings: Settings, written: dict[str, float], ended: Event) -> None:
        super().__init__()
        self.delays: list[float] = []
        self._written = written
        self._ended = ended
        self._client = httpx.Client(base_url=settings.elasticsearch.urls[0], timeout=10, trust_env=False)
        self._path = f"/{settings.elasticsearch.data_stream}/_search"

    def run(self) -> None:
        last = time.monotonic() + _PATIENCE_SECONDS
        while (self._written or not self._ended.is_set()) and (time.monotonic() < last or not self._ended.is_set()):
            self._look()
            time.sleep(_LOOK_SECONDS)
        self._client.close()

    def _look(self) -> None:
        ids = list(self._written)
        if not ids:
            return
        question = {"query": {"ids": {"values": ids}}, "size": len(ids), "_source": False}
        answer = self._client.post(
            self._path, json=question, params={"ignore_unavailable": "true", "filter_path": "hits.hits._id"}
        )
        seen = time.monotonic()
        for hit in answer.json().get("hits", {}).get("hits", []):
            self.delays.append(seen - self._written.pop(hit["_id"]))


@contextmanager
def _delivering(settings: Settings) -> Iterator[None]:
    create_topics(settings.kafka)
    stop = Event()
    sink = Thread(target=deliver, args=(settings, ElasticsearchSink.name), kwargs={"stop": stop})
    sink.start()
    try:
        yield
    finally:
        stop.set()
        sink.join()
        delete_topics(settings.kafka)


def _settings(bootstrap_servers: str, elasticsearch_url: str) -> Settings:
    name = f"bench-{uuid4().hex[:8]}"
    return Settings(
        kafka=KafkaSettings(bootstrap_servers=bootstrap_servers, topic_prefix=f"{name}.", partitions=_PARTITIONS),
        elasticsearch=ElasticsearchSettings(urls=[elasticsearch_url], data_stream=f"{name}-verdicts"),
    )


def _producer(settings: Settings) -> Producer:
    topic = settings.kafka.topic("verdicts")
    producer = Producer(
        settings.kafka.client_configuration() | {"transactional.id": topic, "linger.ms": 1, "compression.type": "lz4"}
    )
    producer.init_transactions()
    return producer


def _write_evenly(settings: Settings, events_a_second: int, seconds: float, written: dict[str, float]) -> None:
    """Write small transactions on time, as the judge does at low load, and note when each was committed."""
    producer = _producer(settings)
    portion = max(1, round(events_a_second * _TRANSACTION_SECONDS))
    started = time.monotonic()
    for turn in range(round(seconds / _TRANSACTION_SECONDS)):
        time.sleep(max(0.0, started + turn * _TRANSACTION_SECONDS - time.monotonic()))
        numbers = range(turn * portion, (turn + 1) * portion)
        _write(producer, settings, numbers)
        committed = time.monotonic()
        written.update({_identity(number): committed for number in numbers if number % _SAMPLE_EVERY == 0})


def _write(producer: Producer, settings: Settings, numbers: range) -> None:
    topic = settings.kafka.topic("verdicts")
    producer.begin_transaction()
    for number in numbers:
        producer.produce(topic, encode_event(_event(number)), partition=number % _PARTITIONS)
    producer.commit_transaction()


def _identity(number: int) -> str:
    return f"bench:{number % _PARTITIONS:04}:{number // _PARTITIONS:012}"


def _event(number: int) -> dict[str, Any]:
    """Return an event of 1.2 kB with facts and verdict."""
    container = f"{number % 200:064x}"
    return {
        "event.id": _identity(number),
        "@timestamp": now(),
        "event.created": now(),
        "entity.id": container[-12:],
        "process.pid": number % 32_768,
        "process.parent.pid": 1,
        "event.kind": "event",
        "event.category": ["process"],
        "event.type": ["start"],
        "event.action": "exec",
        "event.outcome": "success",
        "event.module": "auditd",
        "event.dataset": "auditd.log",
        "process.executable": f"/srv/shop/bin/worker-{number % 10}",
        "process.args": [f"/srv/shop/bin/worker-{number % 10}", "--queue", "orders", "--once", "--log-format=json"],
        "process.parent.executable": "/usr/bin/supervisor",
        "user.id": "1000",
        "container.id": container,
        "container.name": f"shop-{number % 20}",
        "container.image.name": f"registry.shop.example/shop/worker-{number % 20}:1.4.2",
        "container.image.hash.all": [f"registry.shop.example/shop/worker@sha256:{number % 20:064x}"],
        "workload.cluster": "production",
        "workload.namespace": "shop",
        "workload.name": f"worker-{number % 20}",
        "workload.kind": "Deployment",
        "workload.container": "main",
        "host.name": f"node-{number % 7}",
        "verdict.outcome": "authorized",
        "verdict.by": "policy",
        "verdict.policy": "shop",
        "verdict.clause": "exec.allow[0]",
        "verdict.reason": "allowed by policy shop, exec.allow[0]: programs of the image",
        "verdict.policy_hash": "0123456789abcdef",
        "verdict.principal": "container:production/shop/worker/main",
        "verdict.context": "0123456789abcdef",
    }
