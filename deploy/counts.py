"""How much went where: read from what each process commits, so exact at any moment and after any crash."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from elasticsearch import ApiError, ConnectionError, Elasticsearch  # noqa: A004 - the client's own name

from deploy.kafka import count_records, read_all
from schemas.codec import loads
from schemas.settings import Settings
from sinks.elasticsearch.sink import ElasticsearchSink
from sinks.run import read_totals
from streams.judge.records import JUDGE
from streams.judge.state import MARKS

__all__ = ["Counts", "read_counts"]


@dataclass(frozen=True, slots=True)
class Counts:
    """Events of collectors at each stage.

    ``collected`` by collector; ``outcomes`` of verdicts as they were given, without ``heartbeats``, which get none; ``indexed`` documents
    of collectors' events in Elasticsearch, None where it does not answer; ``deadletters`` by stage; ``repeats`` are documents that
    were there already when the sink sent them again.
    """

    collected: dict[str, int]
    outcomes: dict[str, int]
    heartbeats: int
    indexed: int | None
    deadletters: dict[str, int] = field(default_factory=dict)
    repeats: int = 0

    @property
    def judged(self) -> int:
        """Return how many events of collectors were judged."""
        return sum(self.outcomes.values()) + self.heartbeats

    def as_json(self) -> dict[str, Any]:
        """Return the counts as a JSON object."""
        return asdict(self) | {"judged": self.judged}


def read_counts(settings: Settings, client: Elasticsearch) -> Counts:
    """Return the counts of now."""
    outcomes, heartbeats = _judged(settings)
    return Counts(
        collected=_collected(settings),
        outcomes=outcomes,
        heartbeats=heartbeats,
        indexed=_indexed(settings, client),
        deadletters=dict(count_records(settings.kafka, "deadletters")),
        repeats=read_totals(settings, ElasticsearchSink.name).repeats,
    )


def _collected(settings: Settings) -> dict[str, int]:
    states = {key: loads(value) for (_, key), value in read_all(settings.kafka, "collectors").items() if key and value}
    return {
        key.decode(): sum(number - 1 for number in state["numbers"].values()) for key, state in sorted(states.items())
    }


def _judged(settings: Settings) -> tuple[dict[str, int], int]:
    outcomes: Counter[str] = Counter()
    heartbeats = 0
    for (_, key), value in read_all(settings.kafka, "judge-state").items():
        if key == MARKS and value:
            marks = loads(value)
            outcomes.update(marks["outcomes"])
            heartbeats += marks["heartbeats"]
    return dict(outcomes), heartbeats


def _indexed(settings: Settings, client: Elasticsearch) -> int | None:
    query = {"bool": {"must_not": {"prefix": {"event.id": f"{JUDGE}:"}}}}
    try:
        client.indices.refresh(index=settings.elasticsearch.data_stream)
        return int(client.count(index=settings.elasticsearch.data_stream, query=query)["count"])
    except (ApiError, ConnectionError):
        return None
