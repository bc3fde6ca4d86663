"""A partition of a judge that reads shared facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from schemas.codec import Event
from schemas.shared import SharedRecord
from streams.judge.joins import Joins
from streams.judge.policy import CompiledPolicies
from streams.judge.shared import SharedFacts
from streams.judge.told import tell_facts
from tests.streams.judge.lab import Lab, Message, at, envelope, facts, message, policies

WEB, DB = "0123456789ab", "aaaaaaaaaaaa"
ADA, BOB = "user:lab/ada", "user:lab/bob"
CONFIGURATION, OTHER, MANIFEST = "sha256:c1", "sha256:c2", "sha256:m1"
TOKEN = "secret:lab/shop/token"

POLICY: Final = """
policy: shared
images:
  vulnerabilities: {deny: {severity: critical}}
  malware: {deny: "*"}
  max_age_days: 30
secrets:
  max_age_days: 90
access:
  exec_into_container: {deny: {name: privileged, privileged: true}}
"""


def compiled(text: str = POLICY) -> CompiledPolicies:
    return CompiledPolicies.compile(policies(text))


@dataclass(slots=True)
class Sharing(Lab):
    """``records`` are what stands in ``shared-facts``."""

    policies: CompiledPolicies = field(default_factory=compiled)
    shared: SharedFacts = field(default_factory=SharedFacts)
    records: dict[bytes, bytes] = field(default_factory=dict)
    sent: int = 0

    def restart(self) -> None:
        """Begin anew: what is in force is read from its topic again, in another order."""
        Lab.restart(self)
        self.shared = SharedFacts()
        for key, value in Random(self.sent).sample(sorted(self.records.items()), len(self.records)):
            self.shared.put(key, value)
        self.partition.contents.joins = Joins(self.shared)

    def put(self, *records: SharedRecord) -> list[Event]:
        """Put records in force and return what the judge writes before its next event."""
        names: set[str] = set()
        for record in records:
            self.records[record.key] = record.encode()
            names |= self.shared.put(record.key, record.encode())
        return self.commit(self.partition.adoptions.shared_facts(names, self.sent, at(0)))

    def tell(self) -> list[Event]:
        """Return what is told of all subjects now."""
        found = [self.shared.told(subject) for subject in sorted(self.shared.subjects())]
        return self.commit([record for told in found if told for record in tell_facts(told, self.partition)])

    def says(self, entity: str, fields: Event) -> Message:
        self.sent += 1
        return message(self.sent, envelope(self.sent, entity) | fields)

    def ask(self, entity: str, fields: Event) -> Event:
        """Return the record of one event."""
        return self.judge([self.says(entity, fields)])[0]


def image_facts(configuration: str = CONFIGURATION, *manifests: str, workload: str = "web") -> Event:
    known = {"container.image.id": configuration, "container.image.hash.all": list(manifests)}
    return facts(workload, **{name: value for name, value in known.items() if value})


def starts() -> Event:
    return {
        "event.kind": "event",
        "event.category": ["process"],
        "event.action": "container-start",
        "event.dataset": "docker.events",
        "event.module": "docker",
    }


def requests(verb: str, resource: str, subresource: str = "", **fields: Any) -> Event:
    about = {
        "event.kind": "event",
        "event.category": ["api"],
        "event.action": f"{resource}/{subresource}-{verb}",
        "event.dataset": "kubernetes.audit",
        "event.module": "kubernetes",
        "event.outcome": "success",
        "kubernetes.audit.verb": verb,
        "kubernetes.audit.subresource": subresource or None,
        "orchestrator.cluster.name": "lab",
        "orchestrator.namespace": "shop",
        "orchestrator.resource.type": resource,
        "orchestrator.resource.name": "web",
    }
    return {name: value for name, value in (about | fields).items() if value is not None}


def enters() -> Event:
    return requests("create", "pods", "exec")
