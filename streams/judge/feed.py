"""The policy set in force, read from its compacted topic."""

from __future__ import annotations

from typing import Final

from confluent_kafka import KafkaException, TopicPartition

from schemas.errors import ConfigurationError, Invalid
from schemas.policyset import PolicySet
from schemas.settings import KafkaSettings
from streams.judge.policy import CompiledPolicies
from streams.kafka import Consumed, consume, reader

__all__ = ["PolicyFeed"]

_TIMEOUT_SECONDS: Final = 30.0
_CONSUME_LIMIT: Final = 100


class PolicyFeed:
    """Follows ``policies``: its last record is the whole set. Without one, the empty set is in force.

    Raises ``ConfigurationError`` for a record that is no policy set: judging on by an older one would be wrong in silence.
    """

    def __init__(self, settings: KafkaSettings, client_id: str) -> None:
        self.current = CompiledPolicies.compile(PolicySet.empty())
        self._reader = reader(settings, f"{client_id}-policies")
        place = TopicPartition(settings.topic("policies"), 0)
        place.offset, end = self._reader.get_watermark_offsets(place, timeout=_TIMEOUT_SECONDS)
        self._reader.assign([place])
        self._read_up_to(place, end)

    def _read_up_to(self, place: TopicPartition, end: int) -> None:
        position, messages = place.offset, list[Consumed]()
        while position < end:
            messages += consume(self._reader, _CONSUME_LIMIT, 0.1)
            position = max(position, self._reader.position([place])[0].offset)
        self._take(messages)

    def poll(self) -> CompiledPolicies:
        """Return the set that is in force now; never waits."""
        self._take(consume(self._reader, _CONSUME_LIMIT, 0))
        return self.current

    def _take(self, messages: list[Consumed]) -> None:
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
        sets = [message for message in messages if message.value() is not None]
        if sets:
            self.current = _compile(sets[-1])

    def close(self) -> None:
        """Leave the topic."""
        self._reader.close()


def _compile(message: Consumed) -> CompiledPolicies:
    try:
        return CompiledPolicies.compile(PolicySet.from_manifest(message.value()))
    except (Invalid, ConfigurationError) as error:
        place = f"{message.topic()}/{message.partition()}/{message.offset()}"
        raise ConfigurationError(
            f"{place}: {error}; put a policy set behind it with `tidewaiter policy apply`"
        ) from error
