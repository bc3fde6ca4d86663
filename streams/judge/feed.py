"""The policy set in force, read from its compacted topic."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, KafkaException, TopicPartition

from schemas.codec import loads
from schemas.policyset import PolicySet, parse_policies
from schemas.settings import KafkaSettings
from streams.judge.policy import CompiledPolicies
from streams.kafka import reader

__all__ = ["PolicyFeed"]

_TIMEOUT_SECONDS: Final = 30.0


class PolicyFeed:
    """Follows ``policies``: its last record is the whole set. Without one, the empty set is in force."""

    def __init__(self, settings: KafkaSettings, client_id: str) -> None:
        self._reader = reader(settings, f"{client_id}-policies")
        self._partition = TopicPartition(settings.topic("policies"), 0, OFFSET_BEGINNING)
        self._reader.assign([self._partition])
        self.current = CompiledPolicies.compile(parse_policies([], date.min))
        self._read_to_end()

    def _read_to_end(self) -> None:
        _, end = self._reader.get_watermark_offsets(self._partition, timeout=_TIMEOUT_SECONDS)
        position = 0
        while position < end:
            self._take(self._reader.consume(1, timeout=0.1))
            position = max(0, self._reader.position([self._partition])[0].offset)

    def poll(self) -> CompiledPolicies:
        """Return the set that is in force now; never waits."""
        self._take(self._reader.consume(100, timeout=0))
        return self.current

    def _take(self, messages: list[Any]) -> None:
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
            if message.value() is not None:
                self.current = CompiledPolicies.compile(PolicySet.from_manifest(loads(message.value())))

    def close(self) -> None:
        """Leave the topic."""
        self._reader.close()
