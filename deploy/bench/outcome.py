"""Reads what a run left behind: every document of all backing indices, and the latest rows of ``activities``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from elasticsearch import Elasticsearch

from deploy.bench.compare import Document, Outcome
from deploy.bench.processes import COLLECTOR
from deploy.kafka import count_records, read_all
from schemas.codec import loads
from schemas.settings import Settings

__all__ = ["read_activities", "read_outcome"]

_PAGE: Final = 10_000
_KEEP: Final = "2m"
_VERDICT: Final = tuple(f"verdict.{name}" for name in ("outcome", "by", "policy", "clause", "reason", "activity"))
_AMENDMENT: Final = "amendment"


def read_outcome(settings: Settings, client: Elasticsearch, last_numbers: dict[int, int]) -> Outcome:
    """Return what stands in Elasticsearch and Kafka now; ``last_numbers`` are those the collector has committed."""
    return Outcome(
        documents=tuple(_documents(client, settings.elasticsearch.data_stream)),
        counts=read_activities(settings),
        last_numbers={f"{COLLECTOR}:{partition:04d}": number for partition, number in last_numbers.items()},
        deadletters=sum(count_records(settings.kafka, "deadletters").values()),
    )


def read_activities(settings: Settings) -> Counter[str]:
    """Return how many events ``activities`` counts, by digest of the activity, over all partitions, principals and contexts."""
    counts: Counter[str] = Counter()
    for value in read_all(settings.kafka, "activities").values():
        if value is not None:
            row = loads(value)
            counts[row["activity.digest"]] += row["activity.count"]
    return counts


def _documents(client: Elasticsearch, data_stream: str) -> Iterator[Document]:
    client.indices.refresh(index=data_stream)
    point = client.open_point_in_time(index=data_stream, keep_alive=_KEEP)["id"]
    wanted = ["event.sequence", "event.action", *_VERDICT]
    after: list[Any] | None = None
    while True:
        hits = client.search(
            size=_PAGE,
            pit={"id": point, "keep_alive": _KEEP},
            sort=["_shard_doc"],
            search_after=after,
            source_includes=wanted,
            track_total_hits=False,
        )["hits"]["hits"]
        yield from map(_document, hits)
        if len(hits) < _PAGE:
            break
        after = hits[-1]["sort"]
    client.close_point_in_time(id=point)


def _document(hit: dict[str, Any]) -> Document:
    """Return a document; an amendment repeats the verdict of events that are counted already."""
    source = hit["_source"]
    judged = "verdict.outcome" in source and source.get("event.action") != _AMENDMENT
    return Document(
        hit["_id"], source.get("event.sequence"), tuple(source.get(name) for name in _VERDICT) if judged else ()
    )
