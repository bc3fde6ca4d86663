"""What the demo found, computed from Elasticsearch alone: every value here is counted, none is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from elasticsearch import Elasticsearch

__all__ = ["Finding", "Summary", "summarise"]

_ACTIVITY: Final = {"terms": {"event.kind": ["event", "alert"]}}
_UNAUTHORIZED: Final = {"term": {"verdict.outcome": "unauthorized"}}
_FINDINGS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Equal unauthorized events of one container or user: the first of them and how many there were."""

    record: dict[str, Any]
    count: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Events and their outcomes, by source and by workload, and what was unauthorized."""

    outcomes: dict[str, int]
    modules: dict[str, int]
    workloads: dict[str, int]
    decided_by: dict[str, int]
    findings: tuple[Finding, ...]
    records_about: dict[str, int]


def summarise(client: Elasticsearch, data_stream: str) -> Summary:
    """Return what Elasticsearch holds, read by aggregations."""
    aggregations = {
        name: {"terms": {"field": field, "size": 50}}
        for name, field in (
            ("outcomes", "verdict.outcome"),
            ("modules", "event.module"),
            ("workloads", "workload.name"),
            ("decided_by", "verdict.policy"),
        )
    }
    client.indices.refresh(index=data_stream)
    found = client.search(index=data_stream, size=0, query=_ACTIVITY, aggs=aggregations)["aggregations"]
    counted = {name: {bucket["key"]: bucket["doc_count"] for bucket in found[name]["buckets"]} for name in aggregations}
    others = client.search(
        index=data_stream,
        size=0,
        query={"bool": {"must_not": _ACTIVITY}},
        aggs={"action": {"terms": {"field": "event.action"}}},
    )["aggregations"]["action"]["buckets"]
    return Summary(
        **counted,
        findings=_findings(client, data_stream),
        records_about={bucket["key"]: bucket["doc_count"] for bucket in others},
    )


def _findings(client: Elasticsearch, data_stream: str) -> tuple[Finding, ...]:
    query = {"bool": {"filter": [_UNAUTHORIZED, _ACTIVITY]}}
    hits = client.search(index=data_stream, size=_FINDINGS, query=query, sort=["@timestamp"])["hits"]["hits"]
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for hit in hits:
        record = hit["_source"]
        found.setdefault((record["verdict.principal"], record["verdict.reason"]), []).append(record)
    return tuple(Finding(records[0], len(records)) for records in found.values())
