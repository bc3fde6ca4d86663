"""The latency benchmark follows every sample to Elasticsearch; how fast that is depends on the machine and is no test."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from deploy.bench.latency import measure_latency


@dataclass(frozen=True)
class Given:
    """Servers that run already."""

    kafka: str
    elasticsearch: str


@pytest.mark.services
def test_every_sample_is_seen(kafka: str, elasticsearch: str) -> None:
    told: list[str] = []
    figures = list(measure_latency(Given(kafka, elasticsearch), events=500, events_a_second=200, progress=told.append))
    assert [figure.name for figure in figures] == [
        "latency_p50_ms",
        "latency_p95_ms",
        "latency_p99_ms",
        "latency_events_a_second",
    ]
    assert any(line.startswith("10 samples") for line in told)
    assert 0 < figures[0].value <= figures[1].value <= figures[2].value
