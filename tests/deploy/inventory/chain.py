"""Collectors, a judge, the shared facts and a view, without Kafka between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Protocol

from deploy.inventory.estate import Estate
from deploy.view.rows import rows_of
from deploy.view.store import Store
from producers.normalise import outcomes_of
from producers.types import Format, Gap, Record
from schemas.codec import encode_event
from schemas.errors import Drop
from schemas.topics import Name
from streams.correlate.facts import SharedFactsShard
from streams.judge.contents import Contents
from streams.judge.envelopes import Envelopes
from streams.judge.memo import Limits
from streams.judge.partition import Partition
from streams.judge.policy import CompiledPolicies
from tests.deploy.baselines.lab import policies

PATIENCE_SECONDS = 60  # only a test that fails waits so long


def judge() -> Partition:
    return Partition(0, Contents(CompiledPolicies.compile(policies())), Limits(2_000, 2_000), 2**24, Envelopes())


def new_store() -> Store:
    store = Store(Path(":memory:"))
    store.create({})
    return store


class Reads(Protocol):
    """What records are read from."""

    def read(self, limit: int, timeout_seconds: float) -> Sequence[Record | Gap]: ...


Source = tuple[Reads, Format]


@dataclass(slots=True)
class Chain:
    """What was collected, and what is known of it."""

    partition: Partition = field(default_factory=judge)
    shared: SharedFactsShard = field(default_factory=lambda: SharedFactsShard(policies()))
    store: Store = field(default_factory=new_store)
    events: int = 0

    def collect(self, sources: Sequence[Source], enough: Callable[[Estate], bool]) -> Estate:
        """Read open origins until the inventory is as expected."""
        deadline = monotonic() + PATIENCE_SECONDS
        while not enough(estate := self.estate()):
            assert monotonic() < deadline, [one.known for one in estate.containers]
            for origin, format_ in sources:
                for item in origin.read(100, 0.1):
                    if isinstance(item, Record):
                        self._judge(item, format_)
        return estate

    def _judge(self, record: Record, format_: Format) -> None:
        for outcome in outcomes_of(format_, record):
            if isinstance(outcome.result, Drop):  # a layer is nobody's event
                continue
            assert isinstance(outcome.result, dict)
            self.events += 1
            event = outcome.result | {"event.id": f"lab:0000:{self.events:012d}"}
            _, counter = self.partition.admit(event["entity.id"].encode(), encode_event(event))
            if counter is not None:
                counter.count += 1

    def estate(self) -> Estate:
        state, activities = self.partition.take(flush=True)
        self._write("judge-state", state)
        self._write("activities", activities)
        for _, value in activities:
            self.shared.take_row(value, 0)
        self._write("shared-facts", [(key, told) for _, key, told in self.shared.tick(0)])
        return Estate(self.store.connection)

    def _write(self, topic: Name, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        self.store.write(topic, [row for key, value in records for row in rows_of(topic, key, value)], {})
