"""Reading topics back to their end with a plain consumer, in the one way that is never stale.

The end is that of a reader of uncommitted records. The markers that end one transaction reach its partitions one after the other, so
what a transaction wrote to one partition may be seen where its marker in another is still under way; the end of a committed reader lies
before that transaction. A committed reader cannot pass an open transaction, so on its way to the other end it waits for the marker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.settings import KafkaSettings
from schemas.topics import Name
from streams.kafka import Consumed, consume, reader, uncommitted_reader, watermarks

__all__ = ["Interrupted", "Moved", "read_to_end"]

_CONSUME_LIMIT: Final = 10_000
_FROM_THE_BEGINNING: Final[Mapping[int, int]] = MappingProxyType({})


class Interrupted(Exception):
    """What was being read is no longer wanted."""


class Moved(Exception):
    """A partition does not hold the place to read on from: it was made anew, or records of it were deleted."""


def _nothing(_: Mapping[int, int]) -> None:
    """Keep no places."""


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
    begin: Mapping[int, int] = _FROM_THE_BEGINNING,
    noted: Callable[[Mapping[int, int]], None] = _nothing,
    interrupted: Callable[[], bool] = _never,
) -> dict[int, int]:
    """Give ``take`` every committed record that partitions hold now, and return where to read on in each.

    Within a partition the order is that of the log, from ``begin`` on where that names a place. ``noted`` is called now and then, and at
    last, with where to read on behind everything that was taken until then. Blocks while a transaction that had written by now is open,
    up to its timeout. Raises ``KafkaException``, ``Moved``, what ``take`` raises, and ``Interrupted`` once ``interrupted`` says so.
    """
    consumer = reader(settings, f"{client_id}-{topic}")
    try:
        bounds = _bounds(settings, client_id, topic, partitions, begin)
        positions = {place.partition: place.offset for place, _ in bounds}
        consumer.assign([place for place, _ in bounds])
        ends = {place.partition: end for place, end in bounds}
        while _unread(positions, ends):
            if interrupted():
                raise Interrupted
            _take_some(consumer, take)
            _advance(consumer, [place for place, _ in bounds], positions)
            noted(positions)
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
    settings: KafkaSettings, client_id: str, topic: Name, partitions: Sequence[int], begin: Mapping[int, int]
) -> list[tuple[TopicPartition, int]]:
    """Return where to begin in each partition, and where it ends for a reader of uncommitted records."""
    consumer = uncommitted_reader(settings, f"{client_id}-ends")
    try:
        places = [TopicPartition(settings.topic(topic), number) for number in partitions]
        bounds = [watermarks(consumer, place) for place in places]
    finally:
        consumer.close()
    return [
        (TopicPartition(place.topic, place.partition, _begin(place, begin.get(place.partition, low), low, end)), end)
        for place, (low, end) in zip(places, bounds, strict=True)
    ]


def _begin(place: TopicPartition, offset: int, low: int, end: int) -> int:
    if not low <= offset <= end:
        raise Moved(f"{place.topic}/{place.partition} holds offsets {low} to {end}, not {offset}")
    return offset
