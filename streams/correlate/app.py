"""One correlate worker: agents feed shards, a tick moves them, and what they return is written before more of theirs is taken."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import structlog
from faust.types import TP, Message, StreamT

from schemas.settings import Settings
from schemas.telemetry import Name as MetricName
from schemas.telemetry import count, observe
from schemas.topics import Name
from streams.applied import AppliedSets
from streams.correlate.chain import Chain
from streams.correlate.clock import BrokerClock
from streams.correlate.driver import App
from streams.correlate.part import Outcome, Part, appended_ms
from streams.correlate.restore import LIVE, STAGE, Restored, restore
from streams.correlate.types import MakeShard, Shard
from streams.restoring import Interrupted

__all__ = ["Correlator"]

_log = structlog.get_logger()
_POLL_SECONDS: Final = 0.05
_COUNTED: Final[Mapping[Name, MetricName]] = MappingProxyType(
    {"activities": "rows", "control": "decisions", "rule-hits": "hits"}
)


class Correlator:
    """A worker from its start to its end; several share the partitions of ``activities``, ``control`` and ``rule-hits``.

    At least once, and the same whatever dies: the state of a partition is a function of the topics, made anew from them on assignment. A
    partition that stays here in a rebalance keeps its state. The first error, wherever it comes up, ends the worker.
    """

    def __init__(self, settings: Settings, make: MakeShard, on_end: Callable[[], None]) -> None:
        """Read the policies in force; to be made in the running loop. ``on_end`` is called, by any thread, when the end begins."""
        self._settings = settings
        self._make = make
        self._on_end = on_end
        self._name = f"correlate-{settings.correlate.slot}"
        self._applied = AppliedSets(settings.kafka, self._name, lambda policies: policies, lambda rules: rules)
        self._clock = BrokerClock()
        self._parts: dict[int, Part] = {}
        self._generation = -1
        self._outcomes: Counter[tuple[Name, Outcome]] = Counter()
        self._error: BaseException | None = None
        self._ending = False
        self.beat = time.monotonic()
        self.unsettled_since: float | None = self.beat
        self._app = self._faust_app()

    def _faust_app(self) -> App:
        app = App(self._settings)
        takes: dict[Name, Callable[[Part, Message], Awaitable[Outcome]]] = {
            "activities": Part.take_row,
            "control": Part.take_decision,
            "rule-hits": Part.take_hit,
        }
        for name, take in takes.items():
            topic = app.topic(self._settings.kafka.topic(name), acks=False)
            app.agent(topic, name=name)(self._agent(name, take))
        app.on_partitions_revoked.connect(self._revoked)
        app.on_rebalance_complete.connect(self._assigned)
        return app

    # Records

    def _agent(
        self, name: Name, take: Callable[[Part, Message], Awaitable[Outcome]]
    ) -> Callable[[StreamT[Any]], Awaitable[None]]:
        async def feed(stream: StreamT[Any]) -> None:
            async for event in stream.events():
                try:
                    await self._feed(name, take, event.message)
                except Exception as error:  # noqa: BLE001 - it ends the process
                    # Faust would take the record for dealt with and go on behind it: it must not have the turn again.
                    self.fail(error)
                    await asyncio.Event().wait()

        return feed

    async def _feed(self, name: Name, take: Callable[[Part, Message], Awaitable[Outcome]], message: Message) -> None:
        part = self._parts.get(message.partition)
        outcome = await take(part, message) if part else "passed over"
        self._outcomes[name, outcome] += 1
        if outcome == "taken":
            self._clock.saw(appended_ms(message))

    # Partitions come and go

    async def _revoked(self, *_: Any, **__: Any) -> None:
        """Take and write nothing more: behind this another worker may have the partitions."""
        self.unsettled_since = time.monotonic()
        self._app.chains.clear()
        for part in self._parts.values():
            part.live = False
        for part in self._parts.values():
            await part.halt()

    async def _assigned(self, *_: Any, **__: Any) -> None:
        """Restore what is new, before Faust opens the partitions; the group is kept waiting by nothing of this."""
        grant = self._app.grant
        if grant is None:
            return

        def is_over() -> bool:
            return self._app.grant is not grant or self._ending

        numbers = self._assigned_numbers()
        self._keep(numbers if grant.generation == self._generation + 1 else set())
        self._generation = grant.generation
        try:
            await self._restore(sorted(numbers - self._parts.keys()), is_over)
        except Interrupted:
            return
        self._go_live()

    def _assigned_numbers(self) -> set[int]:
        """Return which partitions this worker has; of all topics the same ones."""
        assignment = self._app.consumer.assignment()
        found = [
            {place.partition for place in assignment if place.topic == self._settings.kafka.topic(name)}
            for name in LIVE
        ]
        if any(numbers != found[0] for numbers in found):
            raise RuntimeError(f"partitions of {' and '.join(LIVE)} do not go together: {sorted(assignment)}")
        return found[0]

    def _keep(self, numbers: set[int]) -> None:
        """Drop the state of other partitions: who has had them meanwhile may have moved it."""
        self._parts = {number: part for number, part in self._parts.items() if number in numbers}

    async def _restore(self, numbers: list[int], is_over: Callable[[], bool]) -> None:
        if not numbers:
            return
        started, applied = time.monotonic(), self._applied.current

        def make(number: int) -> Shard:
            shard = self._make(number, applied.policies)
            shard.adopt_rules(applied.rules)
            return shard

        restored = await asyncio.to_thread(
            restore, self._settings.kafka, self._name, numbers, make, is_over, self._progressed
        )
        for one in restored.values():
            if one.records or one.letters:
                await asyncio.to_thread(one.output.write, one.records, one.letters)
        if is_over():
            raise Interrupted
        self._parts |= {number: Part(self._name, one, applied) for number, one in restored.items()}
        self._measure_restore(restored, time.monotonic() - started)

    def _progressed(self) -> None:
        self.unsettled_since = time.monotonic()

    def _go_live(self) -> None:
        kafka = self._settings.kafka
        for number, part in self._parts.items():
            part.live = True
            self._app.chains[TP(kafka.topic("activities"), number)] = part.rows
            self._app.chains[TP(kafka.topic("control"), number)] = part.decisions
            self._app.chains[TP(kafka.topic("rule-hits"), number)] = part.hits
        self.unsettled_since = None
        _log.info("partitions assigned", worker=self._name, partitions=sorted(self._parts))

    # What the watchdog asks, from its thread

    def places(self) -> Mapping[tuple[Name, int], Chain]:
        """Return the chains of all partitions that are read now."""
        parts = dict(self._parts)
        chains: dict[tuple[Name, int], Chain] = {("activities", number): part.rows for number, part in parts.items()}
        chains |= {("control", number): part.decisions for number, part in parts.items()}
        return chains | {("rule-hits", number): part.hits for number, part in parts.items()}

    def fail(self, error: BaseException) -> None:
        """End the worker with an error; the first one counts. Any thread may call it."""
        if self._error is None:
            self._error = error
            _log.error("worker fails", worker=self._name, exc_info=error)
            self._on_end()

    # From start to end

    async def run(self, stopping: Callable[[], bool]) -> None:
        """Work until ``stopping``, then leave the group; raise what ended the worker otherwise."""
        tasks = [asyncio.create_task(self._app.start()), asyncio.create_task(self._tick_for_ever())]
        for task in tasks:
            task.add_done_callback(self._ended)
        try:
            while not (stopping() or self._has_failed()):
                self.beat = time.monotonic()
                await asyncio.sleep(_POLL_SECONDS)
        finally:
            await self._end(tasks)
        if self._error is not None:
            raise self._error

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not (self._ending or task.cancelled()) and (error := task.exception()):
            self.fail(error)

    def _has_failed(self) -> bool:
        if self._app.crashed:
            self.fail(self._app.crash_reason or RuntimeError("Faust has crashed without a reason"))
        return self._error is not None

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._settings.correlate.tick_seconds)
            started = time.monotonic()
            applied, now_ms = self._applied.poll(), self._clock.now_ms()
            await asyncio.gather(*(part.tick(applied, now_ms) for part in self._parts.values()))
            observe("tick_seconds", time.monotonic() - started, process=self._name)
            self._measure()

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        """Finish what is being written, leave the group so that others need not wait for a session timeout, and end all tasks."""
        self._ending = True
        self._on_end()
        await self._revoked()
        await self._app.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._applied.close()
        self._measure()

    # Metrics, added up between two ticks

    def _measure(self) -> None:
        outcomes, self._outcomes = self._outcomes, Counter()
        for (name, outcome), number in outcomes.items():
            if outcome == "passed over":
                count("dropped", number, process=self._name, reason="not due")
            else:
                count(_COUNTED[name], number, process=self._name)
            if outcome == "dead":
                count("deadletters", number, process=self._name, stage=STAGE)
        for part in self._parts.values():
            for reason, number in part.dropped().items():
                count("dropped", number, process=self._name, reason=reason)

    def _measure_restore(self, restored: Mapping[int, Restored], seconds: float) -> None:
        rows = sum(one.rows for one in restored.values())
        letters = sum(len(one.letters) for one in restored.values())
        observe("restore_seconds", seconds, process=self._name)
        count("deadletters", letters, process=self._name, stage=STAGE)
        _log.info(
            "partitions restored", worker=self._name, partitions=sorted(restored), rows=rows, seconds=round(seconds, 3)
        )
