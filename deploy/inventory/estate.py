"""What the inventory is computed from: each part is read from the view when it is first needed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from deploy.inventory.catalog import Catalog
from deploy.view.read import Activity, Entity, activities, entities, shared_facts, shared_records
from schemas.codec import Event, loads
from schemas.shared import IMAGE, SECRET, SharedRecord, united
from schemas.topics import Name

__all__ = ["NOT_OBSERVABLE", "Denial", "Estate", "Run", "Workload", "workload_of"]

TOPICS_READ: Final[tuple[Name, ...]] = ("shared-facts", "baselines", "judge-state", "activities")
"""What the view must have read for it."""

NOT_OBSERVABLE: Final = "not observable"
"""What no sensor reports cannot be told from what is not there."""


class Workload(NamedTuple):
    """What containers are replicas of."""

    cluster: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return "/".join(self)


def workload_of(known: Event) -> Workload | None:
    """Return the workload in facts; None where they name none."""
    name = known.get("workload.name")
    return Workload(known.get("workload.cluster", ""), known.get("workload.namespace", ""), name) if name else None


@dataclass(frozen=True, slots=True)
class Run:
    """When containers of one principal were seen with the same facts: the first and the last activity.

    ``told`` says that nothing is known of it but that some sensor told these facts, which may be fewer than all.
    """

    principal: str
    known: Event
    first: str
    last: str
    told: bool = False


@dataclass(frozen=True, slots=True)
class Denial:
    """What policies or rules say against an image, or against how a container was started."""

    principal: str
    known: Event
    by: str
    clause: str
    level: str
    reason: str


class Execution(NamedTuple):
    """That a program ran, under its path and the name that it was called by; all else that was too much to be told apart is ``others``."""

    known: Event
    executable: str | None
    called: str | None
    times: int
    first: str
    last: str
    others: bool


class Connection(NamedTuple):
    """That somebody connected, as one side tells: ``known`` is what is known of that side, ``peer`` the other's workload."""

    known: Event
    dimension: str
    port: int | None
    source: str | None
    peer: str | None


_RUNS: Final = """
SELECT p.name, k.text, begun, ended, told FROM (
    SELECT principal, known, min(first) AS begun, max(last) AS ended, min(action = 'facts') AS told FROM activities
    WHERE principal IN (SELECT id FROM principals WHERE CASE ? WHEN '' THEN name GLOB 'container:*' ELSE name = ? END)
    GROUP BY principal, known
) JOIN principals p ON p.id = principal JOIN contents k ON k.id = known
"""
_EXECUTIONS: Final = """
SELECT k.text, program, called, total, begun, ended, others FROM (
    SELECT known, json_extract(d.text, '$."process.executable"') AS program, json_extract(d.text, '$."process.args"[0]') AS called,
        substr(slot, 1, 6) = 'other-' AS others, sum(count) AS total, min(first) AS begun, max(last) AS ended
    FROM activities JOIN contents d ON d.id = done WHERE dimension = 'exec' GROUP BY known, program, called, others
) JOIN contents k ON k.id = known
"""
_CONNECTIONS: Final = """
SELECT k.text, dimension, port, source, peer FROM (
    SELECT DISTINCT known, dimension, json_extract(d.text, '$."destination.port"') AS port,
        CASE dimension WHEN 'ingress' THEN json_extract(d.text, '$."source.ip"') END AS source,
        json_extract(d.text, '$."peer.workload"') AS peer
    FROM activities JOIN contents d ON d.id = done
    WHERE dimension IN ('ingress', 'egress') AND coalesce(json_extract(d.text, '$."event.outcome"'), '') <> 'failure'
        AND (dimension = 'ingress' OR peer IS NOT NULL)
) JOIN contents k ON k.id = known
"""


class Estate:
    """An estate as the view knows it now; if a principal is named, with its containers and runs alone."""

    def __init__(self, view: sqlite3.Connection, principal: str = "") -> None:
        self._view = view
        self._principal = principal

    @cached_property
    def containers(self) -> list[Entity]:
        """Return all containers of which facts have come and that are not forgotten yet."""
        return list(entities(self._view, "container", self._principal))

    @cached_property
    def catalog(self) -> Catalog:
        """Return all images of which somebody tells."""
        return Catalog(shared_facts(self._view, IMAGE))

    @cached_property
    def secrets(self) -> tuple[dict[str, Event], dict[str, tuple[str, ...]]]:
        """Return what stores tell of each secret, and who does."""
        records: dict[str, list[SharedRecord]] = {}
        for record in shared_records(self._view, SECRET):
            records.setdefault(record.subject.removeprefix(SECRET), []).append(record)
        told = {path: facts for path, said in records.items() if (facts := united(said))}
        return told, {path: tuple(sorted({one.source for one in records[path]})) for path in told}

    @cached_property
    def runs(self) -> list[Run]:
        """Return when containers were seen, by their facts."""
        rows = self._view.execute(_RUNS, [self._principal, self._principal])
        return [Run(name, loads(known), first, last, bool(told)) for name, known, first, last, told in rows]

    def executions(self) -> Iterator[Execution]:
        """Yield which programs ran in containers with which facts."""
        for known, *counted in self._view.execute(_EXECUTIONS):
            yield Execution(loads(known), *counted)

    def connections(self) -> Iterator[Connection]:
        """Yield who was connected to on which port, from where, as each side tells."""
        for known, *told in self._view.execute(_CONNECTIONS):
            yield Connection(loads(known), *told)

    @cached_property
    def denials(self) -> list[Denial]:
        """Return what was said against images, and against starts of containers."""
        rows = self._view.execute(
            "SELECT DISTINCT p.name, CASE substr(p.name, 1, ?) WHEN ? THEN '{}' ELSE k.text END, v.text FROM activities a "
            "JOIN principals p ON p.id = a.principal JOIN contents k ON k.id = a.known JOIN contents v ON v.id = a.verdict "
            "WHERE outcome = 'unauthorized' AND action IN ('facts', 'container-create', 'container-start', 'container-restart')",
            [len(IMAGE), IMAGE],
        )
        return [_denial(principal, loads(known), loads(verdict)) for principal, known, verdict in rows]

    def activities(self, where: str, *values: str) -> Iterator[Activity]:
        """Yield activities, as ``deploy.view.read.activities`` does."""
        return activities(self._view, where, values)

    @cached_property
    def outcomes(self) -> dict[str, dict[str, int]]:
        """Return how many events of each principal had which outcome."""
        rows = self._view.execute(
            "SELECT p.name, outcome, sum(count) FROM activities JOIN principals p ON p.id = principal GROUP BY principal, outcome"
        )
        found: dict[str, dict[str, int]] = {}
        for principal, outcome, count in rows:
            found.setdefault(principal, {})[outcome] = count
        return found

    @cached_property
    def spans(self) -> dict[str, tuple[str, str]]:
        """Return the first and the last activity of each principal."""
        rows = self._view.execute(
            "SELECT p.name, min(first), max(last) FROM activities JOIN principals p ON p.id = principal GROUP BY principal"
        )
        return {principal: (first, last) for principal, first, last in rows}

    @cached_property
    def baselines(self) -> dict[str, str]:
        """Return where the baseline of each principal stands."""
        return dict(self._view.execute("SELECT p.name, state FROM baselines b JOIN principals p ON p.id = b.principal"))


def _denial(principal: str, known: Event, verdict: Event) -> Denial:
    rule = verdict.get("verdict.rule.id", "")
    return Denial(
        principal,
        known,
        verdict.get("verdict.by", ""),
        verdict.get("verdict.clause") or (f"rule {rule}" if rule else ""),
        verdict.get("verdict.level", ""),
        verdict.get("verdict.reason", ""),
    )
