"""Reading the state of partitions back, in the one order that is never stale.

First the stable committed offsets (this waits for the end of an earlier judge's transaction), then the end of ``judge-state``, then the
state itself up to that end. State first and offset second was seen to be stale on a real broker.

The end is that of a reader of uncommitted records. The markers that end one transaction reach its partitions one after the other, so
the offset may be committed where the state's marker is still under way; the end of a committed reader lies before that transaction, and the
state would be too old. A committed reader cannot pass an open transaction, so it waits for the marker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.errors import ConfigurationError
from schemas.settings import KafkaSettings
from streams.judge.state import StateReader
from streams.kafka import consume, reader, uncommitted_reader

__all__ = ["Restored", "restore"]

_TIMEOUT_SECONDS: Final = 60.0
_CONSUME_LIMIT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Restored:
    """Where to go on in ``events``, with which state, and which offsets (first, last) are gone for ever."""

    offset: int
    state: StateReader
    gone: tuple[int, int] | None


def restore(
    settings: KafkaSettings, consumer: Consumer, client_id: str, partitions: Sequence[int]
) -> dict[int, Restored]:
    """Return what partitions need to be judged on; blocks up to a minute while a dead judge's transaction is open."""
    offsets = {
        number: _offset(settings, consumer, number, committed)
        for number, committed in _committed(settings, consumer, partitions)
    }
    states = _read_states(settings, client_id, partitions)
    return {number: Restored(offset, states[number], gone) for number, (offset, gone) in offsets.items()}


def _committed(settings: KafkaSettings, consumer: Consumer, partitions: Sequence[int]) -> list[tuple[int, int]]:
    places = [TopicPartition(settings.topic("events"), number) for number in partitions]
    found = consumer.committed(places, timeout=_TIMEOUT_SECONDS) if places else []
    for place in found:
        if place.error:
            raise KafkaException(place.error)
    return [(place.partition, max(place.offset, 0)) for place in found]


def _offset(
    settings: KafkaSettings, consumer: Consumer, partition: int, expected: int
) -> tuple[int, tuple[int, int] | None]:
    place = TopicPartition(settings.topic("events"), partition)
    low, end = consumer.get_watermark_offsets(place, timeout=_TIMEOUT_SECONDS, cached=False)
    if expected > end:
        raise ConfigurationError(
            f"{place.topic}/{partition} ends at offset {end}, but was judged up to {expected}: it was made anew or has lost records; "
            "set kafka.topic_prefix to begin a new generation of topics"
        )
    return max(expected, low), (expected, low - 1) if low > expected else None


def _read_states(settings: KafkaSettings, client_id: str, partitions: Sequence[int]) -> dict[int, StateReader]:
    states = {number: StateReader() for number in partitions}
    consumer = reader(settings, f"{client_id}-state")
    try:
        places = _bounds(settings, client_id, partitions)
        consumer.assign([place for place, _ in places])
        waiting = {place.partition: end for place, end in places if place.offset < end}
        while waiting:
            for message in consume(consumer, _CONSUME_LIMIT, 0.1):
                if message.error():
                    raise KafkaException(message.error())
                states[message.partition()].take(message.key(), message.value())
            for place in consumer.position([place for place, _ in places]):
                if place.offset >= waiting.get(place.partition, 0):
                    waiting.pop(place.partition, None)
    finally:
        consumer.close()
    return states


def _bounds(settings: KafkaSettings, client_id: str, partitions: Sequence[int]) -> list[tuple[TopicPartition, int]]:
    """Return where the state of each partition begins, and where it ends for a reader of uncommitted records."""
    consumer = uncommitted_reader(settings, f"{client_id}-ends")
    topic = settings.topic("judge-state")
    try:
        places = [TopicPartition(topic, number) for number in partitions]
        bounds = [consumer.get_watermark_offsets(place, timeout=_TIMEOUT_SECONDS, cached=False) for place in places]
    finally:
        consumer.close()
    return [
        (TopicPartition(topic, place.partition, low), end) for place, (low, end) in zip(places, bounds, strict=True)
    ]
