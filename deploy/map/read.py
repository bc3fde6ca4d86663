"""The map from the local view."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

from deploy.map.build import map_of
from deploy.map.directory import Directory
from deploy.map.graph import Map
from deploy.services import SERVICE_WRITES, services_of
from deploy.view.read import Activity, activities, entities
from schemas.codec import dumps
from schemas.matching import clean_address
from schemas.topics import Name
from streams.judge.data import DataClasses

__all__ = ["Asked", "read_map"]

TOPICS_READ: Final[tuple[Name, ...]] = ("judge-state", "activities")
"""What the view must have read for it."""

_ABOUT: Final = "a.dimension IN ('egress', 'ingress', 'dns')"
_SERVICES: Final = f"a.dimension = 'api' AND a.action IN ({', '.join('?' * len(SERVICE_WRITES))})"
_OF_NAMESPACE: Final = """(
    a.principal IN (SELECT id FROM principals WHERE instr(name, '/' || ? || '/'))
    OR a.done IN (
        SELECT id FROM contents WHERE instr(text, '"network.direction":') AND (
            instr(text, '/' || ? || '/') OR instr(text, '.' || ? || '.svc')
            OR coalesce(json_extract(text, '$."destination.ip"'), json_extract(text, '$."source.ip"'))
            IN (SELECT value FROM json_each(?))
        )
    )
)"""
"""What somebody in a namespace says, or what is said of somebody in it: asked of each content once, before anything is joined."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: all that was seen until a time, or of what concerns one namespace at least that."""

    namespace: str = ""
    until: str = ""


def read_map(view: sqlite3.Connection, classes: DataClasses, asked: Asked) -> Map:
    """Return the map of what the view tells; with a namespace it holds all that concerns it, and maybe more."""
    containers = list(entities(view, "container"))
    directory = Directory.of(containers, services_of(activities(view, _SERVICES, SERVICE_WRITES)))
    return map_of(_told(view, directory, asked), directory, containers, classes)


def _told(view: sqlite3.Connection, directory: Directory, asked: Asked) -> Iterator[Activity]:
    where, values = [_ABOUT], list[str]()
    if asked.until:
        where.append("a.first <= ?")
        values.append(asked.until)
    if asked.namespace:
        name = asked.namespace.rpartition("/")[2]
        where.append(_OF_NAMESPACE)
        addresses = {text for one in directory.addresses_of(name) for text in _spelled(one)}
        values += [name, name, name, dumps(sorted(addresses)).decode()]
    return activities(view, " AND ".join(where), values)


def _spelled(address: str) -> Iterator[str]:
    """Yield how sensors write an address: at a socket for both versions, one of IPv4 is one of IPv6, written in two ways."""
    yield address
    known = clean_address(address)
    if isinstance(known, IPv4Address):
        yield from (f"::ffff:{known}", f"::ffff:{int(known) >> 16:x}:{int(known) & 0xFFFF:x}")
