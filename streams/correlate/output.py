"""What a shard writes, fenced: of two workers that believe to have a partition, only the later one can write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from confluent_kafka import KafkaException, Producer

from schemas.deadletter import DeadLetter, encode_deadletter, headers_of
from schemas.settings import KafkaSettings
from schemas.topics import partition_of
from streams.correlate.types import Record
from streams.kafka import transactional_producer

__all__ = ["Output"]

_TRANSACTION_SECONDS: Final = 30.0
_OWN: Final = frozenset({"alerts", "baselines", "control", "shared-facts"})
"""What stands in the writer's own partition."""

_POLICIES: Final = "policies"
"""Has one partition; the day alone is written into it here."""

_PLACED: Final[Mapping[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {"findings": lambda key: key.rpartition(b"|")[0], "rule-hits": lambda key: key}
)
"""By topic, the part of a key that names the partition: the entity that is told of a finding, the group of a hit."""


class Output:
    """The writer of one partition.

    All or nothing: what is given to one call of ``write`` is committed together, to all replicas, when the call returns. A writer that
    is made fences every earlier one of the same partition, whose writes fail from then on. Methods block.
    """

    def __init__(self, settings: KafkaSettings, partition: int) -> None:
        """Fence earlier writers; behind this no record of theirs can appear any more. Raises ``KafkaException``."""
        self._settings = settings
        self._partition = partition
        transactional_id = f"{settings.topic_prefix}correlate-{partition:04d}"
        self._producer: Producer = transactional_producer(settings, transactional_id)
        self._producer.init_transactions(_TRANSACTION_SECONDS)
        topic = settings.topic("rule-hits")
        self.partitions = len(self._producer.list_topics(topic, timeout=_TRANSACTION_SECONDS).topics[topic].partitions)

    def write(self, records: Sequence[Record], letters: Sequence[DeadLetter] = ()) -> None:
        """Write records and dead letters; raises ``KafkaException`` where that failed or a later writer has taken over."""
        self._producer.begin_transaction()
        try:
            for record in records:
                self._produce(*record)
            for letter in letters:
                self._bury(letter)
            self._producer.commit_transaction(_TRANSACTION_SECONDS)
        except BaseException:
            # The failure says more than one of the abort would; the process ends, and its successor's fence aborts as well.
            with suppress(KafkaException):
                self._producer.abort_transaction(_TRANSACTION_SECONDS)
            raise

    def _produce(self, topic: str, key: bytes, value: bytes) -> None:
        name = f"{self._settings.topic_prefix}{topic}"
        self._producer.produce(name, key=key, value=value, partition=self._place_of(topic, key))

    def _place_of(self, topic: str, key: bytes) -> int:
        if topic in _OWN:
            return self._partition
        if topic == _POLICIES:
            return 0
        if topic in _PLACED:
            return partition_of(_PLACED[topic](key), self.partitions)
        raise ValueError(f"a shard may write {', '.join(sorted({*_OWN, *_PLACED, _POLICIES}))}, not {topic}")

    def _bury(self, letter: DeadLetter) -> None:
        topic = self._settings.topic("deadletters")
        self._producer.produce(topic, key=letter.stage, value=encode_deadletter(letter), headers=headers_of(letter))
