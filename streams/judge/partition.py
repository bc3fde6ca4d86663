"""The pure heart of the judge: one partition of events, its entities, contexts and counts.

``Partition`` is fed raw events in the order of offsets and says what to write; it knows no Kafka and reads no clock. The loop in
``streams.judge.batch`` serves what the memo knows by itself and calls ``admit`` for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from schemas.codec import ACTIVITY_MARK, Event, dumps, encode_event, loads, suffix
from schemas.facts import HEARTBEAT, is_facts
from streams.judge import records
from streams.judge.adoptions import Adoptions
from streams.judge.amendments import Amendments
from streams.judge.canonical import canonical, id_and_time, source_of, utc
from streams.judge.contents import Contents
from streams.judge.contexts import Contexts
from streams.judge.dimension import dimension_of
from streams.judge.entities import Entities, Entity
from streams.judge.envelopes import Envelopes
from streams.judge.figures import figures_of, own_figures_of
from streams.judge.kinds import kind_of
from streams.judge.ledger import Ledger
from streams.judge.levels import Levels
from streams.judge.memo import Counter, Known, Limits, row_of
from streams.judge.state import CounterState, StateReader, StateRecord
from streams.judge.superseded import supersede
from streams.judge.types import Output
from streams.rules.hits import Template

__all__ = ["Partition"]

_DESTROY: Final = "container-destroy"
_STOPS: Final = frozenset({"container-die", "container-gone"})
_OWN: Final = f"{records.JUDGE}:"


@dataclass(slots=True)
class Partition:
    """State and output of one events partition; what a transaction must write besides verdicts is handed over by ``take``.

    ``partitions`` is how many there are of ``events``.
    """

    number: int
    contents: Contents
    limits: Limits
    memo_bytes: int
    envelopes: Envelopes
    partitions: int = 1
    ledger: Ledger = field(init=False)
    contexts: Contexts = field(init=False)
    entities: Entities = field(init=False)
    adoptions: Adoptions = field(init=False)
    _amendments: Amendments = field(init=False)
    _levels: Levels = field(init=False)

    def __post_init__(self) -> None:
        self._levels = Levels(self.number, self.partitions)
        self.ledger, self.contexts = Ledger(self.number), Contexts(self.memo_bytes)
        self.entities = Entities(self.contexts, self.ledger)
        self.adoptions = Adoptions(self.contents, self.contexts, self.ledger)
        self._amendments = Amendments(self.contents, self.contexts, self.ledger)

    # What comes in

    def admit(self, key: bytes | None, value: bytes | None) -> tuple[Output, Counter | None]:
        """Judge one event that the memo does not know; return its records and the counter that the caller counts it on.

        Heartbeats are nobody's activity: they get no verdict and are counted on none. Raises ``Invalid`` for what is no event;
        nothing has changed then.
        """
        remembered = self._remembered(key, value)
        if remembered is not None:
            return remembered
        event, encoded = canonical(key, value)
        key, moment = event["entity.id"].encode(), utc(event["@timestamp"])
        self._turn_to(moment)
        if encoded == value:
            self.envelopes.learn(encoded)
        entity = self.entities.acting(key, moment)
        if is_facts(event):
            return self._take_facts(event, moment, encoded, entity)
        if event["event.dataset"] == HEARTBEAT:
            self.ledger.heartbeat(moment)
            return [(key, encoded[:-1] + entity.suffix + b"}")], None
        if event["event.action"] == _DESTROY:
            self.entities.keep(entity, ended=moment)
        elif event["event.action"] in _STOPS:
            self.entities.keep(entity, stopped=moment)
        return self._judge(event, moment, encoded, entity)

    def turn(self, moment: str) -> None:
        """Count in the hour of this time from now on; a time may be cut off behind its hour.

        Where that is later than any before, and has come by the broker's clock, it is noted how things stood until then.
        """
        self.ledger.turn(moment)
        self._reach()

    def _reach(self) -> None:
        now = self.ledger.hours.now
        reached = min(now, self.ledger.appended[:13] or now)
        if reached > self.ledger.marks.reached:
            self._note_levels()
            self.ledger.marks.reached = reached

    def _note_levels(self) -> None:
        hour = self.ledger.marks.reached
        news = self._levels.news(hour, self.entities, self.contents) if hour else None
        if news is not None:
            self.ledger.hours.note(news)

    def _turn_to(self, moment: str) -> None:
        if not self.ledger.hours.is_of(moment):
            self.turn(moment)

    def _remembered(self, key: bytes | None, value: bytes | None) -> tuple[Output, Counter] | None:
        """Return what is known of an event whose activity makes hits, or of a container without facts: its memo tells sources apart."""
        entity = self.entities.by_key.get(key or b"")
        if entity is None or value is None or not (entity.provisional or entity.context.counted):
            return None
        head, _, activity = value.partition(ACTIVITY_MARK)
        if not self.envelopes.knows(head, entity.mark):
            return None
        known = entity.context.recall(source_of(head) + activity if entity.provisional else activity)
        if known is None:
            return None
        event_id, moment = id_and_time(value)
        self._turn_to(moment)
        known.counter.seen(event_id, moment)
        self.entities.acting(entity.id.encode(), moment)
        self._hit(known.hits, event_id, moment, entity)
        return [(entity.id.encode(), value[:-1] + entity.suffix + known.tail)], known.counter

    def _hit(self, templates: Iterable[Template], event_id: str, moment: str, entity: Entity) -> None:
        """Let an event be counted by correlations: under what is known of its entity now."""
        known = entity.facts.known() if templates else {}
        for template in templates:
            hit = template.hit(event_id, moment, entity.id, known)
            if hit is not None:
                self.ledger.hit(hit)

    def _take_facts(self, event: Event, moment: str, encoded: bytes, entity: Entity) -> tuple[Output, Counter]:
        """Merge facts; they are judged themselves, since a container found running may be what a policy forbids."""
        before = self.entities.learn(entity, event, moment)
        amendments = self._amendments.of(entity, before, event["@timestamp"])
        output, counter = self._judge(event, moment, encoded, entity)
        (counter.whole or counter).replicas = entity.context.replicas
        supersede(counter, self.ledger)
        return [*output, *amendments], counter

    def _judge(self, event: Event, moment: str, encoded: bytes, entity: Entity) -> tuple[Output, Counter]:
        activity = encoded[encoded.index(ACTIVITY_MARK) :]
        fields = loads(b"{" + activity[1:])
        judgement = self.contents.judge(activity, fields, entity.context)
        verdict = judgement.verdict
        # Amendments are ranges of one source.
        source = event["event.id"].rpartition(":")[0] if entity.provisional else ""
        counter = self._counter(activity, fields, moment, source, entity, partial(kind_of, fields, verdict))
        counter.seen(event["event.id"], moment)
        if counter.activity:
            counter.verdict = verdict
        else:
            counter.sample(event["event.id"])
        memorable = self._is_memorable(event, counter)
        counter = entity.context.counting(counter, figures_of(fields, verdict))
        tail = suffix(verdict) + b"}"
        if memorable:
            self.contexts.remember(entity.context, source, Known(activity, tail, counter, judgement.hits))
        if not event["event.id"].startswith(_OWN):  # what the judge says by itself is no event that could be counted
            self._hit(judgement.hits, event["event.id"], moment, entity)
        known = b"" if is_facts(event) else entity.suffix  # a facts event says them itself
        return [(entity.id.encode(), encoded[:-1] + known + tail)], counter

    def _is_memorable(self, event: Event, counter: Counter) -> bool:
        """Return whether the next event of this activity may be answered without being looked at.

        Not if it changes what is known of the entity, nor if only the rate of new rows has kept it from having its own.
        """
        if is_facts(event) or event["event.action"] == _DESTROY or event["event.action"] in _STOPS:
            return False
        return bool(counter.activity) or counter.context.is_full(counter.dimension, self.limits)

    def _counter(
        self, activity: bytes, fields: Event, moment: str, source: str, entity: Entity, kind: Callable[[], str]
    ) -> Counter:
        dimension, second = dimension_of(fields), moment[:19]
        counter, new = entity.context.counter(activity, dimension, kind, second, source, self.number, self.limits)
        if new:
            self.ledger.open(counter)
        return counter

    def note_gap(self, first: int, last: int, moment: str) -> Output:
        """Return the record, judged like any finding, that the events of these offsets were deleted before they were judged."""
        return self.tell(records.gap(self.number, self.ledger.next_number(), moment, first, last))

    def tell(self, event: Event) -> Output:
        """Return a record that the judge writes by itself, judged like any event of its entity."""
        moment = event["@timestamp"]
        entity = self.entities.acting(event["entity.id"].encode(), moment)
        output, counter = self._judge(event, moment, encode_event(event), entity)
        counter.count += 1
        counter.tallied += 1  # outcomes are of events alone
        counter.unauthorized += counter.outcome == "unauthorized"
        self.ledger.hours.count_at(moment, own_figures_of(event))
        self.ledger.change(counter)
        supersede(counter, self.ledger)
        return output

    # What goes out and comes back

    def take(self, *, flush: bool) -> tuple[list[StateRecord], list[StateRecord]]:
        """Return and forget the records of ``judge-state`` and of ``activities`` that this transaction must write."""
        if flush:
            self._reach()  # what came by a clock that ran a little ahead has not turned the hour
            self._note_levels()
        return self.ledger.take(self._row, flush=flush)

    def _row(self, counter: Counter) -> bytes:
        fields = loads(b"{" + counter.activity[1:]) if counter.activity else {}
        if counter.activity and not counter.verdict:
            counter.verdict = self.contents.verdict(counter.activity, fields, counter.context)
        return dumps(row_of(counter, self.number, fields))

    def restore(self, stored: StateReader) -> None:
        """Take over the state that an earlier judge of this partition wrote in its last committed transaction."""
        self.ledger.restore(stored)
        for counter_state in stored.counters.values():
            self._restore_counter(counter_state, stored.changed)
        for entity in stored.entities.values():
            self.entities.restore(entity)
        self.adoptions.resume()

    def _restore_counter(self, stored: CounterState, changed: dict[str, list[object]]) -> None:
        context, values = self.contexts.of_state(stored), stored.values
        activity = values["activity"].encode()
        counter = context.add(values["slot"], values["dimension"], activity, self.number, values["born"])
        self.ledger.restore_counter(counter, stored, changed)
        context.replicas = max(context.replicas, counter.replicas)
