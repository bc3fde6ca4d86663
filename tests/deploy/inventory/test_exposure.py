from __future__ import annotations

from typing import Any

import pytest

from deploy.inventory.estate import Workload
from deploy.inventory.exposure import doors_of, exposure_of, reached_from_outside
from tests.deploy.inventory.lab import LATER, NOON, estate_of, request
from tests.deploy.view.lab import Said, activity, container

WEB = Workload("prod", "shop", "web")


@pytest.mark.parametrize(
    ("settings", "doors"),
    [
        ({"ports": ["8080/tcp"]}, ["publishes 8080/tcp"]),
        ({"ports": ["0.0.0.0:80/tcp"]}, ["publishes 0.0.0.0:80/tcp"]),
        ({"ports": ["127.0.0.1:80/tcp", "[::1]:80/tcp"]}, []),
        ({"host_namespaces": ["network", "pid"]}, ["shares the host's network"]),
        ({"host_namespaces": ["pid"]}, []),
        ({}, []),
    ],
)
def test_doors_are_published_ports_and_the_network_of_the_host(
    settings: dict[str, list[str]], doors: list[str]
) -> None:
    assert list(doors_of({f"container.settings.{name}": value for name, value in settings.items()})) == doors


def test_what_does_not_run_is_idle_whatever_doors_it_had() -> None:
    assert exposure_of(["publishes 80/tcp"], runs=False) == "idle"
    assert exposure_of(["publishes 80/tcp"], runs=True) == "exposed"
    assert exposure_of([], runs=True) == "internal"


def ingress(address: str) -> Said:
    known = {"workload.cluster": "prod", "workload.namespace": "shop", "workload.name": "web"}
    done = {"event.action": "accept", "network.direction": "ingress", "source.ip": address, "destination.port": 80}
    return activity("container:prod/shop/web/web", done, known, dimension="ingress")


def test_a_connection_from_a_public_address_exposes_and_one_from_inside_does_not() -> None:
    assert reached_from_outside(estate_of(ingress("93.184.216.34"))) == {WEB: {"reached from an address outside"}}
    assert reached_from_outside(estate_of(ingress("10.0.0.7"), ingress("no address"))) == {}


@pytest.mark.parametrize(
    ("type_", "selector", "exposes"),
    [
        ("LoadBalancer", ["app=web"], True),
        ("NodePort", ["app=web", "tier=front"], True),
        ("ClusterIP", ["app=web"], False),
        ("LoadBalancer", ["app=other"], False),
        ("LoadBalancer", [], False),
    ],
)
def test_a_service_exposes_the_workload_that_it_selects(type_: str, selector: list[str], exposes: bool) -> None:  # noqa: FBT001 - a case
    service = request(
        "alice",
        "create",
        "services",
        orchestrator__namespace="shop",
        orchestrator__resource__name="front",
        kubernetes__audit__service__type=type_,
        kubernetes__audit__service__selector=selector,
    )
    web = container("a" * 12, "shop/web/web", workload__labels=["app=web", "tier=front", "x=y"])
    found = reached_from_outside(
        estate_of(service, web, container("b" * 12, "shop/db/db", workload__labels=["app=db"]))
    )
    assert found == ({WEB: {"service front"}} if exposes else {})


def wrote(verb: str, first: str = NOON, **service: Any) -> Said:
    told = {f"kubernetes__audit__service__{name}": value for name, value in service.items()}
    return request(
        "alice",
        verb,
        "services",
        orchestrator__namespace="shop",
        orchestrator__resource__name="front",
        first=first,
        **told,
    )


@pytest.mark.parametrize(
    ("later", "exposes"),
    [
        (wrote("delete", LATER), False),
        (wrote("update", LATER, type="ClusterIP", selector=["app=web"]), False),
        (wrote("patch", LATER, type="ClusterIP", addresses=["10.0.0.7"], selector=["app=web"]), False),
        (wrote("patch", LATER, type="ClusterIP"), True),  # says nothing of the addresses that it takes
        (wrote("update", LATER), True),  # as a log without contents tells it
    ],
)
def test_a_service_that_is_gone_or_turned_inward_exposes_no_more(later: Said, exposes: bool) -> None:  # noqa: FBT001 - a case
    web = container("a" * 12, "shop/web/web", workload__labels=["app=web"])
    outward = wrote("create", type="LoadBalancer", external_ips=["192.0.2.1"], selector=["app=web"])
    assert reached_from_outside(estate_of(outward, later, web)) == ({WEB: {"service front"}} if exposes else {})
