"""Judging again what an entity did before it had a principal, once facts have come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from schemas.codec import Event, encode_event, loads
from streams.judge import records
from streams.judge.canonical import utc
from streams.judge.contents import Contents
from streams.judge.contexts import Contexts
from streams.judge.entities import Entity
from streams.judge.ledger import Ledger
from streams.judge.memo import Context, Counter
from streams.judge.types import Output

__all__ = ["Amendments"]


@dataclass(frozen=True, slots=True)
class Amendments:
    """Writes one amendment for each activity of an entity that was provisional, and moves its counts."""

    contents: Contents
    contexts: Contexts
    ledger: Ledger

    def of(self, entity: Entity, before: Context, moment: str) -> Output:
        """Return the amendments of an entity that was in the context ``before``: also of what it did under earlier facts."""
        if not before.provisional or entity.provisional:
            return []
        self.ledger.note_touched()
        contexts = self.contexts.of_principal(before.principal)
        counters = [counter for context in contexts for counter in context.counters.values() if counter.activity]
        # Sorted, because a restored judge has them in another order.
        ordered = sorted(counters, key=lambda counter: counter.key)
        output = [record for old in ordered for record in self._amend(old, entity, moment)]
        self.contexts.decide_anew(contexts)
        for context in contexts:
            self.contexts.leave(context)
        return output

    def _amend(self, old: Counter, entity: Entity, moment: str) -> Iterator[tuple[bytes, bytes]]:
        span = (old.first_id, old.last_id, old.count)
        verdict = self._move(old, entity.context)
        self.ledger.hours.count_at(utc(moment), (f"amended|{verdict['verdict.outcome']}",), span[2])
        number = self.ledger.next_number()
        record = records.amendment(self.ledger.number, number, moment, entity.id, span, verdict)
        yield entity.id.encode(), encode_event(record)[:-1] + entity.suffix + b"}"

    def _move(self, old: Counter, context: Context) -> Event:
        """Move the count of a counter to another context; return the verdict of its activity there."""
        fields = loads(b"{" + old.activity[1:])
        verdict = self.contents.verdict(old.activity, fields, context)
        self.ledger.tally(old)
        counter = context.counters.get(verdict["verdict.activity"])
        if counter is None:
            counter = context.add(verdict["verdict.activity"], old.dimension, old.activity, self.ledger.number)
        counter.verdict = verdict
        counter.absorb(old)
        self.ledger.open(counter)
        old.count = 0
        old.context.drop(old)
        self.ledger.close(old)
        return verdict
