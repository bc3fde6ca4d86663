"""The judge's loop: consume, judge, produce, commit, in one Kafka transaction a batch.

Exactly once: verdicts, state, rows, dead letters and the consumed offsets are committed together or not at all. Crash-only: after an
abort, a fencing error or a lost partition nothing is rolled back; the session ends and the next one restores everything.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from schemas.deadletter import DeadLetter, encode_deadletter, headers_of
from schemas.errors import ConfigurationError, Invalid
from schemas.event import now
from schemas.settings import Settings
from schemas.telemetry import count, gauge, observe
from schemas.topics import partition_of
from streams.applied import AppliedSets
from streams.baseline.seen import is_gap
from streams.judge.baselines import BaselineFeed, Moved
from streams.judge.batch import Batch, Produced, judge_batch
from streams.judge.contents import Contents
from streams.judge.correlated import FindingFeed, tell_findings
from streams.judge.envelopes import Envelopes
from streams.judge.joins import Joins
from streams.judge.memo import Limits, principal_of_row
from streams.judge.partition import Partition
from streams.judge.policy import CompiledPolicies
from streams.judge.restore import restore
from streams.judge.rules import RulesInForce
from streams.judge.shared import SharedFeed, Told
from streams.judge.state import StateReader
from streams.judge.told import tell_facts, tell_life
from streams.judge.types import Output
from streams.kafka import Consumed, consume, group_consumer, is_fenced, transactional_producer

__all__ = ["Judge"]

_log = structlog.get_logger()
_TRANSACTION_SECONDS: Final = 30.0
_STAGE: Final = "judge"


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
            name: kafka.topic(name)
            for name in ("events", "verdicts", "judge-state", "activities", "rule-hits", "kpi", "deadletters")
        }
        self._limits = Limits(settings.judge.live_activities, settings.judge.new_rows_a_second)
        self._envelopes = Envelopes()
        self._partitions: dict[int, Partition] = {}
        self._next: dict[int, int] = {}
        self._gone: dict[int, tuple[int, int]] = {}
        self._metadata: Any = None
        self._closing = False
        self._flushed = time.monotonic()
        self._touched: set[int] = set()
        self._untold: Moved = {}
        self._untold_subjects: set[str] = set()
        self._producer: Producer = transactional_producer(kafka, f"{kafka.topic_prefix}{self._name}")
        self._producer.init_transactions(_TRANSACTION_SECONDS)
        self._applied = AppliedSets(kafka, self._name, CompiledPolicies.compile, RulesInForce.compile)
        self._baselines = BaselineFeed(kafka, self._name)
        self._shared = SharedFeed(kafka, self._name)
        self._findings = FindingFeed(kafka, self._name)
        self._consumer: Consumer = group_consumer(kafka, f"{kafka.topic_prefix}judge", self._name)
        self._activity_partitions = _partition_count(self._consumer, self._topics["activities"])
        self._event_partitions = _partition_count(self._consumer, self._topics["events"])
        self._hit_partitions = _partition_count(self._consumer, self._topics["rule-hits"])
        self._consumer.subscribe(
            [self._topics["events"]], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )

    # Partitions come and go, only inside consume()

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._closing:  # an assignment on its way is given back
            return
        # Taken here and used until the next assignment: with fresher metadata a judge could commit partitions it has lost.
        self._metadata = consumer.consumer_group_metadata()
        restored = restore(self._settings.kafka, consumer, self._name, [place.partition for place in partitions])
        for place in partitions:
            found = restored[place.partition]
            self._partitions[place.partition] = self._restored(place.partition, found.state, len(partitions))
            self._next[place.partition] = place.offset = found.offset
            if found.gone:
                self._gone[place.partition] = found.gone
        self._follow_findings()
        consumer.assign(partitions)
        _log.info("partitions assigned", judge=self._name, partitions=sorted(self._partitions))

    def _restored(self, number: int, state: StateReader, sharing: int) -> Partition:
        """Return a partition as it was left; the memo's bytes are shared among all of this judge."""
        memo_bytes = self._settings.judge.memo_bytes // sharing
        applied = self._applied.current
        contents = Contents(applied.policies, self._baselines.current, Joins(self._shared.current), applied.rules)
        partition = Partition(
            number, contents, self._limits, memo_bytes, self._envelopes, partitions=self._event_partitions
        )
        partition.restore(state)
        self._untold |= dict.fromkeys(self._baselines.current.principals(), False)
        self._untold_subjects |= self._shared.current.subjects()
        return partition

    def _revoked(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        for place in partitions:
            for table in (self._partitions, self._next, self._gone):
                table.pop(place.partition, None)
        self._follow_findings()
        _log.info("partitions revoked", judge=self._name, partitions=sorted(place.partition for place in partitions))

    def _follow_findings(self) -> None:
        self._findings.follow({number: part.ledger.marks.findings for number, part in self._partitions.items()})

    # One batch

    def step(self) -> int:
        """Judge one batch in one transaction; return how many events it had. Waits ``batch_seconds`` for the first one."""
        settings = self._settings.judge
        messages = consume(self._consumer, settings.batch_events, settings.batch_seconds)
        started = time.monotonic()
        flush = started - self._flushed >= settings.flush_seconds
        announced = self._announce()
        if (
            not messages
            and not announced
            and not (flush and any(part.ledger.pending for part in self._partitions.values()))
        ):
            return 0
        batch = self._judge(messages, announced)
        self._commit(batch, flush=flush)
        self._measure(batch, len(messages), started)
        return len(messages)

    def _announce(self) -> Produced:
        """Return adoptions and gaps that must stand in a partition before its next event."""
        produced: Produced = {}
        applied, moved, names = self._applied.poll(), self._baselines.poll(), self._shared.poll()
        changed = {principal for principal, decides in moved.items() if decides}
        steps, facts, found = self._steps(moved), self._facts(names), self._findings.poll()
        for number, partition in self._partitions.items():
            records = partition.adoptions.policies(applied.policies, self._next[number], now())
            records += partition.adoptions.rules(applied.rules, self._next[number], now())
            records += partition.adoptions.baselines(changed, self._next[number], now())
            records += partition.adoptions.shared_facts(names, self._next[number], now())
            records += steps.get(number, [])
            records += [record for told in facts.get(number, ()) for record in tell_facts(told, partition)]
            records += tell_findings(found.get(number, ()), partition)
            if records or number in self._gone:
                self._touched.add(number)
            if number in self._gone:
                records += partition.note_gap(*self._gone.pop(number), now())
                count("gaps", process=self._name, cause="events deleted before they were judged")
            if records:
                produced[number] = [{"key": key, "value": value} for key, value in records]
        return produced

    def _steps(self, moved: Moved) -> dict[int, Output]:
        """Return what must be told of the lives of baselines: the partition that a principal's own hash names tells it."""
        steps: dict[int, Output] = {}
        self._untold |= moved
        for principal in self._untold if self._partitions else ():
            number = partition_of(principal.encode(), self._event_partitions)
            profile = self._baselines.current.profile(principal) if number in self._partitions else None
            if profile is not None:
                steps[number] = steps.get(number, []) + tell_life(profile, self._partitions[number].ledger)
        self._untold.clear()
        return steps

    def _facts(self, names: Iterable[str]) -> dict[int, list[Told]]:
        """Return what may have to be told of images and secrets, by the partition that the name of each hashes to."""
        facts: dict[int, list[Told]] = defaultdict(list)
        self._untold_subjects |= self._shared.current.subjects_named(names)
        for subject in sorted(self._untold_subjects) if self._partitions else ():
            number = partition_of(subject.encode(), self._event_partitions)
            told = self._shared.current.told(subject) if number in self._partitions else None
            if told is not None:
                facts[number].append(told)
        self._untold_subjects.clear()
        return facts

    def _judge(self, messages: list[Consumed], produced: Produced) -> Batch:
        return judge_batch(messages, self._partitions, self._envelopes, produced)

    def _commit(self, batch: Batch, *, flush: bool) -> None:
        """Write a batch and its offsets in one transaction; whatever fails in it ends the session."""
        for number, message in batch.latest.items():
            self._next[number] = message.offset() + 1
        self._touched.update(self._partitions if flush else batch.latest)
        self._at("before begin")
        self._producer.begin_transaction()
        try:
            self._write_all(batch, flush=flush)
            self._producer.commit_transaction(_TRANSACTION_SECONDS)
        except BaseException:
            self._abort()
            raise
        self._at("committed")
        self._touched.clear()

    def _abort(self) -> None:
        """Abort if that is still possible; the failure that led here says more than one of the abort, unless that tells of a fence."""
        try:
            self._producer.abort_transaction(_TRANSACTION_SECONDS)
        except KafkaException as error:
            if is_fenced(error):
                raise
            _log.warning("transaction not aborted", judge=self._name, error=str(error))

    def _write_all(self, batch: Batch, *, flush: bool) -> None:
        self._write("verdicts", batch.produced)
        self._at("verdicts produced")
        self._write_state(flush=flush)
        for message, error in batch.dead:
            self._bury(message, error)
        self._at("state produced")
        self._producer.send_offsets_to_transaction(self._offsets(), self._metadata, _TRANSACTION_SECONDS)
        self._at("offsets sent")

    def _write(self, topic: str, produced: Produced) -> None:
        for number, messages in produced.items():
            if messages and self._producer.produce_batch(self._topics[topic], messages, number) < len(messages):
                raise KafkaException(next(message["_error"] for message in messages if "_error" in message))

    def _write_state(self, *, flush: bool) -> None:
        states: Produced = {}
        figures: Produced = {}
        rows: Produced = defaultdict(list)
        hits: Produced = defaultdict(list)
        for number in self._touched:
            partition = self._partitions[number]
            if flush:
                partition.entities.sweep_when_due()
            state, activity_rows = partition.take(flush=flush)
            states[number] = [{"key": key, "value": value} for key, value in state]
            figures[number] = [{"key": key, "value": value} for key, value in partition.ledger.take_figures()]
            for key, value in activity_rows:
                for place in self._places_of(key, value):
                    rows[place].append({"key": key, "value": value})
            for hit in partition.ledger.take_hits():
                place = partition_of(hit.key, self._hit_partitions)
                hits[place].append({"key": hit.key, "value": hit.encode()})
        self._write("judge-state", states)
        self._write("kpi", figures)
        self._write("activities", rows)
        self._write("rule-hits", hits)
        if flush:
            self._flushed = time.monotonic()

    def _places_of(self, key: bytes, value: bytes | None) -> Iterable[int]:
        """Return the partitions of a row: its principal's; all of them for a gap in telemetry, which concerns everyone who learns."""
        if is_gap(value):
            return range(self._activity_partitions)
        return (partition_of(principal_of_row(key), self._activity_partitions),)

    def _bury(self, message: Consumed, error: Invalid) -> None:
        place = f"{message.topic()}/{message.partition()}/{message.offset()}"
        letter = DeadLetter.of(
            stage=_STAGE, process=self._name, place=place, error=error, data=message.value() or message.key() or b""
        )
        self._producer.produce(
            self._topics["deadletters"], key=letter.stage, value=encode_deadletter(letter), headers=headers_of(letter)
        )

    def _offsets(self) -> list[TopicPartition]:
        """Return where to go on in every partition whose state is written: Kafka refuses those of a judge that has lost one."""
        return [TopicPartition(self._topics["events"], number, self._next[number]) for number in self._touched]

    def _measure(self, batch: Batch, events: int, started: float) -> None:
        count("events", events, process=self._name)
        count("batches", process=self._name)
        count("memo_misses", batch.misses, process=self._name)
        count("memo_hits", events - batch.misses - len(batch.dead), process=self._name)
        count("deadletters", len(batch.dead), process=self._name, stage=_STAGE)
        gauge(
            "memo_bytes", sum(part.contexts.remembered_bytes for part in self._partitions.values()), process=self._name
        )
        observe("batch_seconds", time.monotonic() - started, process=self._name)

    # The session

    def run(self, stopping: Callable[[], bool]) -> None:
        """Judge until ``stopping`` says so, then leave with everything committed."""
        while not stopping():
            self.step()
        if self._partitions:
            self._commit(Batch({}), flush=True)

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
        self._closing = True
        self._consumer.close()
        self._applied.close()
        self._baselines.close()
        self._shared.close()
        self._findings.close()
