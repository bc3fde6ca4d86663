"""Running a correlate worker in this process: until it is told to stop, or until its first error, which ends the process."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from threading import Lock, Timer
from typing import Final

import structlog
from confluent_kafka import Consumer

from schemas.errors import ConfigurationError
from schemas.settings import KafkaSettings, Settings
from schemas.topics import Name
from streams.correlate.app import Correlator
from streams.correlate.restore import LIVE
from streams.correlate.types import MakeShard
from streams.correlate.watchdog import Watchdog
from streams.kafka import reader

__all__ = ["run"]

_log = structlog.get_logger()
_TIMEOUT_SECONDS: Final = 30.0
_FAILED: Final = 1
_LIBRARIES: Final = ("faust", "mode", "aiokafka", "asyncio")


def run(
    settings: Settings, stopping: Callable[[], bool], make: MakeShard, *, halt: Callable[[int], object] = os._exit
) -> None:
    """Correlate until ``stopping``; whatever goes wrong is raised, for the process to be started again and restore everything.

    An end that takes longer than ``correlate.end_seconds`` is cut short by ``halt``, so that no thread or task of a library can keep the
    process: nothing is lost by it.
    """
    _check_topics(settings)
    _route_logs()
    deadline = _Deadline(settings.correlate.end_seconds, halt)
    try:
        asyncio.run(_serve(settings, stopping, make, deadline.start))
    finally:
        deadline.cancel()


async def _serve(settings: Settings, stopping: Callable[[], bool], make: MakeShard, on_end: Callable[[], None]) -> None:
    correlator = Correlator(settings, make, on_end)
    with Watchdog(settings, correlator):
        await correlator.run(stopping)


class _Deadline:
    """By when a worker that ends must have ended."""

    def __init__(self, seconds: float, halt: Callable[[int], object]) -> None:
        self._halt = halt
        self._timer = Timer(seconds, self._cut_short)
        self._timer.daemon = True
        self._once = Lock()

    def start(self) -> None:
        """Begin to count, when first called; any thread may do so."""
        if self._once.acquire(blocking=False):
            self._timer.start()

    def cancel(self) -> None:
        """Forget it."""
        self._timer.cancel()

    def _cut_short(self) -> None:
        _log.error("end cut short", seconds=self._timer.interval)
        self._halt(_FAILED)


def _check_topics(settings: Settings) -> None:
    """Refuse topics that cannot be shared out together."""
    consumer = reader(settings.kafka, f"correlate-{settings.correlate.slot}-topics")
    try:
        counts = {
            name: _partition_count(consumer, settings.kafka, name)
            for name in (*LIVE, "baselines", "shared-facts", "alerts", "findings")
        }
    finally:
        consumer.close()
    if len(set(counts.values())) > 1:
        raise ConfigurationError(
            f"topics must have as many partitions as each other, but there are {counts}; set kafka.topic_prefix to begin anew"
        )


def _partition_count(consumer: Consumer, kafka: KafkaSettings, name: Name) -> int:
    topic = kafka.topic(name)
    found = consumer.list_topics(topic, timeout=_TIMEOUT_SECONDS).topics[topic]
    if found.error:
        raise ConfigurationError(f"topic {topic}: {found.error.str()}; create the topics with `tidewaiter up`")
    return len(found.partitions)


class _Passing(logging.Handler):
    """Passes what libraries log to our own log."""

    def emit(self, record: logging.LogRecord) -> None:
        _log.log(record.levelno, "library", logger=record.name, said=record.getMessage(), exc_info=record.exc_info)


def _route_logs() -> None:
    """Let warnings of Faust and what is below it be logged as ours are, and nothing less."""
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        library.setLevel(logging.WARNING)
        library.propagate = False
        library.handlers = [_Passing()]
