"""What a shard writes, fenced: of two workers that believe to have a partition, only the later one can write."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from confluent_kafka import KafkaException, Producer

from schemas.deadletter import DeadLetter, encode_deadletter, headers_of
from schemas.settings import KafkaSettings
from streams.correlate.types import Record
from streams.kafka import transactional_producer

__all__ = ["Output"]

_TRANSACTION_SECONDS: Final = 30.0
_WRITTEN: Final = frozenset({"baselines", "control", "shared-facts"})


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
        if topic not in _WRITTEN:
            raise ValueError(f"a shard may write {', '.join(sorted(_WRITTEN))}, not {topic}")
        self._producer.produce(f"{self._settings.topic_prefix}{topic}", key=key, value=value, partition=self._partition)

    def _bury(self, letter: DeadLetter) -> None:
        topic = self._settings.topic("deadletters")
        self._producer.produce(topic, key=letter.stage, value=encode_deadletter(letter), headers=headers_of(letter))
