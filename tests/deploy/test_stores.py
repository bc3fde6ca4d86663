from __future__ import annotations

import pytest

from deploy.stores import PRODUCTS, DataStore, Traits, store_of

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("traits", "product", "reasons"),
    [
        (Traits(images=["postgres:15"]), "PostgreSQL", ("image postgres:15",)),
        (Traits(images=["registry.shop.example/team/my-postgres-15:1"]), "PostgreSQL", None),
        (Traits(images=[f"docker.io/bitnami/mariadb@{DIGEST}"]), "MySQL", None),
        (Traits(labels=["app.kubernetes.io/name=redis"]), "Redis", ("label app.kubernetes.io/name",)),
        (Traits(labels=["tidewaiter.io/data-store=customers"], images=["postgres"]), "customers", None),
        (Traits(protocols=["mongodb"]), "MongoDB", ("protocol mongodb",)),
        (Traits(name="shop.abc.eu-west-1.rds.amazonaws.com"), "Amazon RDS", None),
        (Traits(name="files.s3.eu-west-1.amazonaws.com"), "Amazon S3", None),
        (Traits(ports=[5432, 8080]), "PostgreSQL", ("port 5432",)),
        (Traits(images=["redis"], ports=[6379]), "Redis", ("image redis", "port 6379")),
        (Traits(images=["redis"], ports=[5432]), "Redis", ("image redis",)),
    ],
)
def test_a_data_store_is_recognised(traits: Traits, product: str, reasons: tuple[str, ...] | None) -> None:
    found = store_of(traits)
    assert found is not None
    assert found.product == product
    assert reasons is None or found.reasons == reasons
    assert found.as_json() == {"product": product, "recognised_by": list(found.reasons)}


@pytest.mark.parametrize(
    "traits",
    [
        Traits(),
        Traits(images=["registry.example/shop/web:1", DIGEST], labels=["app=web", "data"], ports=[80, 443]),
        Traits(images=["prometheuscommunity/postgres-exporter"]),
        Traits(labels=["app=redis-commander"], protocols=["http"], name="example.com"),
        Traits(images=["registry.example/redistribution/web"]),
    ],
)
def test_nothing_else_is_one(traits: Traits) -> None:
    assert store_of(traits) is None


def test_the_order_in_which_traits_are_told_is_nothing() -> None:
    forwards = Traits(labels=["app=redis", "name=mysql"], images=["b/redis", "a/mysql"], ports=[3306, 6379])
    backwards = Traits(labels=["name=mysql", "app=redis"], images=["a/mysql", "b/redis"], ports=[6379, 3306])
    assert store_of(forwards) == store_of(backwards) == DataStore("MySQL", ("image a/mysql", "label name", "port 3306"))


def test_no_word_and_no_port_names_two_products() -> None:
    words = [word for product in PRODUCTS for word in product.words]
    ports = [port for product in PRODUCTS for port in product.ports]
    assert len(set(words)) == len(words)
    assert len(set(ports)) == len(ports)
