"""How the shop reaches its database and its cache."""

from pathlib import Path

import psycopg2
import redis

PASSWORD_FILE = Path("/run/secrets/database-password")


def database(password: str) -> "psycopg2.extensions.connection":
    return psycopg2.connect(host="database", dbname="shop", user="shop", password=password, connect_timeout=5)


def cache() -> "redis.Redis[bytes]":
    return redis.Redis(host="cache", socket_timeout=2)
