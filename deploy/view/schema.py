"""The tables of the view, and the version of what is in them.

==========  ==========================================================  =====================================
table       a row is                                                    from
==========  ==========================================================  =====================================
entities    a container, host, user, image … that has facts             ``judge-state``, keys ``entity/…``
activities  one activity of one context, as one events partition saw it  ``activities``
shared      what one source says of an image, a workload or a secret    ``shared-facts``
baselines   where a principal stands                                    ``baselines``
alerts      an alert, as its record has it                              ``alerts``
kpi         key figures of an hour and partition, likewise              ``kpi``
==========  ==========================================================  =====================================

``principals`` and ``contents`` hold what many rows have in common, once: names, and JSON objects. ``known`` points to deciding facts and
settings, ``done`` to the rest of an activity, ``verdict`` to ``verdict.*`` without what the row itself says. Times are text as in
events, empty where there is none. Numbers of rows differ from view to view, what they say does not. Each topic is followed by itself:
``topics`` says which of that name it is and when it was read last, ``unreadable`` which keys have a record that cannot be read, and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Final

from schemas.topics import Name

__all__ = ["COLUMNS", "DDL", "SHARING", "TABLES", "version_of_view"]

DDL: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE topics (topic TEXT PRIMARY KEY, generation TEXT NOT NULL, read REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE positions (topic TEXT, partition INTEGER, position INTEGER NOT NULL, PRIMARY KEY (topic, partition)) WITHOUT ROWID;
CREATE TABLE unreadable (topic TEXT, key BLOB, why TEXT NOT NULL, PRIMARY KEY (topic, key)) WITHOUT ROWID;
CREATE TABLE principals (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE contents (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, text TEXT NOT NULL);
CREATE TABLE entities (
    entity TEXT PRIMARY KEY, kind TEXT NOT NULL, principal INTEGER NOT NULL, seen TEXT NOT NULL, stopped TEXT NOT NULL,
    ended TEXT NOT NULL, known INTEGER NOT NULL, own TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX entities_by_principal ON entities (principal);
CREATE TABLE activities (
    principal INTEGER, context BLOB, slot TEXT, partition INTEGER, dimension TEXT NOT NULL, action TEXT NOT NULL,
    count INTEGER NOT NULL, first TEXT NOT NULL, first_id TEXT NOT NULL, last TEXT NOT NULL, last_id TEXT NOT NULL,
    outcome TEXT NOT NULL, known INTEGER NOT NULL, done INTEGER NOT NULL, verdict INTEGER NOT NULL,
    PRIMARY KEY (principal, context, slot, partition)
) WITHOUT ROWID;
CREATE INDEX activities_by_action ON activities (dimension, action);
CREATE TABLE shared (
    subject TEXT, source TEXT, record INTEGER NOT NULL, PRIMARY KEY (subject, source)
) WITHOUT ROWID;
CREATE TABLE baselines (
    principal INTEGER PRIMARY KEY, state TEXT NOT NULL
);
CREATE TABLE alerts (id TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE kpi (
    hour TEXT, kind TEXT, partition INTEGER, series INTEGER, value BLOB NOT NULL, PRIMARY KEY (hour, kind, partition, series)
);
"""

COLUMNS: Final = {
    "entities": (("entity",), ("kind", "principal", "seen", "stopped", "ended", "known", "own")),
    "activities": (
        ("principal", "context", "slot", "partition"),
        (
            *("dimension", "action", "count", "first", "first_id", "last", "last_id", "outcome"),
            *("known", "done", "verdict"),
        ),
    ),
    "shared": (("subject", "source"), ("record",)),
    "baselines": (("principal",), ("state",)),
    "alerts": (("id",), ("value",)),
    "kpi": (("hour", "kind", "partition", "series"), ("value",)),
}
"""Of each table the columns of its key, and the others, in the order in which ``rows`` gives their values."""

TABLES: Final[Mapping[Name, str]] = MappingProxyType(
    {
        "judge-state": "entities",
        "activities": "activities",
        "shared-facts": "shared",
        "baselines": "baselines",
        "alerts": "alerts",
        "kpi": "kpi",
    }
)
"""Of each topic the table."""

SHARING: Final = frozenset(
    topic
    for topic, table in TABLES.items()
    if {"principal", "known", "record"} & {*COLUMNS[table][0], *COLUMNS[table][1]}
)
"""Topics whose rows point to principals and contents."""


def version_of_view() -> str:
    """Return what names the tables and what is written into them: where it differs, the view is made anew."""
    sources = [Path(__file__).with_name(name).read_bytes() for name in ("schema.py", "rows.py", "store.py")]
    return blake2b(b"\0".join([version("tidewaiter").encode(), *sources]), digest_size=16).hexdigest()
