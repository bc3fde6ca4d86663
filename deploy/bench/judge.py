"""How fast the judge is, as a ratio to the same loop that thinks nothing.

The floor consumes the same events and appends a constant of the same length under the same transactions. Both are measured in one
interleaved run, in events per CPU second of the whole process (librdkafka's threads included), so a busy machine slows both.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Final
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
from streams.judge.envelopes import Envelopes
from streams.judge.judge import Judge
from streams.judge.memo import Limits
from streams.judge.partition import Partition
from streams.judge.policy import CompiledPolicies
from streams.kafka import Consumed

__all__ = ["EVENTS", "PARTITIONS", "measure_judge", "measure_memory", "run_judge", "settings_for"]

PARTITIONS: Final = 8
EVENTS: Final = 300_000
_NOVELTIES: Final = (0, 1, 10)
_WARM_EVENTS: Final = 20_000


@cache
def _constant() -> bytes:
    """Return as many bytes as the judge appends to an event of this load: facts and verdict."""
    partition = Partition(0, CompiledPolicies.compile(PolicySet.empty()), Limits(1, 1), 2**20, Envelopes())
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


@dataclass(frozen=True, slots=True)
class _Speed:
    events: int
    cpu_seconds: float

    @property
    def events_per_cpu_second(self) -> float:
        return self.events / self.cpu_seconds


def measure_judge(
    bootstrap_servers: str, *, events: int, rounds: int, progress: Callable[[str], None]
) -> Iterator[Figure]:
    """Yield ``judge_vs_floor_novel_0``, ``_1`` and ``_10``: medians over ``rounds`` of ``events`` each, and the absolute speeds."""
    for novel in _NOVELTIES:
        ratios, speeds = [], []
        for number in range(rounds):
            progress(f"{novel} % novel, round {number + 1} of {rounds}")
            floor = run_judge(_Floor, bootstrap_servers, novel, events=events)
            judge = run_judge(Judge, bootstrap_servers, novel, events=events)
            ratios.append(judge.events_per_cpu_second / floor.events_per_cpu_second)
            speeds.append(judge.events_per_cpu_second)
        yield Figure(f"judge_vs_floor_novel_{novel}", round(median(ratios), 3), "ratio")
        yield Figure(f"judge_events_per_cpu_second_novel_{novel}", round(median(speeds)), "events/CPU s")


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


def run_judge(
    kind: type[Judge],
    bootstrap_servers: str,
    novel: int,
    *,
    events: int = EVENTS,
    prepare: Callable[[Settings], None] = lambda _: None,
) -> _Speed:
    """Measure from the first fetch to the last commit; what is learned once (facts, the 200 activities) is learned before.

    ``prepare`` is called when the topics are there, before the judge starts.
    """
    settings = settings_for(bootstrap_servers)
    load = _prepare(settings, novel)
    prepare(settings)
    load.send(_WARM_EVENTS)
    judge = kind(settings)
    try:
        _judge_all(judge, _WARM_EVENTS + ENTITIES)
        with judge.paused():
            load.send(events)
        started = time.process_time()
        judged = _judge_all(judge, events)
        return _Speed(judged, time.process_time() - started)
    finally:
        judge.close()
        delete_topics(settings.kafka)


def _judge_all(judge: Judge, events: int) -> int:
    judged = 0
    while judged < events:
        judged += judge.step()
    return judged
