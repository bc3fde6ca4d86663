"""Reading the state of partitions back, in the one order that is never stale.

First the stable committed offsets (this waits for the end of an earlier judge's transaction), then the end of ``judge-state``, then the
state itself up to that end. State first and offset second was seen to be stale on a real broker.

The end is that of a reader of uncommitted records (``streams.restoring``): the offset may be committed where the marker of the same
transaction in the state is still under way, and the state up to the end of a committed reader would be too old.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.errors import ConfigurationError
from schemas.settings import KafkaSettings
from streams.judge.state import StateReader
from streams.kafka import Consumed
from streams.restoring import read_to_end

__all__ = ["Restored", "restore"]

_TIMEOUT_SECONDS: Final = 60.0


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

    def take(message: Consumed) -> None:
        states[message.partition()].take(message.key(), message.value())

    read_to_end(settings, client_id, "judge-state", partitions, take)
    return states
