"""Findings of correlations, told by the judge of the entity that fulfilled them: each once, as a finding of our own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from confluent_kafka import KafkaException, TopicPartition

from schemas.finding import Finding
from schemas.settings import KafkaSettings
from streams.findings import finding_of
from streams.judge import records
from streams.judge.partition import Partition
from streams.judge.types import Output
from streams.kafka import consume, reader

__all__ = ["Correlated", "FindingFeed", "tell_findings"]

_TIMEOUT_SECONDS: Final = 30.0
_CONSUME_LIMIT: Final = 1_000

Correlated = list[tuple[int, Finding]]
"""Findings of one partition with their offsets, in the order of the log."""


class FindingFeed:
    """Follows those partitions of ``findings`` whose events this judge judges, each from where it was told last."""

    def __init__(self, settings: KafkaSettings, client_id: str) -> None:
        self._topic = settings.topic("findings")
        self._reader = reader(settings, f"{client_id}-findings")

    def follow(self, offsets: Mapping[int, int]) -> None:
        """Read on at these offsets by partition, and nothing of other partitions; what is no longer kept cannot be told."""
        places = [TopicPartition(self._topic, number, self._kept(number, offset)) for number, offset in offsets.items()]
        self._reader.assign(places)

    def _kept(self, number: int, offset: int) -> int:
        low, _ = self._reader.get_watermark_offsets(
            TopicPartition(self._topic, number), timeout=_TIMEOUT_SECONDS, cached=False
        )
        return max(low, offset)

    def poll(self) -> dict[int, Correlated]:
        """Return what has come; never waits. Raises ``ConfigurationError`` for what this version cannot read."""
        found: dict[int, Correlated] = defaultdict(list)
        for message in consume(self._reader, _CONSUME_LIMIT, 0):
            if message.error():
                raise KafkaException(message.error())
            found[message.partition()].append((message.offset(), finding_of(message)))
        return found

    def close(self) -> None:
        """Leave the topic."""
        self._reader.close()


def tell_findings(found: Iterable[tuple[int, Finding]], partition: Partition) -> Output:
    """Return the records of what is news, judged like the finding of any sensor; what was told before is passed over.

    How far was read is kept with the other marks of the partition, in the transaction that writes these records.
    """
    ledger, output = partition.ledger, Output()
    for offset, finding in found:
        if offset >= ledger.marks.findings:
            ledger.marks.findings = offset + 1
            if finding.is_news:
                output += partition.tell(records.correlation(ledger.number, ledger.next_number(), finding))
    return output
