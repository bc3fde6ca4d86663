"""The collector: records of an origin through a format into Kafka, each exactly once.

One cycle gathers a batch (by count, bytes and age) and commits it in one transaction: events, dead letters, and on the
topic ``collectors`` the position in the source, the records that the format still holds, and the next number of each
partition. A transaction is opened only once its batch is ready. After any failure the process ends and the next one
starts from what was committed; there is no rollback code.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import structlog

from producers.batch import Batch, Collected
from producers.ledger import Ledger, Message
from producers.normalise import flushed, outcomes_of
from producers.numbers import Numbers
from producers.origins.spooled import Enrich
from producers.own import gap_event, heartbeat_event
from producers.repeats import Repeats
from producers.state import State, decode_state, encode_state
from producers.types import Format, Gap, Origin, Outcome, Position, Record
from schemas.codec import Event, encode_event
from schemas.deadletter import DeadLetter, encode_deadletter, headers_of
from schemas.errors import Drop, Invalid
from schemas.event import now, validate_event
from schemas.fields import ECS_VERSION
from schemas.settings import CollectorSettings
from schemas.topics import partition_of

__all__ = ["REPEATED_FACTS", "Collector"]

REPEATED_FACTS: Final = "repeated facts"
MAX_EVENT_BYTES: Final = 900_000
"""A Kafka broker takes records of about a megabyte by default."""

_IDLE_SECONDS: Final = 0.2
"""How long a read may block while nothing comes, so that a stop and held records are not kept waiting."""

_log = structlog.get_logger(__name__)


class Collector:
    """Runs one origin through one format into one ledger.

    Exactly once: what ``ledger`` commits together with a position is never sent again and never left out, whatever dies.
    ``max_record_bytes`` is the longest record that is parsed; a longer one becomes a dead letter. ``outline`` returns what a
    dead letter may keep of records that may hold secrets; without it, it keeps their bytes.
    """

    def __init__(
        self,
        collector_id: str,
        origin: Origin,
        format_: Format,
        ledger: Ledger,
        settings: CollectorSettings,
        *,
        max_record_bytes: int,
        enrich: Enrich | None = None,
        outline: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self.collected = Collected()
        self._id = collector_id
        self._origin = origin
        self._format = format_
        self._ledger = ledger
        self._settings = settings
        self._max_record_bytes = max_record_bytes
        self._enrich = enrich
        self._outline = outline
        self._repeats = Repeats(settings.facts_remembered)
        self._held: dict[int, Record] = {}
        self._position: Position | None = None
        self._batch = Batch()
        self._created = now()
        self._next_heartbeat = 0.0
        self._ended = False
        self._stopping = False

    def stop(self) -> None:
        """Ask ``run`` to commit what it has and return; may be called from a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Collect until the origin ends or ``stop`` is called; everything that was read is committed by then.

        Raises ``ConfigurationError`` if it cannot start and ``DeliveryError`` if another copy of it has started.
        """
        try:
            self._open()
            while not (self._ended or self._stopping):
                self._gather()
                self._commit()
            self._finish()
        finally:
            self._ledger.close()
            self._origin.close()

    def _open(self) -> None:
        value = self._ledger.open()
        state = State() if value is None else decode_state(value)
        self._numbers = Numbers(self._id, self._ledger.partitions, state.numbers)
        self._position = state.position
        self._origin.open(state.position)
        for record in state.held:
            self._parse(record)
        _log.info("collector started", collector=self._id, position=state.position, held=len(state.held))

    def _gather(self) -> None:
        while not self._full():
            self._created = now()
            for item in self._read():
                self._take(item)
            self._settle(flushed(self._format, final=self._ended))
            self._release()
            if self._batch.started is None and self._batch.messages:
                self._batch.started = time.monotonic()
            if self._ended or self._stopping or self._due():
                break

    def _read(self) -> Sequence[Record | Gap]:
        try:
            return self._origin.read(self._settings.batch_events, self._patience())
        except EOFError:
            self._ended = True
            return ()

    def _patience(self) -> float:
        if self._batch.started is None:
            return _IDLE_SECONDS
        return min(_IDLE_SECONDS, max(0.0, self._batch.started + self._settings.batch_seconds - time.monotonic()))

    def _full(self) -> bool:
        batch, settings = self._batch, self._settings
        return batch.records >= settings.batch_events or batch.size >= settings.batch_bytes

    def _due(self) -> bool:
        started, clock = self._batch.started, time.monotonic()
        too_old = started is not None and clock >= started + self._settings.batch_seconds
        return too_old or clock >= self._next_heartbeat

    def _take(self, item: Record | Gap) -> None:
        if self._batch.started is None:
            self._batch.started = time.monotonic()
        if isinstance(item, Gap):
            self._report(item)
            return
        self._position = item.position
        self._batch.records += 1
        self._parse(self._enrich(item) if self._enrich else item)

    def _report(self, gap: Gap) -> None:
        _log.warning("telemetry is missing", collector=self._id, cause=gap.cause, first=gap.first, last=gap.last)
        self._position = gap.position or self._position
        self._batch.gaps[gap.cause] += 1
        event = gap_event(self._id, gap)
        self._say(event, partition_of(event["entity.id"].encode(), self._ledger.partitions))

    def _parse(self, record: Record) -> None:
        if len(record.data) > self._max_record_bytes:
            self._refuse(Invalid(f"longer than {self._max_record_bytes} bytes"), (record,))
            return
        self._held[id(record)] = record
        self._settle(outcomes_of(self._format, record))

    def _settle(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            for record in outcome.records:
                self._held.pop(id(record), None)
            if isinstance(outcome.result, Drop):
                self._batch.dropped[str(outcome.result)] += 1
            elif isinstance(outcome.result, Invalid):
                self._refuse(outcome.result, outcome.records)
            else:
                self._send(outcome.result, outcome.records)

    def _release(self) -> None:
        """Forget what the format has let go of; make it let go if what it holds does not fit beside the position."""
        if self._held and self._format.held is None:
            self._held.clear()
        if sum(len(record.data) for record in self._held.values()) > self._settings.held_bytes:
            self._settle(flushed(self._format, final=True))
            self._held.clear()

    def _send(self, event: Event, records: tuple[Record, ...]) -> None:
        try:
            whole = self._completed(event)
            partition = partition_of(whole["entity.id"].encode(), self._ledger.partitions)
            encoded = self._encoded(whole, partition)
        except Invalid as error:
            self._refuse(error, records)
            return
        if self._repeats.repeated(whole, encoded):
            self._batch.dropped[REPEATED_FACTS] += 1
            return
        self._add(whole, encoded, partition)
        self._batch.events += 1

    def _say(self, event: Event, partition: int) -> None:
        whole = self._completed(event)
        self._add(whole, self._encoded(whole, partition), partition)
        self._batch.own += 1

    def _completed(self, event: Event) -> Event:
        whole = event | {"event.id": self._id, "event.created": self._created, "ecs.version": ECS_VERSION}
        validate_event(whole)
        return whole

    def _encoded(self, event: Event, partition: int) -> bytes:
        event["event.id"] = self._numbers.event_id(partition)
        encoded = encode_event(event)
        if len(encoded) > MAX_EVENT_BYTES:
            raise Invalid(f"its event has {len(encoded)} bytes, more than the {MAX_EVENT_BYTES} that Kafka takes")
        return encoded

    def _add(self, event: Event, encoded: bytes, partition: int) -> None:
        self._numbers.advance(partition)
        self._batch.add(Message("events", event["entity.id"].encode(), encoded, partition))

    def _refuse(self, error: Invalid, records: tuple[Record, ...]) -> None:
        data = b"\n".join(record.data for record in records)
        letter = DeadLetter.of(
            stage="parse",
            process=self._id,
            place=records[0].place if records else "",
            error=error,
            data=self._outline(data) if self._outline else data,
        )
        self._batch.add(Message("deadletters", b"parse", encode_deadletter(letter), 0, headers_of(letter)))
        self._batch.deadletters += 1

    def _beat(self) -> None:
        self._created = now()
        for partition in range(self._ledger.partitions):
            self._say(heartbeat_event(self._id, self._numbers.last(partition)), partition)
        self._next_heartbeat = time.monotonic() + self._settings.heartbeat_seconds

    def _commit(self) -> None:
        if time.monotonic() >= self._next_heartbeat:
            self._beat()
        batch, self._batch = self._batch, Batch()
        if not (batch.messages or batch.records):
            return
        started = time.monotonic() if batch.started is None else batch.started
        state = State(self._position, tuple(self._held.values()), self._numbers.snapshot())
        batch.add(Message("collectors", self._id.encode(), encode_state(state)))
        self._ledger.commit(batch.messages)
        if self._position is not None:
            self._origin.acknowledge(self._position)
        batch.count(self._id, time.monotonic() - started)
        self.collected.add(batch)

    def _finish(self) -> None:
        """Commit what is left, with a last heartbeat: it says where the numbers end."""
        self._next_heartbeat = 0.0
        self._commit()
        done = self.collected
        _log.info(
            "collector ended", collector=self._id, records=done.records, events=done.events, dropped=dict(done.dropped)
        )
