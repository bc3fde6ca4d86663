"""Data stores: what keeps data, recognised by its label, its image, the protocol spoken to it, its name, or the port it is asked on.

What people wrote down counts most: a label ``tidewaiter.io/data-store=NAME``. A port counts least: anything can listen on 5432.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from schemas.images import parse_image
from schemas.matching import Matcher, domains

__all__ = ["DataStore", "Product", "Traits", "store_of"]


@dataclass(frozen=True, slots=True)
class Product:
    """A kind of data store: the words by which images and labels name it, and the ports that are its own."""

    name: str
    words: tuple[str, ...]
    ports: tuple[int, ...] = ()


PRODUCTS: Final = (
    Product("PostgreSQL", ("postgres", "postgresql", "pgbouncer", "timescaledb", "postgis", "spilo"), (5432, 6432)),
    Product("MySQL", ("mysql", "mariadb", "percona"), (3306,)),
    Product("MongoDB", ("mongo", "mongodb"), (27017, 27018, 27019)),
    Product("Redis", ("redis", "valkey", "keydb", "dragonfly"), (6379, 26379)),
    Product("Memcached", ("memcached",), (11211,)),
    Product("Elasticsearch", ("elasticsearch", "opensearch"), (9200, 9300)),
    Product("Cassandra", ("cassandra", "scylla"), (9042,)),
    Product("SQL Server", ("mssql", "sqlserver"), (1433,)),
    Product("Oracle Database", ("oracle", "oracledb"), (1521,)),
    Product("ClickHouse", ("clickhouse",), (8123,)),
    Product("CockroachDB", ("cockroach", "cockroachdb"), (26257,)),
    Product("CouchDB", ("couchdb",), (5984,)),
    Product("InfluxDB", ("influxdb",), (8086,)),
    Product("Neo4j", ("neo4j",), (7687,)),
    Product("MinIO", ("minio",)),
    Product("etcd", ("etcd",), (2379,)),
    Product("Kafka", ("kafka", "redpanda"), (9092, 9093)),
    Product("RabbitMQ", ("rabbitmq",), (5672, 5671)),
    Product("NATS", ("nats",), (4222,)),
    Product("LDAP directory", ("openldap", "slapd", "389ds"), (389, 636)),
    Product("NFS share", ("nfs",), (2049,)),
    Product("SMB share", ("samba",), (445,)),
)

_LABEL: Final = "tidewaiter.io/data-store"
_NAMING: Final = ("app.kubernetes.io/name", "app.kubernetes.io/component", "app", "k8s-app", "name")
_PROTOCOLS: Final = {
    "cql": "Cassandra",
    "kafka": "Kafka",
    "ldap": "LDAP directory",
    "memcache": "Memcached",
    "mongodb": "MongoDB",
    "mssql": "SQL Server",
    "mysql": "MySQL",
    "nfs": "NFS share",
    "pgsql": "PostgreSQL",
    "postgresql": "PostgreSQL",
    "redis": "Redis",
    "smb": "SMB share",
    "tds": "SQL Server",
}
_HOSTED: Final = (
    ("Amazon S3", ("s3.amazonaws.com", "**.s3.amazonaws.com", "s3.*.amazonaws.com", "**.s3.*.amazonaws.com")),
    ("Amazon RDS", ("**.rds.amazonaws.com",)),
    ("Amazon DynamoDB", ("dynamodb.*.amazonaws.com",)),
    ("Google Cloud Storage", ("storage.googleapis.com", "**.storage.googleapis.com")),
    ("Azure Storage", ("**.blob.core.windows.net", "**.file.core.windows.net", "**.table.core.windows.net")),
    ("Azure SQL", ("**.database.windows.net",)),
    ("Azure Cosmos DB", ("**.documents.azure.com", "**.mongo.cosmos.azure.com")),
    ("MongoDB Atlas", ("**.mongodb.net",)),
)
_BY_WORD: Final = {word: product.name for product in PRODUCTS for word in product.words}
_BY_PORT: Final = {port: product.name for product in PRODUCTS for port in product.ports}
_BY_DOMAIN: Final[tuple[tuple[str, Matcher], ...]] = tuple((name, domains(patterns)) for name, patterns in _HOSTED)
_WORDS: Final = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class DataStore:
    """A data store and everything it is recognised by, the best reason first: ``image postgres``, ``port 5432``."""

    product: str
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"product": self.product, "recognised_by": list(self.reasons)}


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of something: ``labels`` are ``key=value``, ``ports`` those on which it answers others."""

    labels: Iterable[str] = ()
    images: Iterable[str] = ()
    protocols: Iterable[str] = ()
    name: str = ""
    ports: Iterable[int] = ()


def store_of(traits: Traits) -> DataStore | None:
    """Return the data store that something is; None for what nothing says it of."""
    found = list(_reasons(traits))
    if not found:
        return None
    product = found[0][0]
    return DataStore(product, tuple(dict.fromkeys(reason for name, reason in found if name == product)))


def _reasons(traits: Traits) -> Iterator[tuple[str, str]]:
    """Yield products with why it is taken for one of them, the best reason first."""
    labels = dict(label.partition("=")[::2] for label in sorted(traits.labels))
    if labels.get(_LABEL):
        yield labels[_LABEL], f"label {_LABEL}"
    for image in sorted(traits.images):
        yield from ((product, f"image {image}") for product in _named(_repository(image)))
    for key in _NAMING:
        yield from ((product, f"label {key}") for product in _named(labels.get(key, "")))
    for protocol in sorted(traits.protocols):
        if protocol in _PROTOCOLS:
            yield _PROTOCOLS[protocol], f"protocol {protocol}"
    yield from ((product, f"name {traits.name}") for product, matches in _BY_DOMAIN if matches(traits.name))
    for port in sorted(traits.ports):
        if port in _BY_PORT:
            yield _BY_PORT[port], f"port {port}"


def _named(text: str) -> Iterator[str]:
    """Yield the products that words of a text name; an exporter of a store's metrics, or a tool for it, is none."""
    words = _WORDS.findall(text.lower())
    if not _BESIDE.intersection(words):
        yield from (_BY_WORD[word] for word in words if word in _BY_WORD)


_BESIDE: Final = frozenset({"admin", "backup", "client", "commander", "exporter", "operator", "ui"})
"""Words of what stands beside a data store and keeps nothing itself."""


def _repository(image: str) -> str:
    """Return the last part of the repository of an image."""
    parsed = parse_image(image)
    return (parsed.repository if parsed else image).rpartition("/")[2]
