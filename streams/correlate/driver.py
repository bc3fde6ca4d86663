"""Faust with a driver that reads what is committed, begins where the restore ended, and commits nothing.

Faust gives what it is good for: membership of the group, partitions of ``activities`` and ``control`` that go together, agents. What it
is known to get wrong is taken from it:

* Under at_least_once it reads uncommitted records; here the isolation level is set when its consumer is made.
* It goes on from committed offsets, which an exception moves past the record that raised it; here no offset is committed, and a partition
  is held shut from the moment of its assignment until it is opened at the ``position`` of its ``Chain``.
* It drops records in every rebalance and remembers what it read by offset, which can drop more; here the chain says what is due.
* A worker that fetches nothing for long, for want of partitions, leaves the group and never comes back; here it may wait for years.
* Its settings give way to any variable of the environment that has the right name; here it sees none.
* Its assignor that keeps topics together is only used where there are tables or ``table_standby_replicas``, which is why that is set.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import faust
from faust.app.base import BootStrategy
from faust.sensors import Sensor
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import ServiceT

from schemas.settings import Settings
from streams.correlate.chain import Chain
from streams.correlate.security import credentials_of

__all__ = ["App", "Grant"]

_REQUEST_SECONDS: Final = 40.0
_YEARS_SECONDS: Final = 10.0 * 365 * 24 * 3600
_MAX_FETCH_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Grant:
    """That this worker has the partitions which Faust says it has, until they are revoked; each is equal to itself alone."""

    generation: int


class _NothingRead(dict[TP, int | None]):
    """What Faust has read of each partition, by which it would drop what it takes for old: it never knows."""

    def __missing__(self, key: TP) -> None:
        return None

    def __setitem__(self, key: TP, value: int | None) -> None:
        """Forget it."""


class _Listener(driver.ConsumerRebalanceListener):
    async def on_partitions_assigned(self, assigned: Iterable[TP]) -> None:
        hold(self._thread, assigned)
        await super().on_partitions_assigned(assigned)


def hold(thread: driver.AIOKafkaConsumerThread, assigned: Iterable[TP]) -> None:
    """Fetch nothing of partitions until they are opened, and spare the look for committed offsets.

    Runs in the consumer's loop in one go, before anything can have been fetched from the new assignment.
    """
    consumer = thread._ensure_consumer()  # noqa: SLF001 - the driver's own way to it
    consumer.pause(*assigned)
    for place in assigned:
        consumer.seek(place, 0)


class _Thread(driver.AIOKafkaConsumerThread):
    app: App

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - Faust has no setting for it
        return consumer

    async def _fetch_records(self, *arguments: Any, **options: Any) -> Any:
        """Note what is fetched, in the same step in which it is taken from the buffer, so that no seek comes between."""
        records = await super()._fetch_records(*arguments, **options)
        for place, found in records.items():
            chain = self.app.chains.get(TP(place.topic, place.partition))
            if chain:
                chain.fetched(record.offset for record in found)
        return records

    async def open(self) -> None:
        """Let every partition that has a chain, and is assigned, be fetched from its position."""
        await self.call_thread(self._open)

    async def _open(self) -> None:
        consumer = self._ensure_consumer()
        for place in consumer.assignment():
            chain = self.app.chains.get(TP(place.topic, place.partition))
            if chain:
                consumer.seek(place, chain.position)
                chain.restart()
                consumer.resume(place)


class _Consumer(driver.Consumer):
    RebalanceListener = _Listener
    app: App
    _thread: _Thread

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._read_offset = _NothingRead()

    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let nothing that was begun for an earlier grant go on."""
        self.app.grant = None
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Say for which generation of the group the partitions are granted, before anything is begun for it."""
        self.app.grant = Grant(generation_id)
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Go on where the chains stand; Faust calls it behind every rebalance, and where it has dropped what it had fetched."""
        await self._thread.open()

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Leave it to the watchdog, which knows what can be read."""


class _Transport(driver.Transport):
    Consumer = _Consumer


class _Boot(BootStrategy):
    enable_kafka_producer = False
    enable_web = False


class App(faust.App):
    """A Faust application that feeds agents from ``chains``, by topic and partition; see the module for what is different."""

    BootStrategy = _Boot

    def __init__(self, settings: Settings, **options: Any) -> None:
        self.chains: dict[TP, Chain] = {}
        self.grant: Grant | None = None
        kafka, limits = settings.kafka, settings.correlate
        super().__init__(
            f"{kafka.topic_prefix}correlate",
            env={},
            loop=asyncio.get_running_loop(),
            autodiscover=False,
            broker=[f"kafka://{server.strip()}" for server in kafka.bootstrap_servers.split(",")],
            broker_client_id=f"correlate-{limits.slot}",
            broker_credentials=credentials_of(kafka),
            broker_request_timeout=_REQUEST_SECONDS,
            broker_session_timeout=limits.session_seconds,
            broker_heartbeat_interval=limits.session_seconds / 5,
            broker_max_poll_interval=_YEARS_SECONDS,
            broker_rebalance_timeout=limits.settle_seconds / 2,
            consumer_auto_offset_reset="none",
            consumer_max_fetch_size=_MAX_FETCH_BYTES,
            key_serializer="raw",
            value_serializer="raw",
            processing_guarantee="at_least_once",
            stream_buffer_maxsize=limits.buffered_rows,
            stream_recovery_delay=0.0,
            stream_wait_empty=True,
            table_standby_replicas=1,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            **options,
        )

    def on_init_dependencies(self) -> Iterable[ServiceT]:
        """Start without Faust's monitor, which measures every event; some sensor there must be."""
        self.sensors.add(Sensor())
        return self.boot_strategy.server()

    def _new_transport(self) -> driver.Transport:
        return _Transport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """Make none: there are no tables."""
