from __future__ import annotations

from typing import Any

import pytest

from deploy.map.connection import Connection, told_by
from deploy.map.directory import LOOPBACK, NOBODY, OWN, Directory, Nobody
from deploy.map.end import End
from deploy.services import services_of
from deploy.view.read import entities
from tests.deploy.map.lab import activities_of, connected, known_of, service_written, workload
from tests.deploy.view.lab import NOON, Said, container, view_of

EARLY, LATE = "2026-06-01T11:00:00.000000000Z", "2026-06-01T13:00:00.000000000Z"


def directory(*records: Said) -> Directory:
    services = services_of(activities_of(record for record in records if record[0] == "activities"))
    return Directory.of(entities(view_of(records), "container"), services)


def asked(found: Directory, to: str = "", *, name: str = "web", **changes: Any) -> End | Nobody:
    (row,) = activities_of([connected(name, to, **changes)])
    connection = told_by(row)
    assert isinstance(connection, Connection)
    return found.peer_of(connection)


def had(entity: str, name: str, *addresses: str, **changes: Any) -> Said:
    return container(entity, f"shop/{name}/{name}", container__ip=list(addresses), **changes)


def test_a_workload_that_the_collector_knew_needs_no_address() -> None:
    assert asked(directory(), "prod/shop/app") == workload("app")


def test_an_address_is_that_of_its_container() -> None:
    found = directory(had("a" * 12, "app", "10.0.0.5", "fd00::5"), had("b" * 12, "db", "10.0.0.6"))
    assert asked(found, "10.0.0.5") == workload("app")
    assert asked(found, "fd00::5") == workload("app")
    assert asked(found, "10.0.0.6") == workload("db")


@pytest.mark.parametrize("address", ["10.0.0.7", "172.31.0.1", "100.64.0.1", "fd00::7", "169.254.169.254"])
def test_a_private_address_of_nobody_is_one_of_its_cluster(address: str) -> None:
    assert asked(directory(), address) == End("address", f"prod/{address}")


@pytest.mark.parametrize("address", ["203.0.113.9", "8.8.8.8", "2001:db8::9"])
def test_any_other_address_is_outside(address: str) -> None:
    assert asked(directory(), address) == End("outside", address)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1", "0.0.0.0", "::"])  # noqa: S104 - what was connected to
def test_what_stays_within_a_container_is_no_connection(address: str) -> None:
    assert asked(directory(), address, destination__domain="localhost") == LOOPBACK


def test_who_has_no_name_and_no_address_is_nobody() -> None:
    assert asked(directory()) == NOBODY


def test_an_own_address_is_no_connection_unless_another_replica_may_be_meant() -> None:
    alone = had("a" * 12, "web", "10.0.0.5", "10.1.0.5")
    assert asked(directory(alone), "10.0.0.5") == OWN
    assert asked(directory(alone, had("b" * 12, "web", "10.0.0.6", ended=EARLY)), "10.0.0.5") == OWN
    assert asked(directory(alone, had("b" * 12, "web", "10.0.0.6")), "10.0.0.5") == workload("web")


def test_an_address_that_was_passed_on_is_that_of_who_had_it_then() -> None:
    found = directory(had("a" * 12, "app", "10.0.0.5", ended=NOON), had("b" * 12, "db", "10.0.0.5"))
    assert asked(found, "10.0.0.5", first=LATE) == workload("db")
    assert asked(found, "10.0.0.5", first=EARLY, last=LATE) == workload("db")


def test_an_address_that_two_have_is_nobodys() -> None:
    found = directory(had("a" * 12, "app", "10.0.0.5"), had("b" * 12, "db", "10.0.0.5"))
    assert asked(found, "10.0.0.5") == End("address", "prod/10.0.0.5")


def test_who_has_stopped_and_passed_nothing_on_is_still_known() -> None:
    assert asked(directory(had("a" * 12, "app", "10.0.0.5", stopped=LATE)), "10.0.0.5") == workload("app")


def test_another_cluster_has_addresses_of_its_own() -> None:
    other = container("a" * 12, "shop/app/app", container__ip=["10.0.0.5"], workload__cluster="test")
    assert asked(directory(other), "10.0.0.5") == End("address", "prod/10.0.0.5")
    nowhere = known_of("web", workload__cluster="")
    assert asked(directory(other), "10.0.0.5", known=nowhere) == End("workload", "test/shop/app")


def test_a_container_without_a_workload_is_a_container() -> None:
    bare = container("a" * 12, container__ip=["10.0.0.5"], workload__name="", workload__cluster="prod")
    assert asked(directory(bare), "10.0.0.5") == End("container", "a" * 12)


def test_a_service_is_the_workload_behind_it() -> None:
    app = had("a" * 12, "app", "10.0.0.5", workload__labels=["app=app", "tier=back"])
    other = had("b" * 12, "other", "10.0.0.6", workload__labels=["app=other", "tier=back"])
    one = service_written("backend", ["10.96.0.1"], ["app=app"])
    assert asked(directory(app, other, one), "10.96.0.1") == workload("app")
    for nobody in (["tier=back"], ["app=nobody"], []):
        found = directory(app, other, service_written("backend", ["10.96.0.1"], nobody))
        assert asked(found, "10.96.0.1") == End("service", "prod/shop/backend")


@pytest.mark.parametrize("name", ["backend.shop.svc.cluster.local", "Backend.shop.svc", "backend"])
def test_a_service_has_a_name(name: str) -> None:
    app = had("a" * 12, "app", "10.0.0.5", workload__labels=["app=app"])
    found = directory(app, service_written("backend", [], ["app=app"]))
    assert asked(found, "10.9.9.9", destination__domain=name) == workload("app")


def test_a_bare_name_is_a_workload_of_the_same_namespace() -> None:
    found = directory(had("a" * 12, "app", "10.0.0.5"))
    assert asked(found, "10.9.9.9", destination__domain="app") == workload("app")
    elsewhere = known_of("web", "other")
    assert asked(found, "10.9.9.9", destination__domain="app", known=elsewhere) == End("name", "app")


def test_any_other_name_is_one_of_dns() -> None:
    assert asked(directory(), "203.0.113.9", destination__domain="api.example.com") == End("name", "api.example.com")
    unknown = "x.shop.svc.cluster.local"
    assert asked(directory(), "", destination__domain=unknown) == End("name", unknown)


def test_addresses_of_a_namespace() -> None:
    found = directory(
        had("a" * 12, "app", "10.0.0.5"),
        container("b" * 12, "other/db/db", container__ip=["10.0.0.6"]),
        service_written("backend", ["10.96.0.1"], []),
    )
    assert found.addresses_of("shop") == {"10.0.0.5", "10.96.0.1"}
    assert found.addresses_of("other") == {"10.0.0.6"}
