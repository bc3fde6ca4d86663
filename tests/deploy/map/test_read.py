"""The map from a view: what is asked of it holds all that concerns a namespace, and nothing that is younger than it may be."""

from __future__ import annotations

import pytest

from deploy.map.graph import Map
from deploy.map.narrow import concerning, narrowed
from deploy.map.read import Asked, read_map
from streams.judge.data import DataClasses
from tests.deploy.map.lab import connected, known_of, lines, reached, service_written
from tests.deploy.view.lab import Said, activity, container, view_of

LATE = "2026-06-01T13:00:00.000000000Z"
RECORDS: list[Said] = [
    container("a" * 12, "shop/web/web", container__ip=["10.0.0.1"]),
    container("b" * 12, "shop/app/app", container__ip=["10.0.0.2"], workload__labels=["app=app"]),
    container("c" * 12, "data/db/db", container__ip=["10.0.0.3"]),
    service_written("orders", ["10.96.0.1"], ["app=app"]),
    connected("web", "10.0.0.2", 8000),
    connected("app", "10.0.0.3", 5432),
    connected("job", "10.96.0.1", 80, known=known_of("job", "jobs")),
    connected("job", "10.0.0.3", 5432, known=known_of("job", "jobs"), first=LATE),
    connected("job", "prod/shop/web", 80, known=known_of("job", "jobs")),
    connected("job", "10.9.9.9", 81, known=known_of("job", "jobs"), destination__domain="orders.shop.svc"),
    reached("db", "10.0.0.1", 5432, known=known_of("db", "data")),
    reached("db", "::ffff:a00:2", 5433, known=known_of("db", "data")),
    reached("db", "::ffff:10.0.0.2", 5434, known=known_of("db", "data")),
    activity("container:prod/shop/web/web", {"event.action": "exec"}, known_of("web")),
]


def asked(namespace: str = "", until: str = "") -> Map:
    return read_map(view_of(RECORDS), DataClasses(()), Asked(namespace, until))


def test_everything() -> None:
    assert lines(asked()) == [
        "workload:prod/jobs/job > workload:prod/data/db 5432",
        "workload:prod/jobs/job > workload:prod/shop/app 80",
        "workload:prod/jobs/job > workload:prod/shop/app 81",
        "workload:prod/jobs/job > workload:prod/shop/web 80",
        "workload:prod/shop/app > workload:prod/data/db 5432",
        "workload:prod/shop/app > workload:prod/data/db 5433",
        "workload:prod/shop/app > workload:prod/data/db 5434",
        "workload:prod/shop/web > workload:prod/data/db 5432",
        "workload:prod/shop/web > workload:prod/shop/app 8000",
    ]


@pytest.mark.parametrize("namespace", ["shop", "data", "jobs", "prod/shop", "nothing"])
def test_a_namespace_has_all_that_concerns_it(namespace: str) -> None:
    assert narrowed(asked(namespace), concerning(namespace)).edges == narrowed(asked(), concerning(namespace)).edges


def test_a_map_as_it_was_known_then() -> None:
    assert set(lines(asked())) - set(lines(asked(until="2026-06-01T12:30:00.000000000Z"))) == {
        "workload:prod/jobs/job > workload:prod/data/db 5432"
    }
