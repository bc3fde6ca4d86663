"""Following a table that lies in all partitions of a topic, from its beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from confluent_kafka import KafkaException, TopicPartition

from schemas.errors import ConfigurationError
from schemas.settings import KafkaSettings
from schemas.topics import Name
from streams.kafka import Consumed, consume, reader
from streams.restoring import read_to_end

__all__ = ["Follower"]

_TIMEOUT_SECONDS: Final = 30.0
_CONSUME_LIMIT: Final = 10_000


class Follower:
    """What stands in a topic when it is made is given to ``take`` before that returns; what comes later is asked for."""

    def __init__(self, settings: KafkaSettings, client_id: str, name: Name, take: Callable[[Consumed], object]) -> None:
        """Read to the end; raises ``ConfigurationError`` where there is no such topic, and what ``take`` raises."""
        self._reader = reader(settings, f"{client_id}-{name}")
        topic = settings.topic(name)
        numbers = sorted(self._reader.list_topics(topic, timeout=_TIMEOUT_SECONDS).topics[topic].partitions)
        if not numbers:
            raise ConfigurationError(f"there is no topic {topic}; create the topics with `tidewaiter up`")
        places = read_to_end(settings, client_id, name, numbers, _taking(take))
        self._reader.assign([TopicPartition(topic, number, offset) for number, offset in places.items()])

    def poll(self) -> Iterator[Consumed]:
        """Yield what has come, in the order of each partition; never waits."""
        for message in consume(self._reader, _CONSUME_LIMIT, 0):
            if message.error():
                raise KafkaException(message.error())
            yield message

    def close(self) -> None:
        """Leave the topic."""
        self._reader.close()


def _taking(take: Callable[[Consumed], object]) -> Callable[[Consumed], None]:
    def taken(message: Consumed) -> None:
        take(message)

    return taken
