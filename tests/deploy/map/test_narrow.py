from __future__ import annotations

from typing import Any

import pytest

from deploy.map.folds import Ports
from deploy.map.narrow import by_namespace, concerning, gravest, narrowed
from tests.deploy.map.lab import connected, known_of, lines, made, reached

GRAPH = made(
    [
        connected("web", "prod/shop/app", 80),
        connected("app", "prod/data/db", 5432, count=3),
        connected("api", "prod/data/db", 5432, count=4),
        connected("app", "203.0.113.9", 443, outcome="unauthorized"),
        connected("job", "prod/data/db", 5432, known=known_of("job", "jobs")),
        connected("job", "prod/data/queue", 5672, known=known_of("job", "jobs", workload__cluster="prod")),
        *(connected("api", "prod/data/db", port, outcome="unauthorized") for port in range(100, 160)),
    ]
)


@pytest.mark.parametrize(
    ("namespace", "edges"), [("shop", 5), ("prod/shop", 5), ("jobs", 2), ("data", 5), ("test/shop", 0)]
)
def test_what_concerns_a_namespace(namespace: str, edges: int) -> None:
    assert len(narrowed(GRAPH, concerning(namespace)).edges) == edges


def test_what_has_a_name() -> None:
    assert lines(narrowed(GRAPH, concerning(name="queue"))) == [
        "workload:prod/jobs/job > workload:prod/data/queue 5672"
    ]
    assert lines(narrowed(GRAPH, concerning("jobs", "api"))) == []


def test_several_reasons_hold_together() -> None:
    found = narrowed(GRAPH, concerning("shop"), lambda edge: edge.tally.verdict == "unauthorized")
    assert [edge.what for edge in found.edges] == ["60 ports", "443"]
    assert {node.end.label for node in found.nodes} == {"203.0.113.9", "api", "app", "db"}


def test_namespaces_as_one_keep_every_count() -> None:
    found = by_namespace(GRAPH)
    assert lines(found) == [
        "namespace:prod/jobs > namespace:prod/data 5432",
        "namespace:prod/jobs > namespace:prod/data 5672",
        "namespace:prod/shop > namespace:prod/data 60 ports",
        "namespace:prod/shop > namespace:prod/data 5432",
        "namespace:prod/shop > outside:all addresses outside 443",
    ]
    assert [edge.tally.count for edge in found.edges] == [1, 1, 60, 7, 1]
    assert [node.end.label for node in found.nodes] == ["data", "jobs", "shop", "all addresses outside"]


def test_the_gravest_and_of_these_the_most_frequent() -> None:
    assert gravest(GRAPH, 100) is GRAPH
    kept = {(edge.what, edge.tally.count) for edge in gravest(GRAPH, 3).edges}
    assert kept == {("60 ports", 60), ("443", 1), ("5432", 4)}


def test_many_ports_of_one_and_some_of_another_are_no_fewer_together() -> None:
    scanned = (connected("api", "prod/data/db", port, outcome="unauthorized") for port in range(100, 160))
    others = (connected("api", "prod/data/queue", port, outcome="unauthorized") for port in range(1, 21))
    served = (connected("api", f"prod/data/{name}", port) for name in ("cache", "store") for port in range(200, 210))
    more = (connected("api", "prod/data/more", port) for port in range(210, 220))
    found = by_namespace(made([*scanned, *others, *served, *more]))
    assert [(edge.ports, edge.tally.count) for edge in found.edges] == [
        (Ports(20, 200, 219), 30),
        (Ports(60, 1, 159), 80),
    ]


def test_namespaces_count_what_one_end_alone_has_told_of_each() -> None:
    refused: dict[str, Any] = {"event__outcome": "failure", "event__dataset": "auditd.log"}
    graph = made(
        [
            connected("web", "prod/data/db", 80, count=5),
            reached("db", "prod/shop/web", 80, count=4, known=known_of("db", "data")),
            reached("queue", "prod/shop/app", 80, count=7, known=known_of("queue", "data")),
            connected("job", "prod/data/queue", 80, count=2, **refused),
        ]
    )
    (edge,) = by_namespace(graph).edges
    assert (edge.tally.count, edge.tally.failed) == (14, 2)
    assert edge.tally.verdicts() == {"egress": {"authorized": 5}, "ingress": {"authorized": 11}}
