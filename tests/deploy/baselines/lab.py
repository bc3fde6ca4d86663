"""A small shop that judges see, what they write of it, and a person who decides about it; no service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.baselines.operators import Operator
from deploy.baselines.proposals import Author, Proposal, approve
from deploy.baselines.standing import Standing
from schemas.baseline import Profile
from schemas.codec import Event, encode_event
from schemas.event import timestamp
from schemas.keys import public_key_of
from schemas.policyset import Document, PolicySet, parse_policies
from streams.baseline.rules import LearnRules
from streams.baseline.seen import Seen
from streams.judge.contents import Contents
from streams.judge.envelopes import Envelopes
from streams.judge.memo import Limits
from streams.judge.partition import Partition
from streams.judge.policy import CompiledPolicies

__all__ = ["APP", "LATER", "NOON", "Shop", "author", "first", "operator", "policies"]

APP: Final = "container:/shop/app/app"
NOON: Final = "2026-06-01T12:00:00.000000000Z"
LATER: Final = "2026-06-03T12:00:00.000000000Z"
START: Final = 1_780_308_000_000_000_000
SECOND: Final = 1_000_000_000

_KEY: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_POLICY: Final = """
policy: shop
learn: {approve: review, hours: 1, observations: 4, leave_out: resource}
exec: {deny: /usr/bin/nc}
files: {deny: /etc/shadow}
"""


def policies(text: str = _POLICY) -> PolicySet:
    """Return policies under which ``operator()`` may decide."""
    people = f"policy: people\npeople: {{name: alice, key: '{public_key_of(_KEY)}'}}\n"
    return parse_policies([Document("shop.yaml", text), Document("people.yaml", people)], date(2026, 6, 1))


def operator() -> Operator:
    return Operator("alice", _KEY)


def author(time: str = NOON) -> Author:
    return Author("alice", "looked at", time)


def first(standing: Standing) -> Profile:
    """Return the profile with what is seen now approved as its first version."""
    proposal = approve(standing, author())
    assert isinstance(proposal, Proposal)
    return proposal.after


@dataclass(slots=True)
class Shop:
    """One container of the shop, an event a second, and the rows that a judge writes of it."""

    policies: PolicySet = field(default_factory=policies)
    entity: str = "aaaaaaaaaaaa"
    workload: str = "app"
    image: str = "sha256:1111"
    partition: Partition = field(init=False)
    events: int = 0

    def __post_init__(self) -> None:
        contents = Contents(CompiledPolicies.compile(self.policies))
        self.partition = Partition(0, contents, Limits(2_000, 2_000), 2**24, Envelopes())

    def start(self, **settings: Any) -> Shop:
        known = {
            "workload.name": self.workload,
            "workload.namespace": "shop",
            "workload.container": self.workload,
            "container.image.id": self.image,
            "container.image.name": "registry.example/shop/app:1",
        }
        engine = {"event.module": "docker", "event.category": ["host"]} | known
        self.admit(
            {
                "event.kind": "state",
                "event.action": "facts",
                "event.dataset": "docker.facts",
                "facts.authority": "engine",
            }
            | engine
            | settings
        )
        self.admit(
            {"event.kind": "event", "event.action": "container-start", "event.dataset": "docker.events"} | engine
        )
        return self

    def roll_out(self, image: str) -> Shop:
        """Go on as another container of the same workload with another image."""
        self.entity, self.image = f"{self.events:012x}", image
        return self.start()

    def run(self, *command: str, times: int = 1) -> Shop:
        for _ in range(times):
            self._act(
                {
                    "event.action": "exec",
                    "event.category": ["process"],
                    "process.executable": command[0],
                    "process.args": list(command),
                }
            )
        return self

    def open(self, path: str, access: str = "read") -> Shop:
        return self._act(
            {"event.action": "file-open", "event.category": ["file"], "file.path": path, "file.access": [access]}
        )

    def connect(self, address: str, port: int, **fields: Any) -> Shop:
        connection = {"network.direction": "egress", "destination.ip": address, "destination.port": port}
        return self._act({"event.action": "connect", "event.category": ["network"], **connection, **fields})

    def use(self, metric: str, band: int) -> Shop:
        self.admit(
            {
                "event.kind": "metric",
                "event.action": "resource-usage",
                "event.dataset": "docker.stats",
                "resource.metric": metric,
                "resource.band": band,
            }
        )
        return self

    def wait(self, seconds: int) -> Shop:
        self.events += seconds
        return self

    def _act(self, fields: Event) -> Shop:
        self.admit({"event.kind": "event", "event.dataset": "auditd.log", "event.module": "auditd"} | fields)
        return self

    def admit(self, fields: Event) -> None:
        self.events += 1
        time = timestamp(START + self.events * SECOND)
        envelope = {
            "event.id": f"shop:0000:{self.events:012d}",
            "@timestamp": time,
            "event.created": time,
            "entity.id": self.entity,
        }
        _, counter = self.partition.admit(self.entity.encode(), encode_event(envelope | fields))
        if counter is not None:
            counter.count += 1

    def rows(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield what the judge has written to ``activities`` until now, compacted."""
        for context in self.partition.contexts.by_hash.values():
            for counter in context.counters.values():
                self.partition.ledger.change(counter)
        yield from self.partition.take(flush=True)[1]

    def seen(self) -> Seen:
        seen = Seen()
        for key, value in self.rows():
            seen.take(key, value)
        return seen

    def standing(self, profile: Profile | None = None) -> Standing:
        """Return where the principal of the shop stands."""
        principal = f"container:/shop/{self.workload}/{self.workload}"
        found = profile or Profile(principal, reason="first met", since="2026-06-01T10:00:00.000000000Z")
        return Standing.of(found, self.seen(), LearnRules.of(self.policies))
