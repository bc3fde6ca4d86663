"""The entities of one partition: what is known of each, and when it is let go of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from schemas.codec import Event, suffix
from schemas.event import parse_time
from schemas.facts import RUNNING, Facts
from streams.judge.contexts import Contexts
from streams.judge.envelopes import entity_mark
from streams.judge.ledger import Ledger
from streams.judge.memo import Context, Known
from streams.judge.state import EntityState, entity_record

__all__ = ["Entities", "Entity"]

_SILENT_NANOSECONDS: Final = 7 * 24 * 3600 * 1_000_000_000
_ENDED_NANOSECONDS: Final = 24 * 3600 * 1_000_000_000

_ENGINE: Final = "engine"


@dataclass(slots=True, eq=False)
class Entity:
    """What acts.

    ``memo`` is its context's, or empty while every event of it must be looked at (no facts yet, or long silent); ``last`` is the
    activity of it that was looked up there last; ``mark`` is what the envelope of each of its events holds. A container that ``stopped``
    may be started again, one that ``ended`` may not; both are times. ``kept`` is when the broker was given what was last noted of it.
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
    stopped: str = ""
    kept: str = ""

    @property
    def runs(self) -> bool:
        """Return whether it was neither told to have stopped nor to have ended."""
        return not (self.stopped or self.ended)

    def use(self, memo: dict[bytes, Known]) -> None:
        """Look activities up in this memo from now on, and expect none of another."""
        self.memo, self.last = memo, Known.nothing()

    def refresh(self) -> None:
        """Go by the facts and the context that it has now."""
        self.suffix = suffix(self.facts.known())
        self.use({} if self.provisional else self.context.memo)

    @property
    def provisional(self) -> bool:
        """Return whether it is a container of which no facts have come."""
        return self.context.provisional

    def is_over(self, clock: int, appended: int) -> bool:
        """Return whether it ended a day or was silent seven days ago, both by the events' clock and by the broker's, in nanoseconds.

        By the events' alone, what one source tells late of yesterday would come after the end that another has told already.
        """
        waited = appended - parse_time(self.kept) if self.kept else appended
        if self.ended and min(clock - parse_time(self.ended), waited) > _ENDED_NANOSECONDS:
            return True
        return min(clock - parse_time(self.seen), waited) > _SILENT_NANOSECONDS


@dataclass(slots=True)
class Entities:
    """All that act in one partition, by the key of their events; ``changes`` grows with whatever happens to one of them."""

    contexts: Contexts
    ledger: Ledger
    by_key: dict[bytes, Entity] = field(default_factory=dict)
    changes: int = 0
    _swept: str = ""

    def acting(self, key: bytes, moment: str) -> Entity:
        """Return the entity of an event that had to be looked at."""
        entity = self.by_key.get(key)
        if entity is None:
            return self.add(key, Facts(), moment)
        if entity.provisional:
            self.note_seen(entity, moment)
        elif entity.memo is not entity.context.memo:
            entity.use(entity.context.memo)
            self.keep(entity, seen=moment)
        return entity

    def restore(self, stored: EntityState) -> None:
        """Take over an entity as it was stored."""
        entity = self.add(stored.entity.encode(), stored.facts, stored.seen)
        entity.ended, entity.stopped, entity.kept = stored.ended, stored.stopped, stored.kept

    def add(self, key: bytes, facts: Facts, moment: str) -> Entity:
        """Return a new entity, known by these facts."""
        name = key.decode()
        context = self.contexts.of(name, facts)
        entity = self.by_key[key] = Entity(
            name, facts, context, entity_mark(name), seen=moment, kept=self.ledger.appended
        )
        entity.refresh()
        self.changes += 1
        return entity

    def learn(self, entity: Entity, event: Event, moment: str) -> Context:
        """Merge a facts event into what is known of an entity; return the context that it was in before."""
        before, stopped = entity.context, _stopped(entity, event, moment)
        if entity.facts.merge(event):
            entity.context, entity.ended = self.contexts.of(entity.id, entity.facts), ""
            entity.refresh()
            self.keep(entity, seen=moment, stopped=stopped)
        elif stopped != entity.stopped:
            self.keep(entity, stopped=stopped)
        # Whose settings change is no other replica.
        entity.context.replicas += entity.context.principal != before.principal
        return before

    def note_seen(self, entity: Entity, moment: str) -> None:
        """Note once an hour that an entity lives of which every event comes by."""
        if moment[:13] > entity.seen[:13]:
            self.keep(entity, seen=moment)

    def keep(self, entity: Entity, *, seen: str = "", ended: str = "", stopped: str | None = None) -> None:
        """Note when an entity was seen, stopped or ended; stored only if it has facts (others are made again from their key)."""
        self.changes += 1
        entity.seen, entity.ended = max(entity.seen, seen), ended or entity.ended
        entity.stopped = entity.stopped if stopped is None else stopped
        entity.kept = self.ledger.appended
        if entity.facts.fields:
            state = EntityState(entity.id, entity.facts, entity.seen, entity.ended, entity.stopped, entity.kept)
            self.ledger.keep(entity_record(state, entity.id))

    def sweep_when_due(self) -> None:
        """Once an hour of the events' clock, let go of entities that are over.

        Every sweep takes all entities off the memo's fast path once; who comes back through ``acting`` is noted as seen.
        """
        if self.ledger.marks.clock[:13] == self._swept or not self.ledger.appended:
            return
        self._swept = self.ledger.marks.clock[:13]
        clock, appended = parse_time(self.ledger.marks.clock), parse_time(self.ledger.appended)
        for key, entity in list(self.by_key.items()):
            if entity.is_over(clock, appended):
                self._let_go(key, entity)
            else:
                entity.use({})

    def _let_go(self, key: bytes, entity: Entity) -> None:
        del self.by_key[key]
        self.changes += 1
        if entity.facts.fields:
            self.ledger.keep(entity_record(None, entity.id))


def _stopped(entity: Entity, event: Event, moment: str) -> str:
    """Return since when a container does not run, by facts of it: an engine asks for them when it starts, and knows how it stands."""
    if event.get("facts.authority") != _ENGINE:
        return entity.stopped
    state = event.get("container.state")
    return "" if state is None or state in RUNNING else entity.stopped or moment
