"""Metrics: every name in one typed table, served to Prometheus by each process.

``count("events", 2000, process="collector")`` adds to a counter, ``gauge`` sets one, ``observe`` measures a duration.
Call them once a batch, not once an event. ``serve(9464)`` answers ``http://127.0.0.1:9464/metrics``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from schemas.errors import ConfigurationError

__all__ = ["METRICS", "Metric", "Name", "count", "gauge", "observe", "registry", "serve"]

Name = Literal[
    # records that an origin gave; label: collector
    "records_read",
    # events that are committed; label: process (collector id, judge slot, sink name)
    "events",
    # records and events left out on purpose; labels: process, reason
    "dropped",
    # records that went to dead letters; labels: process, stage
    "deadletters",
    # gaps in telemetry that were reported; labels: process, cause
    "gaps",
    # transactions or bulk requests that were committed; label: process
    "batches",
    # how long one took, from its first event to its commit; label: process
    "batch_seconds",
    # events of the largest number that waits, such as the lag behind Kafka; label: process
    "lag_events",
    # bytes in the durable spool; label: collector
    "spool_bytes",
    # requests of the HTTP push by status code; labels: collector, status
    "push_requests",
    # activities whose verdict was remembered; label: process
    "memo_hits",
    # activities that had to be decided; label: process
    "memo_misses",
    # bytes that the memo holds; label: process
    "memo_bytes",
    # verdicts by outcome; labels: process, outcome
    "verdicts",
    # documents that were there already after a restart; label: process
    "repeats",
    # requests that were tried again; labels: process, reason
    "retries",
    # rows of activities that were taken; label: process
    "rows",
    # decisions of people and policies that were taken; label: process
    "decisions",
    # hits of rules that correlations count; label: process
    "hits",
    # how long all shards of a process took for a tick, writing included; label: process
    "tick_seconds",
    # how long newly assigned partitions took until they could be read on; label: process
    "restore_seconds",
]

Kind = Literal["counter", "gauge", "seconds"]

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: Prometheus sees ``tidewaiter_NAME`` (a counter with ``_total`` behind it)."""

    name: Name
    kind: Kind
    description: str
    labels: tuple[str, ...]


METRICS: Final = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric("records_read", "counter", "Records that an origin gave.", ("collector",)),
            Metric("events", "counter", "Events that are committed.", ("process",)),
            Metric("dropped", "counter", "Left out on purpose.", ("process", "reason")),
            Metric("deadletters", "counter", "Records that could not be read.", ("process", "stage")),
            Metric("gaps", "counter", "Gaps in telemetry that were reported.", ("process", "cause")),
            Metric("batches", "counter", "Batches that were committed.", ("process",)),
            Metric("batch_seconds", "seconds", "Time from the first event of a batch to its commit.", ("process",)),
            Metric("lag_events", "gauge", "Events that wait.", ("process",)),
            Metric("spool_bytes", "gauge", "Bytes in the durable spool.", ("collector",)),
            Metric("push_requests", "counter", "Pushed requests by status.", ("collector", "status")),
            Metric("memo_hits", "counter", "Activities whose verdict was remembered.", ("process",)),
            Metric("memo_misses", "counter", "Activities that had to be decided.", ("process",)),
            Metric("memo_bytes", "gauge", "Bytes that the memo holds.", ("process",)),
            Metric("verdicts", "counter", "Verdicts by outcome.", ("process", "outcome")),
            Metric("repeats", "counter", "Documents that were there already.", ("process",)),
            Metric("retries", "counter", "Requests that were tried again.", ("process", "reason")),
            Metric("rows", "counter", "Rows of activities that were taken.", ("process",)),
            Metric("decisions", "counter", "Decisions that were taken.", ("process",)),
            Metric("hits", "counter", "Hits of rules that were taken.", ("process",)),
            Metric("tick_seconds", "seconds", "Time of a tick of all shards.", ("process",)),
            Metric("restore_seconds", "seconds", "Time to restore newly assigned partitions.", ("process",)),
        )
    }
)


@cache
def registry() -> CollectorRegistry:
    """Return the registry of this process; made when first asked for, so that importing does no work."""
    return CollectorRegistry()


@cache
def _collector(name: Name) -> Counter | Gauge | Histogram:
    metric = METRICS[name]
    full = f"tidewaiter_{name}"
    if metric.kind == "seconds":
        return Histogram(full, metric.description, metric.labels, registry=registry(), buckets=_SECONDS)
    kind: Callable[..., Counter | Gauge] = Counter if metric.kind == "counter" else Gauge
    return kind(full, metric.description, metric.labels, registry=registry())


def count(name: Name, amount: float = 1, **labels: str) -> None:
    """Add to a counter; raise ``TypeError`` for a metric of another kind, ``ValueError`` for wrong labels."""
    counter = _collector(name)
    if not isinstance(counter, Counter):
        raise TypeError(f"metric {name} is no counter")
    counter.labels(**labels).inc(amount)


def gauge(name: Name, value: float, **labels: str) -> None:
    """Set a gauge; raise ``TypeError`` for a metric of another kind, ``ValueError`` for wrong labels."""
    found = _collector(name)
    if not isinstance(found, Gauge):
        raise TypeError(f"metric {name} is no gauge")
    found.labels(**labels).set(value)


def observe(name: Name, seconds: float, **labels: str) -> None:
    """Measure a duration; raise ``TypeError`` for a metric of another kind, ``ValueError`` for wrong labels."""
    histogram = _collector(name)
    if not isinstance(histogram, Histogram):
        raise TypeError(f"metric {name} measures no seconds")
    histogram.labels(**labels).observe(seconds)


def serve(port: int, address: str = "127.0.0.1") -> Callable[[], None]:
    """Serve ``/metrics`` in a thread and return the function that stops it; raise ``ConfigurationError`` if the port is taken."""
    try:
        server, thread = start_http_server(port, address, registry())
    except OSError as error:
        raise ConfigurationError(
            f"metrics cannot listen on {address}:{port}: {error.strerror}; set metrics_port to a free port or leave it out"
        ) from error

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
