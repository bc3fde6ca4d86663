"""How fast the judge is, as a ratio to the same loop that thinks nothing.

The floor consumes the same events and appends a constant of the same length under the same transactions. Both are measured in one
interleaved run, in events per CPU second of the whole process (librdkafka's threads included), so a busy machine slows both.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final, Self
from uuid import uuid4

import psutil

from deploy.bench.figure import Figure
from deploy.bench.load import ENTITIES, Load, example
from deploy.kafka import create_topics, delete_records, delete_topics
from schemas.codec import encode_event
from schemas.event import timestamp
from schemas.policyset import PolicySet
from schemas.settings import JudgeSettings, KafkaSettings, Settings
from streams.judge.batch import Batch, Produced
from streams.judge.contents import Contents
from streams.judge.envelopes import Envelopes
from streams.judge.judge import Judge
from streams.judge.memo import Limits
from streams.judge.partition import Partition
from streams.judge.policy import CompiledPolicies
from streams.kafka import Consumed

__all__ = ["EVENTS", "PARTITIONS", "ROUNDS", "Runner", "measure_judge", "measure_memory", "settings_for"]

PARTITIONS: Final = 8
EVENTS: Final = 100_000
ROUNDS: Final = 12
_NOVELTIES: Final = (0, 1, 10)
_WARM_EVENTS: Final = 20_000


@cache
def _constant() -> bytes:
    """Return as many bytes as the judge appends to an event of this load: facts and verdict."""
    partition = Partition(0, Contents(CompiledPolicies.compile(PolicySet.empty())), Limits(1, 1), 2**20, Envelopes())
    head = {"event.id": "load:0000:000000000001", "@timestamp": timestamp(0), "entity.id": "0" * 12}
    facts, activity = (encode_event(head | fields) for fields in example())
    partition.admit(b"0" * 12, facts)
    records, _ = partition.admit(b"0" * 12, activity)
    return b"x" * (len(records[0][1]) - len(activity))


class _Floor(Judge):
    """The judge's loop without a thought: the same clients, batches, transactions and as many bytes."""

    def _judge(self, messages: list[Consumed], produced: Produced) -> Batch:
        constant, latest = _constant(), dict[int, Consumed]()
        produced = {number: produced.get(number, []) for number in self._partitions}
        write = {number: records.append for number, records in produced.items()}
        for message in messages:
            value, key, number = message.value(), message.key(), message.partition()
            latest[number] = message
            write[number]({"value": value + constant, "key": key})
        return Batch(produced, latest)

    def _write_state(self, *, flush: bool) -> None:
        del flush


class Runner:
    """One judge (or floor) on topics of its own, which is measured whenever it is its turn; between its turns it has nothing to do."""

    def __init__(
        self,
        kind: type[Judge],
        bootstrap_servers: str,
        novel: int = 0,
        prepare: Callable[[Settings], None] = lambda _: None,
    ) -> None:
        """Start it and let it learn what is learned once (facts, the 200 activities); ``prepare`` is called when the topics are there."""
        self.events, self.cpu_seconds = 0, 0.0
        self._settings = settings_for(bootstrap_servers)
        self._load = _prepare(self._settings, novel)
        prepare(self._settings)
        self._load.send(_WARM_EVENTS)
        self._judge = kind(self._settings)
        _judge_all(self._judge, _WARM_EVENTS + ENTITIES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._judge.close()
        delete_topics(self._settings.kafka)

    def measure(self, events: int) -> None:
        """Measure from the first fetch of ``events`` more to their last commit."""
        with self._judge.paused():
            self._load.send(events)
        started = time.process_time()
        self.events += _judge_all(self._judge, events)
        self.cpu_seconds += time.process_time() - started

    @property
    def events_per_cpu_second(self) -> float:
        """Return the speed over all turns."""
        return self.events / self.cpu_seconds


def measure_judge(
    bootstrap_servers: str, *, events: int, rounds: int, progress: Callable[[str], None]
) -> Iterator[Figure]:
    """Yield ``judge_vs_floor_novel_0``, ``_1`` and ``_10``, and the absolute speeds: floor and judge take turns of ``events`` each."""
    for novel in _NOVELTIES:
        with Runner(_Floor, bootstrap_servers, novel) as floor, Runner(Judge, bootstrap_servers, novel) as judge:
            for number in range(rounds):
                progress(f"{novel} % novel, round {number + 1} of {rounds}")
                floor.measure(events)
                judge.measure(events)
            ratio = judge.events_per_cpu_second / floor.events_per_cpu_second
            yield Figure(f"judge_vs_floor_novel_{novel}", round(ratio, 3), "ratio")
            yield Figure(
                f"judge_events_per_cpu_second_novel_{novel}", round(judge.events_per_cpu_second), "events/CPU s"
            )


def measure_memory(bootstrap_servers: str, *, events: int, progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield how much the judge's memory grew from a tenth of ``events`` of the same activities to all of them."""
    settings = settings_for(bootstrap_servers)
    load = _prepare(settings, 0)
    portion, sizes = max(events // 20, 1), []
    judge = Judge(settings)
    try:
        for number in range(20):
            progress(f"{(number + 1) * portion} of {events} events")
            load.send(portion)
            _judge_all(judge, portion)
            delete_records(settings.kafka, ("events", "verdicts"))
            gc.collect()
            sizes.append(psutil.Process().memory_info().rss)
    finally:
        judge.close()
        delete_topics(settings.kafka)
    yield Figure("judge_memory_growth", round((max(sizes[-3:]) - max(sizes[:5])) / 2**20, 1), "MiB")
    yield Figure("judge_memory", round(sizes[-1] / 2**20, 1), "MiB")


def settings_for(bootstrap_servers: str) -> Settings:
    kafka = KafkaSettings(
        bootstrap_servers=bootstrap_servers, topic_prefix=f"bench-{uuid4().hex[:8]}.", partitions=PARTITIONS
    )
    return Settings(kafka=kafka, judge=JudgeSettings(batch_seconds=0.2))


def _prepare(settings: Settings, novel: int) -> Load:
    create_topics(settings.kafka)
    load = Load(settings.kafka, novel)
    load.send_facts()
    return load


def _judge_all(judge: Judge, events: int) -> int:
    judged = 0
    while judged < events:
        judged += judge.step()
    return judged
