"""The contexts of one partition, and what its memos hold in bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from schemas.codec import ACTIVITY_MARK
from schemas.facts import Facts, context_of, principal_of
from streams.judge.memo import Context, Known
from streams.judge.state import CounterState

__all__ = ["Contexts", "size_of"]

_ENTRY_OVERHEAD_BYTES: Final = 400


@dataclass(slots=True)
class Contexts:
    """Every context that an entity is or was in; ``remembered_bytes`` of all memos together stay below ``memo_bytes``."""

    memo_bytes: int
    by_hash: dict[str, Context] = field(default_factory=dict)
    remembered_bytes: int = 0

    def of(self, entity: str, facts: Facts) -> Context:
        """Return the context of an entity of which these facts are known."""
        deciding = facts.deciding()
        principal = principal_of(entity, deciding)
        name = context_of(principal, deciding)
        return self.by_hash.setdefault(name, Context(principal, name, deciding))

    def of_state(self, stored: CounterState) -> Context:
        """Return the context that a stored counter names."""
        return self.by_hash.setdefault(stored.context, Context(stored.principal, stored.context, stored.deciding))

    def all(self) -> Collection[Context]:
        """Return every context."""
        return self.by_hash.values()

    def of_principal(self, principal: str) -> list[Context]:
        """Return all contexts of a principal."""
        return [context for context in self.by_hash.values() if context.principal == principal]

    def remember(self, context: Context, source: str, known: Known) -> None:
        """Remember an activity in its context, by its source where sources are told apart; if need be forget all else before."""
        key = source.encode() + known.activity[len(ACTIVITY_MARK) :]
        size = size_of(key, known)
        if self.remembered_bytes + size > self.memo_bytes:
            self.forget_verdicts()
        if context.remember(key, known):
            self.remembered_bytes += size

    def forget_verdicts(self) -> None:
        """Empty every memo; what was decided still holds, and counts stay."""
        for context in self.by_hash.values():
            context.forget_verdicts()
        self.remembered_bytes = 0

    def decide_anew(self, contexts: Iterable[Context]) -> None:
        """Forget what was decided in contexts that something else decides now; counts stay."""
        for context in contexts:
            self.remembered_bytes -= sum(size_of(key, known) for key, known in context.remembered())
            context.forget_verdicts()
            for counter in context.counters.values():
                counter.verdict = {}

    def leave(self, context: Context) -> None:
        """Let go of a context that nobody is in any more, if nothing is counted in it."""
        if not context.counters:
            del self.by_hash[context.hash]


def size_of(key: bytes, known: Known) -> int:
    """Return how many bytes of the memo an entry takes, more or less."""
    return len(key) + len(known.activity) + len(known.tail) + _ENTRY_OVERHEAD_BYTES
