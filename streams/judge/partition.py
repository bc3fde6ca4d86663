"""The pure heart of the judge: one partition of events, its entities, contexts and counts.

``Partition`` is fed raw events in the order of offsets and says what to write; it knows no Kafka and reads no clock. The loop in
``streams.judge.batch`` serves what the memo knows by itself and calls ``admit`` for the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from schemas.baseline import Change, Profile
from schemas.codec import ACTIVITY_MARK, Event, dumps, encode_event, loads, suffix
from schemas.errors import Invalid
from schemas.event import parse_time
from schemas.facts import HEARTBEAT, Facts, context_of, is_facts, principal_of
from streams.judge import records
from streams.judge.baselines import Baselines
from streams.judge.canonical import canonical, id_and_time, source_of, utc
from streams.judge.decide import decide
from streams.judge.dimension import dimension_of
from streams.judge.envelopes import Envelopes, entity_mark
from streams.judge.memo import Context, Counter, Known, Limits, digest_of, row_of
from streams.judge.policy import CompiledPolicies
from streams.judge.state import (
    COUNTED,
    CounterState,
    EntityState,
    Marks,
    StateReader,
    StateRecord,
    counter_record,
    entity_record,
    marks_record,
    told_record,
)

__all__ = ["Entity", "Partition"]

_MISSING: Final = "missing"
_UNKNOWN: Final = "unknown:"
_DESTROY: Final = "container-destroy"
_SILENT_NANOSECONDS: Final = 7 * 24 * 3600 * 1_000_000_000
_ENDED_NANOSECONDS: Final = 24 * 3600 * 1_000_000_000
_ENTRY_OVERHEAD_BYTES: Final = 400
_MAX_UNFLUSHED: Final = 2_000
"""Counts that the marks may hold, at some 200 bytes each: more would not fit into one record of Kafka."""


@dataclass(slots=True, eq=False)
class Entity:
    """What acts.

    ``memo`` is its context's, or empty while every event of it must be looked at (no facts yet, or long silent); ``last`` is the
    activity of it that was looked up there last; ``mark`` is what the envelope of each of its events holds.
    """

    id: str
    facts: Facts
    context: Context
    mark: bytes = b""
    suffix: bytes = b""
    memo: dict[bytes, Known] = field(default_factory=dict)
    last: Known = field(default_factory=Known.nothing)
    seen: str = ""
    ended: str = ""

    def use(self, memo: dict[bytes, Known]) -> None:
        """Look activities up in this memo from now on, and expect none of another."""
        self.memo, self.last = memo, Known.nothing()

    @property
    def provisional(self) -> bool:
        """Return whether it is a container of which no facts have come."""
        return self.context.principal.startswith(_UNKNOWN)


Output = list[tuple[bytes, bytes]]
"""Records of ``verdicts``: key and value, in order."""


@dataclass(slots=True)
class Partition:
    """State and output of one events partition; what a transaction must write besides verdicts is handed over by ``take``.

    Whoever counts on a counter leaves the event in ``touched``, the last one of a batch, for ``settle``.
    """

    number: int
    policies: CompiledPolicies
    limits: Limits
    memo_bytes: int
    envelopes: Envelopes
    baselines: Baselines = field(default_factory=Baselines)
    entities: dict[bytes, Entity] = field(default_factory=dict)
    contexts: dict[str, Context] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)
    remembered_bytes: int = 0
    touched: dict[Counter, bytes] = field(default_factory=dict)
    _told: dict[str, int] = field(default_factory=dict)
    _swept: str = ""
    _heard: str = ""
    _dirty: dict[Counter, None] = field(default_factory=dict)
    _new: dict[Counter, None] = field(default_factory=dict)
    _state: list[StateRecord] = field(default_factory=list)
    _rows: list[StateRecord] = field(default_factory=list)

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
        if encoded == value:
            self.envelopes.learn(encoded)
        entity = self._entity(key, moment)
        if is_facts(event):
            return self._take_facts(key, event, moment, encoded)
        if event["event.dataset"] == HEARTBEAT:
            self.marks.heartbeats += 1
            self._heard = max(self._heard, moment)
            return [(key, encoded[:-1] + entity.suffix + b"}")], None
        if event["event.action"] == _DESTROY:
            self._keep(entity, ended=moment)
        return self._judge(key, event, moment, encoded, entity)

    def _remembered(self, key: bytes | None, value: bytes | None) -> tuple[Output, Counter] | None:
        """Return what is known of an event of a container without facts, whose memo also tells the sources apart."""
        entity = self.entities.get(key or b"")
        if entity is None or value is None or not entity.provisional:
            return None
        head, _, activity = value.partition(ACTIVITY_MARK)
        if not self.envelopes.knows(head, entity.mark):
            return None
        known = entity.context.memo.get(source_of(head) + activity)
        if known is None:
            return None
        event_id, moment = id_and_time(value)
        known.counter.seen(event_id, moment)
        self._note_seen(entity, moment)
        return [(entity.id.encode(), value[:-1] + entity.suffix + known.tail)], known.counter

    def _judge(self, key: bytes, event: Event, moment: str, encoded: bytes, entity: Entity) -> tuple[Output, Counter]:
        activity = encoded[encoded.index(ACTIVITY_MARK) :]
        fields = loads(b"{" + activity[1:])
        verdict = self._verdict(activity, fields, entity.context)
        source = (
            event["event.id"].rpartition(":")[0] if entity.provisional else ""
        )  # amendments are ranges of one source
        counter = self._counter(activity, fields, moment, source, entity, verdict["verdict.outcome"])
        counter.seen(event["event.id"], moment)
        if counter.activity:
            counter.verdict = verdict
        else:
            counter.sample(event["event.id"])
        tail = suffix(verdict) + b"}"
        if self._is_memorable(event, counter):
            self._remember(entity.context, source, Known(activity, tail, counter))
        known = b"" if is_facts(event) else entity.suffix  # a facts event says them itself
        return [(key, encoded[:-1] + known + tail)], counter

    def _is_memorable(self, event: Event, counter: Counter) -> bool:
        """Return whether the next event of this activity may be answered without being looked at.

        Not if it changes what is known of the entity, nor if only the rate of new rows has kept it from having its own.
        """
        if is_facts(event) or event["event.action"] == _DESTROY:
            return False
        return bool(counter.activity) or counter.context.is_full(counter.dimension, self.limits)

    def _verdict(self, activity: bytes, fields: Event, context: Context) -> Event:
        missing = context.principal.startswith(_UNKNOWN)
        baseline = None if missing else self.baselines.of(context.principal)
        return {
            **decide({**context.deciding, **fields}, context.principal, self.policies, baseline).fields(),
            "verdict.principal": context.principal,
            "verdict.context": _MISSING if missing else context.hash,
            "verdict.activity": digest_of(activity),
        }

    def _counter(
        self, activity: bytes, fields: Event, moment: str, source: str, entity: Entity, outcome: str
    ) -> Counter:
        dimension, second = dimension_of(fields), moment[:19]
        counter, new = entity.context.counter(activity, dimension, outcome, second, source, self.number, self.limits)
        if new:
            self._new[counter] = None
        return counter

    def _remember(self, context: Context, source: str, known: Known) -> None:
        key = source.encode() + known.activity[len(ACTIVITY_MARK) :]
        size = _size_of(key, known)
        if self.remembered_bytes + size > self.memo_bytes:
            self.forget_verdicts()
        if context.remember(key, known):
            self.remembered_bytes += size

    def forget_verdicts(self) -> None:
        """Empty every memo; counts stay."""
        for context in self.contexts.values():
            context.forget_verdicts()
        self.remembered_bytes = 0

    # Entities and facts

    def _entity(self, key: bytes, moment: str) -> Entity:
        entity = self.entities.get(key)
        if entity is None:
            return self._add_entity(key, Facts(), moment)
        if entity.provisional:
            self._note_seen(entity, moment)
        elif entity.memo is not entity.context.memo:
            entity.use(entity.context.memo)
            self._keep(entity, seen=moment)
        return entity

    def _note_seen(self, entity: Entity, moment: str) -> None:
        """Note once an hour that an entity lives of which every event comes by."""
        if moment[:13] > entity.seen[:13]:
            self._keep(entity, seen=moment)

    def _add_entity(self, key: bytes, facts: Facts, moment: str) -> Entity:
        name = key.decode()
        entity = self.entities[key] = Entity(name, facts, self._context(name, facts), entity_mark(name), seen=moment)
        self._refresh(entity)
        return entity

    def _context(self, entity: str, facts: Facts) -> Context:
        deciding = facts.deciding()
        principal = principal_of(entity, deciding)
        name = context_of(principal, deciding)
        return self.contexts.setdefault(name, Context(principal, name, deciding))

    def _refresh(self, entity: Entity) -> None:
        entity.suffix = suffix(entity.facts.known())
        entity.use({} if entity.provisional else entity.context.memo)

    def _keep(self, entity: Entity, *, seen: str = "", ended: str = "") -> None:
        """Note when an entity was seen or ended; stored only if it has facts (others are made again from their key)."""
        entity.seen, entity.ended = max(entity.seen, seen), ended or entity.ended
        if entity.facts.fields:
            self._state.append(
                entity_record(EntityState(entity.id, entity.facts, entity.seen, entity.ended), entity.id)
            )

    def _take_facts(self, key: bytes, event: Event, moment: str, encoded: bytes) -> tuple[Output, Counter]:
        """Merge facts; they are judged themselves, since a container found running may be what a policy forbids."""
        entity = self.entities[key]
        before = entity.context
        if entity.facts.merge(event):
            entity.context, entity.ended = self._context(entity.id, entity.facts), ""
            self._refresh(entity)
            self._keep(entity, seen=moment)
        entity.context.replicas += (
            entity.context.principal != before.principal
        )  # whose settings change is no other replica
        amendments = list(self._amendments(key, before, entity, event["@timestamp"]))
        output, counter = self._judge(key, event, moment, encoded, entity)
        counter.replicas = entity.context.replicas
        return [*output, *amendments], counter

    def _amendments(self, key: bytes, before: Context, entity: Entity, moment: str) -> Iterator[tuple[bytes, bytes]]:
        """Judge again what an entity did before it had a principal: also under earlier facts that did not give it one."""
        if not before.principal.startswith(_UNKNOWN) or entity.provisional:
            return
        self._note_touched()
        contexts = [context for context in self.contexts.values() if context.principal == before.principal]
        counters = [counter for context in contexts for counter in context.counters.values() if counter.activity]
        for old in sorted(counters, key=lambda counter: counter.key):  # a restored judge has them in another order
            span = (old.first_id, old.last_id, old.count)
            verdict = self._move(old, entity.context)
            record = records.amendment(self.number, self._next_number(), moment, entity.id, span, verdict)
            yield key, encode_event(record)[:-1] + entity.suffix + b"}"
        for context in contexts:
            self._forget_verdicts_of(context)
            if not context.counters:
                del self.contexts[context.hash]

    def _move(self, old: Counter, context: Context) -> Event:
        """Move the count of a counter to another context; return the verdict of its activity there."""
        fields = loads(b"{" + old.activity[1:])
        verdict = self._verdict(old.activity, fields, context)
        self._tally(old)
        counter = context.counters.get(verdict["verdict.activity"])
        if counter is None:
            counter = context.add(verdict["verdict.activity"], old.dimension, old.activity, self.number)
        counter.absorb(old)
        counter.verdict = verdict
        self._new[counter] = None
        old.count = 0
        old.context.drop(old)
        self._new.pop(old, None)
        self._dirty.pop(old, None)
        self._state.append(counter_record(old))
        self._rows.append((old.key.encode(), None))
        return verdict

    # What the judge writes by itself

    def adopt(self, policies: CompiledPolicies, offset: int, moment: str) -> Output:
        """Decide by another policy set from ``offset`` on; return the adoption record, or nothing if it is in force here."""
        if policies is not self.policies:
            self.policies = policies
            self._decide_anew()
        if self.marks.adopted == policies.hash:
            return []
        self.marks.adopted = policies.hash
        record = records.adoption(self.number, self._next_number(), moment, offset, "policies", policies.hash)
        return [(records.JUDGE.encode(), encode_event(record))]

    def adopt_baselines(self, changed: Collection[str], offset: int, moment: str) -> Output:
        """Decide by other baselines of these principals from ``offset`` on; of others nothing is forgotten.

        Return the adoption record, or nothing if all that is in force was adopted here before.
        """
        for context in self.contexts.values() if changed else ():
            if context.principal in changed:
                self._forget_verdicts_of(context)
        if self.marks.baselines == self.baselines.hash:
            return []
        self.marks.baselines = self.baselines.hash
        record = records.adoption(self.number, self._next_number(), moment, offset, "baselines", self.baselines.hash)
        return [(records.JUDGE.encode(), encode_event(record))]

    def tell(self, profile: Profile) -> Output:
        """Return the steps in the life of a baseline that were not told yet; only one partition tells of each principal."""
        last, told = profile.changes[-1].number if profile.changes else 0, self._told.get(profile.principal, 0)
        if last == told:
            return []
        # A life that begins again, behind a tombstone, has lower numbers than what was told of the one before.
        steps = [change for change in profile.changes if change.number > told or last < told]
        self._told[profile.principal] = last
        self._state.append(told_record(profile.principal, last))
        return [(records.JUDGE.encode(), encode_event(self._told_change(profile.principal, step))) for step in steps]

    def _told_change(self, principal: str, change: Change) -> Event:
        return records.baseline_change(self.number, self._next_number(), principal, change)

    def _decide_anew(self) -> None:
        for context in self.contexts.values():
            self._forget_verdicts_of(context)

    def _forget_verdicts_of(self, context: Context) -> None:
        self.remembered_bytes -= sum(_size_of(key, known) for key, known in context.memo.items())
        context.forget_verdicts()
        for counter in context.counters.values():
            counter.verdict = {}

    def note_gap(self, first: int, last: int, moment: str) -> Output:
        """Return the record, judged like any finding, that the events of these offsets were deleted before they were judged."""
        key, event = records.JUDGE.encode(), records.gap(self.number, self._next_number(), moment, first, last)
        output, counter = self._judge(key, event, moment, encode_event(event), self._entity(key, moment))
        counter.count += 1
        counter.tallied += 1  # outcomes are of events alone
        self._dirty[counter] = None
        return output

    def _next_number(self) -> int:
        self.marks.number += 1
        return self.marks.number

    # What goes out

    def settle(self, appended: str) -> None:
        """Note the latest event of every counter that a batch has counted on.

        The clock of the partition is event time, but never later than ``appended``, the broker's time of the batch.
        """
        self._note_touched()
        moment = min(self._heard, appended)
        if moment > self.marks.clock and _is_time(moment):
            self.marks.clock = moment
        self._heard = ""

    def _note_touched(self) -> None:
        for counter, value in self.touched.items():
            self._tally(counter)
            self._dirty[counter] = None
            self._heard = max(self._heard, _note_last(counter, value))
        self.touched.clear()

    def _tally(self, counter: Counter) -> None:
        given = counter.count - counter.tallied
        if given:
            outcome = counter.outcome
            self.marks.outcomes[outcome] = self.marks.outcomes.get(outcome, 0) + given
            counter.tallied = counter.count

    def take(self, *, flush: bool) -> tuple[list[StateRecord], list[StateRecord]]:
        """Return and forget the records of ``judge-state`` and of ``activities`` that this transaction must write.

        New and unauthorized activities are rows at once, the others with ``flush`` or when too many have changed; until then their
        counts stand in the marks.
        """
        everything = flush or len(self._dirty) > _MAX_UNFLUSHED
        due = list(self._dirty) if everything else [counter for counter in self._dirty if counter.urgent]
        for counter in dict.fromkeys([*self._new, *due]):
            self._state.append(counter_record(counter))
            self._rows.append((counter.key.encode(), self._row(counter)))
            self._dirty.pop(counter, None)
        state, rows = [*self._state, marks_record(self.marks, self._dirty)], self._rows
        self._new, self._state, self._rows = {}, [], []
        return state, rows

    def _row(self, counter: Counter) -> bytes:
        fields = loads(b"{" + counter.activity[1:]) if counter.activity else {}
        if counter.activity and not counter.verdict:
            counter.verdict = self._verdict(counter.activity, fields, counter.context)
        return dumps(row_of(counter, self.number, fields))

    # Coming back and letting go

    def restore(self, stored: StateReader) -> None:
        """Take over the state that an earlier judge of this partition wrote in its last committed transaction."""
        self.marks, self._told = stored.marks, stored.told
        for counter_state in stored.counters.values():
            self._restore_counter(counter_state, stored.changed)
        for entity in stored.entities.values():
            restored = self._add_entity(entity.entity.encode(), entity.facts, entity.seen)
            restored.ended = entity.ended

    def _restore_counter(self, stored: CounterState, changed: dict[str, list[object]]) -> None:
        context = self.contexts.setdefault(stored.context, Context(stored.principal, stored.context, stored.deciding))
        values = dict(stored.values)
        slot, activity = values.pop("slot"), values.pop("activity").encode()
        counter = context.add(slot, values["dimension"], activity, self.number, values["born"])
        for name, value in values.items():
            setattr(counter, name, value)
        if counter.key in changed:
            for name, value in zip(COUNTED, changed[counter.key], strict=True):
                setattr(counter, name, value)
            self._dirty[counter] = None
        counter.tallied = counter.count
        context.replicas = max(context.replicas, counter.replicas)

    @property
    def pending(self) -> bool:
        """Return whether counts have changed that stand in no row yet."""
        return bool(self._dirty)

    def sweep_when_due(self) -> None:
        """Once an hour of the events' clock, let go of entities that ended a day or were silent seven days ago.

        Every sweep takes all entities off the memo's fast path once; who comes back through ``admit`` is noted as seen.
        """
        if self.marks.clock[:13] == self._swept:
            return
        self._swept = self.marks.clock[:13]
        clock = parse_time(self.marks.clock)
        for key, entity in list(self.entities.items()):
            if _is_over(entity, clock):
                del self.entities[key]
                if entity.facts.fields:
                    self._state.append(entity_record(None, entity.id))
            else:
                entity.use({})


def _size_of(key: bytes, known: Known) -> int:
    return len(key) + len(known.activity) + len(known.tail) + _ENTRY_OVERHEAD_BYTES


def _note_last(counter: Counter, value: bytes) -> str:
    """Note the event that a counter was last counted on and return its time; nothing if that is not readable.

    Of an envelope that is known the digits are not read again, so they may say nonsense: a sink will refuse the event then.
    """
    try:
        event_id, moment = id_and_time(value)
    except Invalid:
        return ""
    counter.seen(event_id, moment)
    return moment


def _is_time(moment: str) -> bool:
    try:
        parse_time(moment)
    except Invalid:
        return False
    return True


def _is_over(entity: Entity, clock: int) -> bool:
    if entity.ended and clock - parse_time(entity.ended) > _ENDED_NANOSECONDS:
        return True
    return clock - parse_time(entity.seen) > _SILENT_NANOSECONDS
