"""The policy set in force, as it was written: correlate asks it how to learn and what is protected, it judges nothing by it."""

from __future__ import annotations

from typing import Final

from confluent_kafka import KafkaException, TopicPartition

from schemas.errors import ConfigurationError, Invalid
from schemas.policyset import PolicySet
from schemas.settings import KafkaSettings
from streams.kafka import Consumed, consume, reader
from streams.restoring import read_to_end

__all__ = ["PolicySets"]

_CONSUME_LIMIT: Final = 100


class PolicySets:
    """Follows ``policies``: its last record is the whole set. Without one, the empty set is in force.

    Raises ``ConfigurationError`` for a record that is no policy set: going on by an older one would be wrong in silence.
    """

    def __init__(self, settings: KafkaSettings, client_id: str) -> None:
        self.current = PolicySet.empty()
        found: list[Consumed] = []
        positions = read_to_end(settings, client_id, "policies", [0], found.append)
        self._take(found)
        self._reader = reader(settings, f"{client_id}-policies-live")
        self._reader.assign([TopicPartition(settings.topic("policies"), 0, positions[0])])

    def poll(self) -> PolicySet:
        """Return the set that is in force now; never waits."""
        found = consume(self._reader, _CONSUME_LIMIT, 0)
        for message in found:
            if message.error():
                raise KafkaException(message.error())
        self._take(found)
        return self.current

    def _take(self, messages: list[Consumed]) -> None:
        sets = [message for message in messages if message.value() is not None]
        if sets:
            self.current = _read(sets[-1])

    def close(self) -> None:
        """Leave the topic."""
        self._reader.close()


def _read(message: Consumed) -> PolicySet:
    try:
        return PolicySet.from_manifest(message.value())
    except (Invalid, ConfigurationError) as error:
        place = f"{message.topic()}/{message.partition()}/{message.offset()}"
        raise ConfigurationError(
            f"{place}: {error}; put a policy set behind it with `tidewaiter policy apply`"
        ) from error
