"""Who is known: principals with the facts that scopes of policies ask for, from a file or from the topic ``activities``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from deploy.kafka import read_all
from deploy.recorded import lines_of
from schemas.codec import Event, decode
from schemas.errors import ConfigurationError, Invalid
from schemas.fields import FIELDS
from schemas.settings import KafkaSettings
from streams.judge.memo import principal_of_row

__all__ = ["principals_of_file", "principals_of_topic"]

_ASKED: Final = frozenset(
    {name for name, row in FIELDS.items() if row.part == "facts" and row.decides and not row.shared}
    | {"user.name", "user.roles", "user.effective.name", "user.effective.roles", "orchestrator.cluster.name"}
)
_CONTAINER: Final = ("workload.cluster", "workload.namespace", "workload.name", "workload.container")

Principals = Mapping[str, Mapping[str, Any]]
"""By name, what is known of each."""


def principals_of_file(path: Path) -> Principals:
    """Return the principals of a file: names, one a line, or records as ``verdicts`` and ``try --json`` have them.

    Of a name, the facts are those that stand in it. Raises ``ConfigurationError`` for what is neither.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for number, line in enumerate(lines_of(path), start=1):
        text = line.strip()
        if text.startswith(b"{"):
            found |= _of_record(text, f"{path}:{number}")
        elif text:
            name = text.decode(errors="replace")
            found[name] = _facts_in(name)
    return found


def _of_record(text: bytes, place: str) -> Principals:
    try:
        record = decode(text)
    except Invalid as error:
        raise ConfigurationError(f"{place}: {error}; name a file of principals, one a line, or of records") from error
    principal = record.get("verdict.principal")
    return {principal: _facts_of(record)} if isinstance(principal, str) else {}


def principals_of_topic(settings: KafkaSettings) -> Principals:
    """Return the principals of whom ``activities`` tells, with the facts of the latest row of each."""
    rows = read_all(settings, "activities")
    return _of_rows((key, value) for (_, key), value in rows.items())


def _of_rows(rows: Iterable[tuple[bytes | None, bytes | None]]) -> Principals:
    found: dict[str, Mapping[str, Any]] = {}
    for key, value in rows:
        if key and value:
            found[principal_of_row(key).decode(errors="replace")] = _facts_of(decode(value))
    return found


def _facts_of(record: Event) -> Event:
    return {name: record[name] for name in _ASKED & record.keys()}


def _facts_in(name: str) -> Mapping[str, Any]:
    """Return what the name of a principal tells: ``container:CLUSTER/NAMESPACE/WORKLOAD/CONTAINER``, ``user:CLUSTER/NAME``."""
    kind, _, rest = name.partition(":")
    if kind == "container":
        return {field: part for field, part in zip(_CONTAINER, rest.split("/", 3), strict=False) if part}
    if kind == "user":
        cluster, _, user = rest.partition("/")
        return {"user.name": user} | ({"orchestrator.cluster.name": cluster} if cluster else {})
    return {}
