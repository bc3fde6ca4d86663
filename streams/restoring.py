"""Reading topics back to their end with a plain consumer, in the one way that is never stale.

The end is that of a reader of uncommitted records. The markers that end one transaction reach its partitions one after the other, so
what a transaction wrote to one partition may be seen where its marker in another is still under way; the end of a committed reader lies
before that transaction. A committed reader cannot pass an open transaction, so on its way to the other end it waits for the marker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.settings import KafkaSettings
from schemas.topics import Name
from streams.kafka import Consumed, consume, reader, uncommitted_reader

__all__ = ["Interrupted", "read_to_end"]

_TIMEOUT_SECONDS: Final = 60.0
_CONSUME_LIMIT: Final = 10_000


class Interrupted(Exception):
    """What was being read is no longer wanted."""


def _never() -> bool:
    """Go on to the end."""
    return False


def read_to_end(
    settings: KafkaSettings,
    client_id: str,
    topic: Name,
    partitions: Sequence[int],
    take: Callable[[Consumed], None],
    *,
    interrupted: Callable[[], bool] = _never,
) -> dict[int, int]:
    """Give ``take`` every committed record that partitions hold now, and return where to read on in each.

    Within a partition the order is that of the log. Blocks while a transaction that had written by now is open, up to its timeout. Raises
    ``KafkaException``, what ``take`` raises, and ``Interrupted`` once ``interrupted`` says so.
    """
    consumer = reader(settings, f"{client_id}-{topic}")
    try:
        bounds = _bounds(settings, client_id, topic, partitions)
        positions = {place.partition: place.offset for place, _ in bounds}
        consumer.assign([place for place, _ in bounds])
        ends = {place.partition: end for place, end in bounds}
        while _unread(positions, ends):
            if interrupted():
                raise Interrupted
            _take_some(consumer, take)
            _advance(consumer, [place for place, _ in bounds], positions)
    finally:
        consumer.close()
    return positions


def _unread(positions: Mapping[int, int], ends: Mapping[int, int]) -> bool:
    return any(positions[number] < end for number, end in ends.items())


def _take_some(consumer: Consumer, take: Callable[[Consumed], None]) -> None:
    for message in consume(consumer, _CONSUME_LIMIT, 0.1):
        if message.error():
            raise KafkaException(message.error())
        take(message)


def _advance(consumer: Consumer, places: list[TopicPartition], positions: dict[int, int]) -> None:
    """Note how far was read; librdkafka passes markers and aborted records, and has no position (below 0) before the first."""
    for place in consumer.position(places):
        positions[place.partition] = max(place.offset, positions[place.partition])


def _bounds(
    settings: KafkaSettings, client_id: str, topic: Name, partitions: Sequence[int]
) -> list[tuple[TopicPartition, int]]:
    """Return where each partition begins, and where it ends for a reader of uncommitted records."""
    consumer = uncommitted_reader(settings, f"{client_id}-ends")
    try:
        places = [TopicPartition(settings.topic(topic), number) for number in partitions]
        bounds = [consumer.get_watermark_offsets(place, timeout=_TIMEOUT_SECONDS, cached=False) for place in places]
    finally:
        consumer.close()
    return [
        (TopicPartition(place.topic, place.partition, low), end)
        for place, (low, end) in zip(places, bounds, strict=True)
    ]
