"""Connections that were made, as several sensors tell of them, through the real judge to the map."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any, Final

from deploy.map.build import map_of
from deploy.map.directory import Directory
from deploy.map.folds import Ports
from deploy.map.graph import Map
from deploy.services import services_of
from deploy.stores import DataStore
from deploy.view.read import activities, entities
from producers.formats import FORMATS
from producers.normalise import Normaliser
from producers.types import FormatOptions, Record
from schemas.codec import Event
from schemas.errors import Invalid
from schemas.policyset import Document, PolicySet, parse_policies
from streams.judge.data import DataClasses
from tests.deploy.map.lab import connected, end, judged, known_of, lines, made, reached, service_written, whole_map
from tests.deploy.view.lab import Said, activity, container, view_of

CONTAINERS: Final = {
    "web": ("aaaaaaaaaaaa", "shop", "10.0.0.11"),
    "app": ("bbbbbbbbbbbb", "shop", "10.0.0.12"),
    "database": ("cccccccccccc", "shop", "10.0.0.13"),
    "report": ("dddddddddddd", "jobs", "10.0.0.14"),
}
SERVICE: Final = {
    "kind": "Event",
    "stage": "ResponseComplete",
    "verb": "create",
    "auditID": "one",
    "user": {"username": "alice"},
    "requestReceivedTimestamp": "2026-06-01T10:00:00Z",
    "objectRef": {"resource": "services", "namespace": "shop", "name": "orders", "apiVersion": "v1"},
    "requestObject": {"kind": "Service", "spec": {"selector": {"app": "database"}}},
    "responseObject": {"kind": "Service", "spec": {"clusterIP": "10.96.0.10", "selector": {"app": "database"}}},
    "responseStatus": {"code": 201},
}


def script() -> Iterator[tuple[int, Event]]:
    """Yield what sensors tell of six connections, and of what else goes on."""
    for number, event in enumerate([*map(facts, CONTAINERS), *service(), *connections(), *elsewhat()]):
        yield number, {"event.id": f"script:0000:{number:012d}", "ecs.version": "9.1.0", **event}


def facts(name: str) -> Event:
    entity, namespace, address = CONTAINERS[name]
    known = {f"workload.{part}": value for part, value in known_parts(name, namespace).items()}
    said = {
        "event.kind": "state",
        "event.action": "facts",
        "event.dataset": "docker.facts",
        "facts.authority": "engine",
    }
    return timed(entity) | said | known | {"container.ip": [address], "workload.labels": [f"app={name}"]}


def known_parts(name: str, namespace: str) -> dict[str, str]:
    return {"cluster": "prod", "namespace": namespace, "name": name, "container": name}


def timed(entity: str) -> Event:
    return {"entity.id": entity, "@timestamp": "2026-06-01T10:00:00.000000000Z"}


def service() -> Iterator[Event]:
    record = Record(json.dumps(SERVICE).encode(), "", {}, 0)
    for _, event in Normaliser(FORMATS["kubernetes-audit"](FormatOptions(cluster="prod"))).run([record]):
        assert not isinstance(event, Invalid)
        yield event


def said(name: str, direction: str, sensor: str = "falco.alerts", **peer: Any) -> Event:
    entity = CONTAINERS[name][0] if name in CONTAINERS else name
    peers = {word.replace("__", "."): value for word, value in peer.items()}
    return timed(entity) | {
        "event.kind": "event",
        "event.action": "connect",
        "event.dataset": sensor,
        "network.direction": direction,
        **peers,
    }


def connections() -> Iterator[Event]:
    # 1. By the address of a container; only who connects is watched, and the transport is not seen.
    yield said("web", "egress", "auditd.log", destination__ip="10.0.0.12", destination__port=8000)
    # 2. Through the address of a service.
    yield said("app", "egress", destination__ip="10.96.0.10", destination__port=5432, network__transport="tcp")
    # 3. Inbound, from elsewhere.
    yield said("web", "ingress", source__ip="198.51.100.20", destination__port=80, network__transport="tcp")
    # 4. To a name elsewhere.
    yield said(
        "app", "egress", destination__ip="203.0.113.7", destination__domain="api.example.com", destination__port=443
    )
    # 5. From another namespace; both ends are watched, by sensors that see different parts of it.
    yield said("report", "egress", "auditd.log", peer__workload="prod/shop/database", destination__port=5432)
    yield said("database", "ingress", "auditd.log", source__ip="10.0.0.14", network__transport="tcp")
    # 6. By a host.
    yield said("host:node-1", "egress", "auditd.log", destination__ip="203.0.113.50", destination__port=443)


def elsewhat() -> Iterator[Event]:
    """Yield what is no connection between two."""
    yield said("app", "egress", destination__ip="127.0.0.1", destination__port=8000)
    yield said("app", "egress", destination__ip="10.0.0.12", destination__port=8000)
    yield said("database", "ingress", destination__port=5432)
    yield said("app", "egress", "auditd.log")
    yield {
        **timed(CONTAINERS["app"][0]),
        "event.action": "connect",
        "event.dataset": "auditd.log",
        "file.path": "/run/a",
    }


def test_six_scripted_connections_are_the_map() -> None:
    found = whole_map(judged(script(), PolicySet.empty()))
    assert lines(found) == [
        "host:node-1 > outside:203.0.113.50 443",
        "outside:198.51.100.20 > workload:prod/shop/web 80/tcp",
        "workload:prod/jobs/report > workload:prod/shop/database 5432/tcp",
        "workload:prod/shop/app > name:api.example.com 443",
        "workload:prod/shop/app > workload:prod/shop/database 5432/tcp",
        "workload:prod/shop/web > workload:prod/shop/app 8000",
    ]
    assert [edge.tally.sides for edge in found.edges if edge.source.label == "report"] == [("egress", "ingress")]
    assert found.left_out == {
        "within one container or host": 1,
        "to an own address": 1,
        "to a peer that the sensor did not name": 1,
    }
    (database,) = (node for node in found.nodes if node.end.label == "database")
    assert database.store == DataStore("PostgreSQL", ("port 5432",))
    assert database.listens == (5432,)


def test_classes_of_data_lie_at_both_ends() -> None:
    text = "policy: data\ndata:\n  personal:\n    workloads: [shop/database]\n  orders:\n    labels: [holds=orders]\n"
    classes = DataClasses.of(parse_policies([Document("a.yaml", text)], date(2026, 6, 1)).policies)
    app = known_of("app", workload__labels=["holds=orders"])
    found = made([connected("app", "prod/shop/database", 5432, known=app, data=["personal"])], classes)
    assert {node.end.label: node.data for node in found.nodes} == {"app": ("orders",), "database": ("personal",)}
    assert found.as_json()["edges"][0]["data"] == ["personal"]


def test_what_an_end_is_comes_from_containers_and_from_what_it_does() -> None:
    asked = activity("container:prod/shop/app/app", {"dns.question.name": "db"}, known_of("app"), dimension="dns")
    found = made(
        [
            connected("app", "prod/shop/db", 7000, known=known_of("app", container__image__name="registry/app")),
            container("a" * 12, "shop/db/db", container__image__name="docker.io/postgres"),
            asked,
        ]
    )
    app, database = found.as_json()["nodes"]
    assert (app["images"], app["names_asked_for"], app["names_asked_for_count"]) == (["registry/app"], ["db"], 1)
    assert database["data_store"] == {"product": "PostgreSQL", "recognised_by": ["image docker.io/postgres"]}


def test_a_port_that_nobody_reached_makes_no_data_store() -> None:
    refused = connected("app", "prod/shop/web", 5432, event__outcome="failure")
    assert [node.store for node in made([refused]).nodes] == [None, None]


def scan() -> list[Said]:
    """Return the rows that a scan of all ports of 100 peers leaves: 2,000 of them one by one, the rest in one."""
    known = known_of("app")
    rows = [
        connected("app", f"10.1.0.{number % 100}", 1 + number // 100, known=known, outcome="unauthorized")
        for number in range(2_000)
    ]
    topic, key, value = connected("app", "10.1.0.1", count=6_551_500, known=known, outcome="unauthorized")
    principal, context, _, partition = key.rsplit(b"|", 3)
    return [*rows, (topic, b"|".join([principal, context, b"other-egress-unauthorized", partition]), value)]


def test_a_scan_is_two_edges_with_exact_counts() -> None:
    found = made([*scan(), connected("app", "prod/shop/database", 5432, known=known_of("app"))])
    by_kind = {edge.target.kind: edge for edge in found.edges}
    assert len(by_kind) == len(found.edges) == 3
    scanned = by_kind["address"]
    assert (scanned.target.name, scanned.ports) == ("prod/10.1.0.0/24", Ports(20, 1, 20))
    assert (scanned.tally.count, by_kind["others"].tally.count) == (2_000, 6_551_500)
    assert by_kind["workload"].what == "5432"
    assert [node.addresses for node in found.nodes if node.addresses] == [100]


def test_the_order_of_rows_makes_no_difference() -> None:
    view = view_of(
        [
            *scan()[:300],
            connected("web", "prod/shop/app", 80, count=3),
            reached("app", "prod/shop/web", 80, count=4, network__transport="tcp"),
            connected("web", "10.96.0.1", 443, partition=1),
            service_written("orders", ["10.96.0.1"], ["app=app"]),
            container("b" * 12, "shop/app/app", container__ip=["10.0.0.12"], workload__labels=["app=app"]),
        ]
    )
    listed, containers = list(activities(view)), list(entities(view, "container"))
    directory, chance = Directory.of(containers, services_of(listed)), Random(7)

    def found() -> Map:
        chance.shuffle(listed)
        return map_of(listed, directory, containers)

    first = found()
    assert end("workload:prod/shop/app") in {edge.target for edge in first.edges}
    assert all(found().as_json() == first.as_json() for _ in range(5))
