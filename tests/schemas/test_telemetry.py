from __future__ import annotations

import socket
from typing import get_args

import httpx
import pytest

from schemas.errors import ConfigurationError
from schemas.telemetry import METRICS, Name, count, gauge, observe, registry, serve


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_every_name_has_its_row() -> None:
    assert set(METRICS) == set(get_args(Name))


def test_counters_gauges_and_durations_are_served() -> None:
    count("events", 5, process="served")
    gauge("spool_bytes", 7, collector="served")
    observe("batch_seconds", 0.02, process="served")
    port = _free_port()
    stop = serve(port)
    try:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    finally:
        stop()
    assert 'tidewaiter_events_total{process="served"} 5.0' in text
    assert 'tidewaiter_spool_bytes{collector="served"} 7.0' in text
    assert 'tidewaiter_batch_seconds_count{process="served"} 1.0' in text


def test_counting_adds_up() -> None:
    count("batches", process="adds")
    count("batches", 2, process="adds")
    assert registry().get_sample_value("tidewaiter_batches_total", {"process": "adds"}) == 3


def test_a_metric_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="spool_bytes is no counter"):
        count("spool_bytes", collector="x")
    with pytest.raises(TypeError, match="events is no gauge"):
        gauge("events", 1, process="x")
    with pytest.raises(TypeError, match="events measures no seconds"):
        observe("events", 1, process="x")


def test_wrong_labels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"[Ii]ncorrect label"):
        count("events", colour="red")


def test_a_taken_port_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigurationError, match="metrics_port"):
        serve(taken.getsockname()[1])
