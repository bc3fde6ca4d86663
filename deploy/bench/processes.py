"""The processes of a benchmark: its own topics and data stream on running servers, and the whole pipeline above them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol
from uuid import uuid4

from deploy.kafka import delete_topics, read_all
from deploy.pipeline import collector, environment_of, prepare_topics
from deploy.stack import Child, Supervisor
from schemas.codec import loads
from schemas.settings import ElasticsearchSettings, KafkaSettings, Settings, SourceSettings

__all__ = ["COLLECTOR", "Progress", "Servers", "children", "pipeline", "position", "settings_of"]

COLLECTOR: Final = "bench"

_PARTITIONS: Final = 8
_RESTARTS: Final = 10_000
_STOP_SECONDS: Final = 60.0

Progress = Callable[[str], None]


class Servers(Protocol):
    """Where Kafka (bootstrap servers) and Elasticsearch (base URL) run; a ``Stack`` is one."""

    @property
    def kafka(self) -> str: ...

    @property
    def elasticsearch(self) -> str: ...


def settings_of(servers: Servers, directory: Path) -> Settings:
    """Return settings with topics and a data stream that nothing else has."""
    name = f"bench-{uuid4().hex[:8]}"
    return Settings(
        kafka=KafkaSettings(bootstrap_servers=servers.kafka, topic_prefix=f"{name}.", partitions=_PARTITIONS),
        elasticsearch=ElasticsearchSettings(urls=[servers.elasticsearch], data_stream=f"{name}-verdicts"),
        state_directory=directory,
    )


def children(settings: Settings, file: Path, judges: int) -> tuple[Child, ...]:
    """Return the collector that follows ``file``, the judges and the sink, each started again whenever it ends."""
    source = SourceSettings(id=COLLECTOR, format="falco", file=file, cluster="bench", host="node-0")
    slots = [
        _child(f"judge-{slot}", ("judge",), settings, {"TIDEWAITER_JUDGE__SLOT": str(slot)}) for slot in range(judges)
    ]
    sink = _child("deliver-elasticsearch", ("deliver", "elasticsearch", "--instance", "bench"), settings, {})
    return (collector(settings, source), *slots, sink)


def _child(name: str, arguments: tuple[str, ...], settings: Settings, more: dict[str, str]) -> Child:
    return Child(
        name=name,
        command=(sys.executable, "-m", "deploy.cli", *arguments),
        environment=environment_of(settings) | more,
        restarts=_RESTARTS,
        stop_timeout_seconds=_STOP_SECONDS,
    )


@contextmanager
def pipeline(servers: Servers, file: Path, judges: int, progress: Progress) -> Iterator[tuple[Settings, Supervisor]]:
    """Run the pipeline on ``file``; at the end its processes and topics are gone, its data stream stays."""
    with TemporaryDirectory(prefix="tidewaiter-bench-", ignore_cleanup_errors=True) as directory:
        settings = settings_of(servers, Path(directory))
        prepare_topics(settings, [], [])
        try:
            with Supervisor(Path(directory), foreground=True, progress=progress) as supervisor:
                for child in children(settings, file, judges):
                    supervisor.start(child)
                yield settings, supervisor
        finally:
            delete_topics(settings.kafka)


def position(settings: Settings) -> tuple[int, dict[int, int]]:
    """Return how many bytes of the file the collector has committed, and the last number of each partition."""
    states = read_all(settings.kafka, "collectors")
    value = next((value for (_, key), value in states.items() if key == COLLECTOR.encode()), None)
    if value is None:
        return 0, {}
    state = loads(value)
    return state["position"]["offset"], {int(number): following - 1 for number, following in state["numbers"].items()}
