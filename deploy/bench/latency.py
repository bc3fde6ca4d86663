"""How soon an event is a document that a search finds: from its line in the sensor's file to Elasticsearch, through every process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any, Final

import httpx

from deploy.bench.alerts import alert
from deploy.bench.figure import Figure
from deploy.bench.processes import Progress, Servers, pipeline
from schemas.errors import StackError
from schemas.settings import Settings

__all__ = ["measure_latency"]

_WARM_SECONDS: Final = 30.0
"""The servers compile what they run often; before that, everything takes two to three times as long."""
_TICK_SECONDS: Final = 0.005
_LOOK_SECONDS: Final = 0.01
_SAMPLE_EVERY: Final = 50
_PATIENCE_SECONDS: Final = 60.0


def measure_latency(servers: Servers, *, events: int, events_a_second: int, progress: Progress) -> Iterator[Figure]:
    """Yield median, 95th and 99th percentile of the time from a line's writing until a search finds its document, and the rate reached.

    ``events`` are measured after the whole pipeline was warmed up at the same rate. Raises ``StackError`` for a sample
    that is not found within a minute.
    """
    with TemporaryDirectory(prefix="tidewaiter-latency-") as directory:
        file = Path(directory) / "falco.log"
        file.touch()
        with pipeline(servers, file, 1, progress) as (settings, _):
            warm = max(_SAMPLE_EVERY, round(_WARM_SECONDS * events_a_second))
            progress("warming up")
            _measure(settings, file, range(1, warm + 1), events_a_second)
            progress(f"{events} events at {events_a_second} a second")
            delays, rate = _measure(settings, file, range(warm + 1, warm + events + 1), events_a_second)
    progress(f"{len(delays)} samples, the slowest {max(delays) * 1000:.0f} ms")
    cuts = quantiles(delays, n=100, method="inclusive")
    for percent in (50, 95, 99):
        yield Figure(f"latency_p{percent}_ms", round(cuts[percent - 1] * 1000), "ms")
    yield Figure("latency_events_a_second", round(rate), "events/s")


def _measure(settings: Settings, file: Path, numbers: range, rate: float) -> tuple[list[float], float]:
    """Write the lines on time while another thread looks for the samples; return delays and the rate reached, in seconds."""
    written: dict[int, float] = {}
    ended = Event()
    looker = _Looker(settings, written, ended)
    looker.start()
    seconds = _write(file, numbers, rate, written)
    ended.set()
    looker.join()
    if written:
        raise StackError(
            f"{len(written)} samples were not found within {_PATIENCE_SECONDS:.0f} s, the first {min(written)}"
        )
    return looker.delays, len(numbers) / seconds


def _write(file: Path, numbers: range, rate: float, written: dict[int, float]) -> float:
    """Append the lines on time and note when samples were written; return the seconds that it took."""
    started, done = time.monotonic(), 0
    with file.open("ab", buffering=0) as output:
        while done < len(numbers):
            due = numbers[done : int((time.monotonic() - started) * rate) + 1]
            if due:
                output.write(b"".join(alert(number, time.time_ns()) for number in due))
                moment = time.monotonic()
                written.update({number: moment for number in due if number % _SAMPLE_EVERY == 0})
                done += len(due)
            time.sleep(_TICK_SECONDS)
    return time.monotonic() - started


class _Looker(Thread):
    """Asks for the samples that are not visible yet, all in one search, over and over."""

    def __init__(self, settings: Settings, written: dict[int, float], ended: Event) -> None:
        super().__init__(daemon=True)
        self.delays: list[float] = []
        self._written = written
        self._ended = ended
        self._client = httpx.Client(base_url=settings.elasticsearch.urls[0], timeout=10, trust_env=False)
        self._path = f"/{settings.elasticsearch.data_stream}/_search"

    def run(self) -> None:
        ends = float("inf")
        while (self._written or not self._ended.is_set()) and time.monotonic() < ends:
            if self._ended.is_set():
                ends = min(ends, time.monotonic() + _PATIENCE_SECONDS)
            self._look()
            time.sleep(_LOOK_SECONDS)
        self._client.close()

    def _look(self) -> None:
        numbers = list(self._written)
        if not numbers:
            return
        for number in self._found(numbers):
            self.delays.append(time.monotonic() - self._written.pop(number))

    def _found(self, numbers: list[int]) -> set[int]:
        question: dict[str, Any] = {
            "query": {"terms": {"event.sequence": numbers}},
            "size": len(numbers),
            "_source": ["event.sequence"],
        }
        answer = self._client.post(
            self._path, json=question, params={"ignore_unavailable": "true", "filter_path": "hits.hits._source"}
        )
        hits = answer.json().get("hits", {}).get("hits", [])
        return {hit["_source"]["event.sequence"] for hit in hits}
