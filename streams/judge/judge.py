"""The judge's loop: consume, judge, produce, commit, in one Kafka transaction a batch.

Exactly once: verdicts, state, rows, dead letters and the consumed offsets are committed together or not at all. Crash-only: after an
abort, a fencing error or a lost partition nothing is rolled back; the session ends and the next one restores everything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from schemas.codec import ACTIVITY_MARK
from schemas.deadletter import DeadLetter, encode_deadletter, headers_of
from schemas.errors import ConfigurationError, Invalid
from schemas.event import now, timestamp
from schemas.settings import Settings
from schemas.telemetry import count, gauge, observe
from schemas.topics import partition_of
from streams.judge.envelopes import VARYING, Envelopes
from streams.judge.feed import PolicyFeed
from streams.judge.memo import Counter, Limits
from streams.judge.partition import Partition
from streams.judge.restore import restore
from streams.kafka import group_consumer, transactional_producer

__all__ = ["Judge"]

_log = structlog.get_logger()
_TRANSACTION_SECONDS: Final = 30.0

Produced = list[dict[str, Any]]
"""Messages as ``Producer.produce_batch`` takes them."""


def _nowhere(point: str) -> None:
    """Do nothing at the named point of a transaction; tests put a failure there."""


def _partition_count(consumer: Consumer, topic: str) -> int:
    found = consumer.list_topics(topic, timeout=_TRANSACTION_SECONDS).topics[topic]
    if found.error:
        raise ConfigurationError(f"topic {topic}: {found.error.str()}; create the topics with `tidewaiter up`")
    return len(found.partitions)


class Judge:
    """One session of a judge: from joining the group until a stop, an abort or a lost fence.

    Several judges of different slots share the partitions of ``events``. Raises ``KafkaException`` when a transaction fails; everything
    of this session is then void, and a new session goes on from what was committed.
    """

    def __init__(self, settings: Settings, *, at: Callable[[str], None] = _nowhere) -> None:
        self._settings = settings
        self._name = f"judge-{settings.judge.slot}"
        self._at = at
        kafka = settings.kafka
        self._topics = {
            name: kafka.topic(name) for name in ("events", "verdicts", "judge-state", "activities", "deadletters")
        }
        self._limits = Limits(settings.judge.live_activities, settings.judge.new_rows_a_second)
        self._envelopes = Envelopes()
        self._partitions: dict[int, Partition] = {}
        self._next: dict[int, int] = {}
        self._gone: dict[int, tuple[int, int]] = {}
        self._metadata: Any = None
        self._flushed = time.monotonic()
        self._touched: set[int] = set()
        self._dead: list[tuple[Message, Invalid]] = []
        self._misses = 0
        self._producer: Producer = transactional_producer(kafka, f"{kafka.topic_prefix}{self._name}")
        self._producer.init_transactions(_TRANSACTION_SECONDS)
        self._feed = PolicyFeed(kafka, self._name)
        self._consumer: Consumer = group_consumer(kafka, f"{kafka.topic_prefix}judge", self._name)
        self._activity_partitions = _partition_count(self._consumer, self._topics["activities"])
        self._consumer.subscribe(
            [self._topics["events"]], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )

    # Partitions come and go, only inside consume()

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # Taken here and used until the next assignment: with fresher metadata a judge could commit partitions it has lost.
        self._metadata = consumer.consumer_group_metadata()
        for place in partitions:
            restored = restore(self._settings.kafka, consumer, self._name, place.partition)
            partition = Partition(
                place.partition, self._feed.current, self._limits, self._settings.judge.memo_bytes, self._envelopes
            )
            partition.restore(restored.state)
            self._partitions[place.partition] = partition
            self._next[place.partition] = place.offset = restored.offset
            if restored.gone:
                self._gone[place.partition] = restored.gone
        consumer.assign(partitions)
        _log.info("partitions assigned", judge=self._name, partitions=sorted(self._partitions))

    def _revoked(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        for place in partitions:
            for table in (self._partitions, self._next, self._gone):
                table.pop(place.partition, None)
        _log.info("partitions revoked", judge=self._name, partitions=sorted(place.partition for place in partitions))

    # One batch

    def step(self) -> int:
        """Judge one batch in one transaction; return how many events it had. Waits ``batch_seconds`` for the first one."""
        settings = self._settings.judge
        messages = self._consumer.consume(settings.batch_events, timeout=settings.batch_seconds)
        started = time.monotonic()
        flush = started - self._flushed >= settings.flush_seconds
        produced = self._announce()
        if not messages and not produced and not (flush and any(part.pending for part in self._partitions.values())):
            return 0
        self._judge(messages, produced)
        self._commit(produced, flush=flush)
        self._measure(len(messages), started)
        return len(messages)

    def _announce(self) -> Produced:
        """Return adoptions and gaps that must stand in a partition before its next event."""
        produced: Produced = []
        policies = self._feed.poll()
        for number, partition in self._partitions.items():
            records = partition.adopt(policies, self._next[number], now())
            if records or number in self._gone:
                self._touched.add(number)
            if number in self._gone:
                records += partition.note_gap(*self._gone.pop(number), now())
                count("gaps", process=self._name, cause="events deleted before they were judged")
            produced += [{"key": key, "value": value, "partition": number} for key, value in records]
        return produced

    def _judge(self, messages: list[Message], produced: Produced) -> None:
        """Add the verdicts of a batch to ``produced``. This loop is the firehose: what it does for every event is all there is."""
        touched: dict[Counter, bytes] = {}
        latest: dict[int, Message] = {}
        partitions, outlines, write = self._partitions, self._envelopes.outlines, produced.append
        for message in messages:
            value, key, number = message.value(), message.key(), message.partition()
            latest[number] = message
            try:
                start = value.find(ACTIVITY_MARK)
                entity = partitions[number].entities[key]
                tail, counter = entity.memo[value[start:]]
                _ = outlines[value[:start].translate(None, VARYING)]
            except (KeyError, AttributeError):
                self._admit(message, produced, touched)
                continue
            counter.count += 1
            touched[counter] = value
            write({"value": value[:-1] + entity.suffix + tail, "key": key, "partition": number})
        self._settle(touched, latest)

    def _admit(self, message: Message, produced: Produced, touched: dict[Counter, bytes]) -> None:
        """Judge an event that the loop above knows nothing of; what is no event becomes a dead letter of this transaction."""
        if message.error():
            raise KafkaException(message.error())
        try:
            records, counter = self._partitions[message.partition()].admit(message.key(), message.value())
        except Invalid as error:
            self._dead.append((message, error))
            return
        self._misses += 1
        produced += [{"key": key, "value": value, "partition": message.partition()} for key, value in records]
        if counter is not None:
            counter.count += 1
            touched[counter] = records[0][1]

    def _settle(self, touched: dict[Counter, bytes], latest: dict[int, Message]) -> None:
        by_partition: dict[int, dict[Counter, bytes]] = {number: {} for number in latest}
        for counter, value in touched.items():
            by_partition[counter.partition][counter] = value
        for number, message in latest.items():
            self._partitions[number].settle(by_partition[number], timestamp(message.timestamp()[1] * 1_000_000))
            self._next[number] = message.offset() + 1
            self._touched.add(number)

    def _commit(self, produced: Produced, *, flush: bool) -> None:
        """Write a batch and its offsets in one transaction; whatever fails in it ends the session."""
        self._at("before begin")
        self._producer.begin_transaction()
        try:
            self._write("verdicts", produced)
            self._at("verdicts produced")
            self._write_state(flush=flush)
            for message, error in self._dead:
                self._bury(message, error)
            self._at("state produced")
            self._producer.send_offsets_to_transaction(self._offsets(), self._metadata, _TRANSACTION_SECONDS)
            self._at("offsets sent")
            self._producer.commit_transaction(_TRANSACTION_SECONDS)
        except BaseException:
            self._producer.abort_transaction(_TRANSACTION_SECONDS)
            raise
        self._at("committed")
        self._touched.clear()
        self._dead.clear()

    def _write(self, topic: str, messages: Produced) -> None:
        if messages and self._producer.produce_batch(self._topics[topic], messages) < len(messages):
            failed = next(message["_error"] for message in messages if "_error" in message)
            raise KafkaException(failed)

    def _write_state(self, *, flush: bool) -> None:
        states, rows = [], []
        for number in self._partitions if flush else self._touched:
            partition = self._partitions[number]
            if flush:
                partition.sweep_when_due()
            state, activity_rows = partition.take(flush=flush)
            states += [{"key": key, "value": value, "partition": number} for key, value in state]
            rows += [
                {
                    "key": key,
                    "value": value,
                    "partition": partition_of(key.partition(b"|")[0], self._activity_partitions),
                }
                for key, value in activity_rows
            ]
        self._write("judge-state", states)
        self._write("activities", rows)
        if flush:
            self._flushed = time.monotonic()

    def _bury(self, message: Message, error: Invalid) -> None:
        place = f"{message.topic()}/{message.partition()}/{message.offset()}"
        letter = DeadLetter.of(
            stage="judge", process=self._name, place=place, error=error, data=message.value() or message.key() or b""
        )
        self._producer.produce(
            self._topics["deadletters"], key=letter.stage, value=encode_deadletter(letter), headers=headers_of(letter)
        )

    def _offsets(self) -> list[TopicPartition]:
        return [TopicPartition(self._topics["events"], number, self._next[number]) for number in self._touched]

    def _measure(self, events: int, started: float) -> None:
        count("events", events, process=self._name)
        count("batches", process=self._name)
        count("memo_misses", self._misses, process=self._name)
        count("memo_hits", max(0, events - self._misses), process=self._name)
        gauge("memo_bytes", sum(part.remembered_bytes for part in self._partitions.values()), process=self._name)
        observe("batch_seconds", time.monotonic() - started, process=self._name)
        self._misses = 0

    # The session

    def run(self, stopping: Callable[[], bool]) -> None:
        """Judge until ``stopping`` says so, then leave with everything committed."""
        while not stopping():
            self.step()
        self._commit([], flush=True)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Fetch nothing meanwhile; what was fetched and not judged is fetched again."""
        assigned = self._consumer.assignment()
        self._consumer.pause(assigned)
        try:
            yield
        finally:
            self._consumer.resume(assigned)

    def close(self) -> None:
        """Leave the group at once, so that others need not wait for a session timeout."""
        self._consumer.close()
        self._feed.close()
        self._producer.flush(0)
