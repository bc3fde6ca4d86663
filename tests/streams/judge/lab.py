"""A partition of events without Kafka: batches, transactions that commit or die, and a compacted log of its state."""

from __future__ import annotations

import json
from collections import Counter as Tally
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from textwrap import dedent
from typing import Any, Final

from confluent_kafka import KafkaError

from schemas.codec import Event, encode_event
from schemas.errors import Invalid
from schemas.event import parse_time, timestamp
from schemas.hit import Hit
from schemas.policyset import Document, PolicySet, parse_policies
from streams.judge.batch import judge_batch
from streams.judge.contents import Contents
from streams.judge.envelopes import Envelopes
from streams.judge.memo import Limits
from streams.judge.partition import Partition
from streams.judge.policy import CompiledPolicies
from streams.judge.rules import RulesInForce
from streams.judge.state import StateReader, StateRecord
from streams.rules.ruleset import parse_rules

START: Final = 1_764_000_000_000_000_000
SECOND: Final = 1_000_000_000
DAY: Final = 24 * 3600 * SECOND
MANY: Final = Limits(2_000, 200)

FORBID_SHELLS: Final = """
policy: shells
exec:
  deny: [/bin/sh]
  allow: [/usr/bin/nginx]
findings:
  level: high
"""

FORBID_NGINX: Final = """
policy: nginx
exec:
  deny: [/usr/bin/nginx]
"""

FORBID_PRIVILEGED: Final = """
policy: privileged
scope:
  entities: container
settings:
  privileged: deny
exec:
  allow: [/usr/bin/nginx]
"""


def policies(text: str = FORBID_SHELLS) -> PolicySet:
    return parse_policies([Document("x.yaml", text)] if text else [], date(2026, 1, 1))


def rules(*texts: str) -> RulesInForce:
    """Return Sigma rules made ready; each text is a file."""
    documents = [Document(f"{number}.yml", dedent(text)) for number, text in enumerate(texts)]
    rule_set = parse_rules(documents)
    assert not rule_set.refused, rule_set.refused
    return RulesInForce.compile(rule_set)


def at(seconds: float) -> str:
    return timestamp(START + round(seconds * SECOND))


def envelope(number: int, entity: str, *, collector: str = "shop", seconds: float = 0.0) -> Event:
    return {
        "event.id": f"{collector}:0000:{number:012d}",
        "@timestamp": at(seconds),
        "event.created": at(seconds),
        "entity.id": entity,
        "process.pid": 100 + number,
    }


def does(program: str, **fields: Any) -> Event:
    return {
        "event.kind": "event",
        "event.category": ["process"],
        "event.action": "exec",
        "event.dataset": "auditd.log",
        "event.module": "auditd",
        "process.executable": program,
    } | fields


def facts(workload: Any = "web", authority: Any = "engine", **fields: Any) -> Event:
    named = {"workload.name": workload, "workload.namespace": "shop"} if workload else {}
    return {
        "event.kind": "state",
        "event.action": "facts",
        "event.dataset": "docker.facts",
        "facts.authority": authority,
        "container.image.name": "registry.example/web:1",
    } | (named | fields)


HEARTBEAT: Final = {
    "event.kind": "metric",
    "event.action": "heartbeat",
    "event.dataset": "tidewaiter.heartbeat",
    "event.module": "tidewaiter",
}


@dataclass(frozen=True, slots=True)
class Message:
    """What a consumer gives; ``appended`` is the broker's time in nanoseconds."""

    place: int
    name: Any
    data: Any
    appended: int = START + 365 * DAY
    number: int = 0

    def error(self) -> KafkaError | None:
        return None

    def topic(self) -> str:
        return "events"

    def partition(self) -> int:
        return self.number

    def offset(self) -> int:
        return self.place

    def timestamp(self) -> tuple[int, int]:
        return 2, self.appended // 1_000_000

    def key(self) -> bytes:
        return self.name  # type: ignore[no-any-return]  # a test may say None

    def value(self) -> bytes:
        return self.data  # type: ignore[no-any-return]  # a test may say None


def message(place: int, fields: Event, **options: Any) -> Message:
    """Return the message of an event, which the broker is given a year after its time if nothing else is said."""
    with suppress(Invalid, KeyError):  # of no readable time: at one time
        options.setdefault("appended", parse_time(fields["@timestamp"]) + 365 * DAY)
    return Message(place, fields["entity.id"].encode(), encode_event(fields), **options)


@dataclass(slots=True)
class Lab:
    """One partition, and what it has committed."""

    policies: CompiledPolicies = field(default_factory=lambda: CompiledPolicies.compile(policies()))
    limits: Limits = MANY
    memo_bytes: int = 2**24
    number: int = 0
    rules: RulesInForce = field(default_factory=RulesInForce.none)
    partition: Partition = field(init=False)
    verdicts: list[bytes] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)
    dead: list[tuple[bytes | None, str]] = field(default_factory=list)
    rows: dict[bytes, dict[str, Any]] = field(default_factory=dict)
    log: list[StateRecord] = field(default_factory=list)
    kpi: dict[bytes, bytes | None] = field(default_factory=dict)
    written_rows: int = 0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew with what is committed, as the broker would give it: compacted."""
        reader = StateReader()
        for key, value in compacted(self.log):
            reader.take(key, value)
        self.partition = Partition(
            self.number, Contents(self.policies, rules=self.rules), self.limits, self.memo_bytes, Envelopes()
        )
        self.partition.restore(reader)

    def judge(self, messages: Iterable[Message], *, flush: bool = False, crash: bool = False) -> list[Event]:
        """Judge one batch in one transaction and return its records."""
        return [parsed(value) for value in self.feed(messages, flush=flush, crash=crash)]

    def feed(self, messages: Iterable[Message], *, flush: bool = False, crash: bool = False) -> list[bytes]:
        """Do so, and return the bytes; in a crash the transaction is lost with all that was remembered."""
        batch = judge_batch(messages, {self.number: self.partition}, self.partition.envelopes, {})
        return self._commit(
            [produced["value"] for produced in batch.produced[self.number]], batch.dead, flush=flush, crash=crash
        )

    def commit(self, records: Sequence[tuple[bytes, bytes]] = (), *, flush: bool = False) -> list[Event]:
        """Commit what the judge says by itself."""
        return [parsed(value) for value in self._commit([value for _, value in records], [], flush=flush, crash=False)]

    def _commit(self, values: list[bytes], dead: Any, *, flush: bool, crash: bool) -> list[bytes]:
        if flush:
            self.partition.entities.sweep_when_due()
        state, rows = self.partition.take(flush=flush)
        hits, figures = self.partition.ledger.take_hits(), self.partition.ledger.take_figures()
        if crash:
            self.restart()
            return []
        self.verdicts += values
        self.dead += [(letter.value(), str(error)) for letter, error in dead]
        self.log += state
        self.hits += hits
        self.kpi |= dict(figures)
        for key, row in rows:
            self._take_row(key, row)
        return values

    def _take_row(self, key: bytes, row: bytes | None) -> None:
        self.written_rows += 1
        if row is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = parsed(row)

    def adopt(self, text: str, offset: int) -> list[Event]:
        self.policies = CompiledPolicies.compile(policies(text))
        return self.commit(self.partition.adoptions.policies(self.policies, offset, at(0)))

    def adopt_rules(self, rules: RulesInForce, offset: int) -> list[Event]:
        self.rules = rules
        return self.commit(self.partition.adoptions.rules(rules, offset, at(0)))

    def counts(self) -> Tally[str]:
        """Return the counts of all rows by activity digest, after a flush."""
        self.commit(flush=True)
        counted: Tally[str] = Tally()
        for row in self.rows.values():
            counted[row["activity.digest"]] += row["activity.count"]
        return counted


def compacted(log: list[StateRecord]) -> list[StateRecord]:
    latest = {key: place for place, (key, _) in enumerate(log)}
    return [log[place] for place in sorted(latest.values())]


def parsed(value: bytes) -> Event:
    """Return a record; fail on a key that stands in it twice."""
    return dict(json.loads(value, object_pairs_hook=_once))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), [name for name in names if names.count(name) > 1]
    return dict(pairs)
