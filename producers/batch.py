"""A batch: what goes to Kafka in one transaction, and what is counted once it is there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from producers.ledger import Message
from schemas.telemetry import count, observe

__all__ = ["Batch", "Collected"]


@dataclass(slots=True)
class Batch:
    """Messages of one transaction; ``started`` is the clock at its first record, None while there is none."""

    started: float | None = None
    messages: list[Message] = field(default_factory=list)
    size: int = 0
    records: int = 0
    events: int = 0
    own: int = 0
    deadletters: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    gaps: Counter[str] = field(default_factory=Counter)

    def add(self, message: Message) -> None:
        """Take a message in and count its bytes."""
        self.messages.append(message)
        self.size += len(message.value)

    def count(self, collector_id: str, seconds: float) -> None:
        """Tell the metrics what was committed."""
        count("records_read", self.records, collector=collector_id)
        count("events", self.events + self.own, process=collector_id)
        count("batches", process=collector_id)
        observe("batch_seconds", seconds, process=collector_id)
        if self.deadletters:
            count("deadletters", self.deadletters, process=collector_id, stage="parse")
        for reason, amount in self.dropped.items():
            count("dropped", amount, process=collector_id, reason=reason)
        for cause, amount in self.gaps.items():
            count("gaps", amount, process=collector_id, cause=cause)


@dataclass(slots=True)
class Collected:
    """What a run has committed; ``own`` are heartbeats and gaps, which are numbered as events are but no ``events``."""

    records: int = 0
    events: int = 0
    own: int = 0
    deadletters: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def add(self, batch: Batch) -> None:
        """Take in a batch that is committed."""
        self.records += batch.records
        self.events += batch.events
        self.own += batch.own
        self.deadletters += batch.deadletters
        self.dropped += batch.dropped
