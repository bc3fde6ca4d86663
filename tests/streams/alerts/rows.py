"""Rows of ``activities`` that raise alerts, and a partition of alerts without Kafka: what it is fed, what it writes, and how it dies."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from schemas.alert import Alert
from schemas.alert_decision import AlertDecision
from schemas.codec import dumps
from schemas.errors import Invalid
from schemas.event import parse_time, timestamp
from schemas.policyset import PolicySet
from schemas.settings import AlertSettings
from streams.correlate.alerts import AlertShard
from streams.correlate.types import Record
from tests.schemas.baselines import ADA
from tests.streams.correlate.shards import PEOPLE, policy_set

START_MS: Final = 1_764_000_000_000
HOUR: Final = 3_600.0
WEB, DB = "container:lab/shop/web/web", "container:lab/shop/db/db"
PERSONS: Final = policy_set(PEOPLE)
SETTINGS: Final = AlertSettings(hours=24, update_seconds=10)

Row = tuple[bytes, bytes | None]


def at(seconds: float) -> str:
    return timestamp(START_MS * 1_000_000 + round(seconds * 1_000_000_000))


def denied(clause: str = "files.shadow", **more: Any) -> dict[str, Any]:
    """Return the verdict of a clause that denies."""
    return {
        "verdict.outcome": "unauthorized",
        "verdict.by": "policy",
        "verdict.policy": "files",
        "verdict.clause": clause,
        "verdict.reason": f"which policy files denies ({clause})",
        "verdict.level": "high",
        "verdict.techniques": ["T1003.008"],
    } | more


def deviates(dimension: str = "exec", element: str = "/bin/sh", **more: Any) -> dict[str, Any]:
    """Return the verdict of a baseline that does not know something."""
    return {
        "verdict.outcome": "unauthorized",
        "verdict.by": "baseline",
        "verdict.reason": f"runs {element}, which it never did here",
        "verdict.baseline.version": 1,
        "verdict.baseline.dimension": dimension,
        "verdict.baseline.element": element,
        "verdict.baseline.nearest": "/bin/ls",
    } | more


AUTHORIZED: Final = {
    "verdict.outcome": "authorized",
    "verdict.by": "policy",
    "verdict.policy": "ours",
    "verdict.clause": "files.allow",
    "verdict.reason": "which policy ours allows",
}
EXCEPTED: Final = AUTHORIZED | {"verdict.exception": "files: files.shadow"}


def row(
    what: str = "/etc/shadow",
    verdict: dict[str, Any] | None = None,
    *,
    principal: str = WEB,
    count: int = 1,
    unauthorized: int | None = None,
    first: float = 0.0,
    last: float | None = None,
    digest: str = "",
    partition: int = 0,
    **fields: Any,
) -> Row:
    """Return a row; ``first`` and ``last`` are seconds of the events' clock."""
    said = denied() if verdict is None else verdict
    ended = first if last is None else last
    number = count if said["verdict.outcome"] == "unauthorized" else 0
    name = digest or blake2b(what.encode(), digest_size=16).hexdigest()
    cluster, namespace, workload, container = (*principal.partition(":")[2].split("/"), "", "", "")[:4]
    facts = {"cluster": cluster, "namespace": namespace, "name": workload, "container": container}
    value = {
        "activity.principal": principal,
        "activity.context": "c0ffee",
        "activity.digest": name,
        "activity.dimension": "exec",
        "activity.partition": partition,
        "activity.replicas": 1,
        "activity.count": count,
        "activity.unauthorized": number if unauthorized is None else unauthorized,
        "activity.first": at(first),
        "activity.first_id": f"shop:{partition:04d}:{round(first * 1000):012d}",
        "activity.last": at(ended),
        "activity.last_id": f"shop:{partition:04d}:{round(ended * 1000):012d}",
        **({f"workload.{part}": text for part, text in facts.items()} if principal.startswith("container:") else {}),
        "event.action": "open",
        "event.outcome": "success",
        "file.path": what,
        **fields,
        **said,
    }
    return f"{principal}|c0ffee|{name}|{partition}".encode(), dumps(value)


@dataclass(slots=True)
class Lab:
    """One partition; every step ends with a tick. ``now_ms`` is the broker's clock, ``log`` what stands in ``activities``."""

    settings: AlertSettings = SETTINGS
    policies: PolicySet = PERSONS
    now_ms: int = START_MS
    log: list[tuple[bytes, bytes | None, int]] = field(default_factory=list)
    control: list[tuple[bytes, bytes, int]] = field(default_factory=list)
    table: dict[bytes, bytes] = field(default_factory=dict)
    written: list[Alert] = field(default_factory=list)
    shard: AlertShard = field(init=False)

    def __post_init__(self) -> None:
        self.shard = AlertShard(self.policies, self.settings)

    def take(self, *rows: Row, wait_seconds: float = 1.0) -> list[Alert]:
        """Append rows, let time pass, and return what was written."""
        self.feed(rows)
        return self.wait(wait_seconds)

    def feed(self, rows: Iterable[Row]) -> None:
        for key, value in rows:
            self.log.append((key, value, self.now_ms))
            self.shard.take_row(key, value, len(self.log) - 1, self.now_ms)

    def wait(self, seconds: float = 1.0) -> list[Alert]:
        self.now_ms += round(seconds * 1000)
        return self._write(self.shard.tick(self.now_ms))

    def decide(self, action: Any, alert: Alert | None = None, **more: Any) -> list[Alert]:
        """Let ada decide about an alert as it stands and return what was written at once."""
        about = alert or self.alert
        told: dict[str, Any] = {
            "author": "ada",
            "time": at(0),
            "reason": "so",
            "opening": about.openings,
            "until": about.last,
        } | more
        decision = AlertDecision(about.principal, about.id, action, **told)
        return self.publish(decision.signed(ADA), about.principal)

    def publish(self, decision: AlertDecision, principal: str) -> list[Alert]:
        key, value = principal.encode(), decision.encode()
        self.control.append((key, value, self.now_ms))
        return self._write(self.shard.take_decision(key, value, len(self.control) - 1, self.now_ms))

    def crash(self, *, compacted: bool = False) -> None:
        """Begin anew with what is written, as the broker would give it."""
        self.shard = AlertShard(self.policies, self.settings)
        for value in self.table.values():
            self.shard.take_alert(value)
        for offset, (key, decided, appended_ms) in enumerate(self.control):
            with suppress(Invalid):
                self._write(self.shard.take_decision(key, decided, offset, appended_ms))
        latest = {key: offset for offset, (key, _, _) in enumerate(self.log)}
        for offset, (key, row_, appended_ms) in enumerate(self.log):
            if not compacted or latest[key] == offset:
                self.shard.take_row(key, row_, offset, appended_ms)

    def _write(self, records: Iterable[Record]) -> list[Alert]:
        written = []
        for topic, key, value in records:
            assert topic == "alerts"
            alert = Alert.decode(value)
            assert (alert.id.encode(), alert.encode()) == (key, value)
            self.table[key] = value
            written.append(alert)
        self.written += written
        return written

    @property
    def alerts(self) -> list[Alert]:
        """Return the alerts as they stand, in the order of their beginning."""
        return sorted(map(Alert.decode, self.table.values()), key=lambda alert: (alert.first, alert.id))

    @property
    def alert(self) -> Alert:
        (alert,) = self.alerts
        return alert

    @property
    def actions(self) -> list[str]:
        return [step.action for step in self.alert.steps]


def seconds_of(moment: str) -> float:
    return parse_time(moment) / 1e9 - START_MS / 1000
