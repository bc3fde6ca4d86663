"""Reading a partition's state back, in the one order that is never stale.

First the stable committed offset (it waits for the end of an earlier judge's transaction), then the end of ``judge-state``, then the
state itself up to that end. State first and offset second was seen to be stale on a real broker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.settings import KafkaSettings
from streams.judge.state import StateReader
from streams.kafka import reader

__all__ = ["Restored", "restore"]

_TIMEOUT_SECONDS: Final = 60.0
_CONSUME_LIMIT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Restored:
    """Where to go on in ``events``, with which state, and which offsets (first, last) are gone for ever."""

    offset: int
    state: StateReader
    gone: tuple[int, int] | None


def restore(settings: KafkaSettings, consumer: Consumer, client_id: str, partition: int) -> Restored:
    """Return what a partition needs to be judged on; blocks up to a minute while a dead judge's transaction is open."""
    events = TopicPartition(settings.topic("events"), partition)
    committed = consumer.committed([events], timeout=_TIMEOUT_SECONDS)[0]
    if committed.error:
        raise KafkaException(committed.error)
    low, _ = consumer.get_watermark_offsets(events, timeout=_TIMEOUT_SECONDS, cached=False)
    expected = max(committed.offset, 0)
    gone = (expected, low - 1) if low > expected else None
    return Restored(max(expected, low), _read_state(settings, client_id, partition), gone)


def _read_state(settings: KafkaSettings, client_id: str, partition: int) -> StateReader:
    state = StateReader()
    consumer = reader(settings, f"{client_id}-state")
    try:
        place = TopicPartition(settings.topic("judge-state"), partition)
        low, end = consumer.get_watermark_offsets(place, timeout=_TIMEOUT_SECONDS, cached=False)
        place.offset = low
        consumer.assign([place])
        while low < end:
            for message in consumer.consume(_CONSUME_LIMIT, timeout=0.1):
                if message.error():
                    raise KafkaException(message.error())
                state.take(message.key(), message.value())
            low = max(low, consumer.position([place])[0].offset)
    finally:
        consumer.close()
    return state
