"""What the demo found, computed from Elasticsearch alone: every value here is counted, none is told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from elasticsearch import Elasticsearch

__all__ = ["Finding", "Summary", "summarise"]

_ACTIVITY: Final = {"terms": {"event.kind": ["event", "alert"]}}
_AMENDMENT: Final = {"term": {"event.action": "amendment"}}
_BEFORE_FACTS: Final = {"term": {"verdict.context": "missing"}}
_UNAUTHORIZED: Final = {"term": {"verdict.outcome": "unauthorized"}}
_FINDINGS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Equal unauthorized events of one container or user: the first of them and how many there were."""

    record: dict[str, Any]
    count: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Events and their outcomes before and behind a moment, by source and by workload, and what was unauthorized."""

    before: dict[str, int]
    behind: dict[str, int]
    modules: dict[str, int]
    workloads: dict[str, int]
    findings: tuple[Finding, ...]
    records_about: dict[str, int]


def summarise(client: Elasticsearch, data_stream: str, moment: str = "now") -> Summary:
    """Return what Elasticsearch holds, read by aggregations; ``moment`` is a time as Elasticsearch's ranges take it."""
    aggregations = {
        name: {"terms": {"field": field, "size": 50}}
        for name, field in (
            ("modules", "event.module"),
            ("workloads", "workload.name"),
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
    before, behind = ({"range": {"@timestamp": {bound: moment}}} for bound in ("lt", "gte"))
    return Summary(
        **counted,
        before=_outcomes(client, data_stream, before),
        behind=_outcomes(client, data_stream, behind),
        findings=_findings(client, data_stream),
        records_about={bucket["key"]: bucket["doc_count"] for bucket in others},
    )


def _outcomes(client: Elasticsearch, data_stream: str, when: dict[str, Any]) -> dict[str, int]:
    """Return the outcomes as they are now: what a container did before its facts came was judged again when they came."""

    def count(aggregation: dict[str, Any], *filters: dict[str, Any]) -> list[dict[str, Any]]:
        return _buckets(client, data_stream, {"bool": {"filter": [when, *filters]}}, aggregation)

    by_outcome = {"terms": {"field": "verdict.outcome"}}
    entities = [one["key"] for one in count({"terms": {"field": "entity.id", "size": _FINDINGS}}, _AMENDMENT)]
    replaced = count(by_outcome, _ACTIVITY, _BEFORE_FACTS, {"terms": {"entity.id": entities}})
    amended = count(by_outcome | {"aggs": {"counted": {"sum": {"field": "amendment.count"}}}}, _AMENDMENT)
    outcomes = Counter({bucket["key"]: bucket["doc_count"] for bucket in count(by_outcome, _ACTIVITY)})
    outcomes.subtract({bucket["key"]: bucket["doc_count"] for bucket in replaced})
    outcomes.update({bucket["key"]: int(bucket["counted"]["value"]) for bucket in amended})
    return dict(outcomes)


def _buckets(
    client: Elasticsearch, data_stream: str, query: dict[str, Any], aggregation: dict[str, Any]
) -> list[dict[str, Any]]:
    answer = client.search(index=data_stream, size=0, query=query, aggs={"found": aggregation})
    buckets: list[dict[str, Any]] = answer["aggregations"]["found"]["buckets"]
    return buckets


def _findings(client: Elasticsearch, data_stream: str) -> tuple[Finding, ...]:
    query = {"bool": {"filter": [_UNAUTHORIZED, _ACTIVITY]}}
    hits = client.search(index=data_stream, size=_FINDINGS, query=query, sort=["@timestamp"])["hits"]["hits"]
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for hit in hits:
        record = hit["_source"]
        found.setdefault((record["verdict.principal"], record["verdict.reason"]), []).append(record)
    return tuple(Finding(records[0], len(records)) for records in found.values())
