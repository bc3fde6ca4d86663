"""Going over to other contents between two transactions, and saying so in the partition."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from schemas.codec import encode_event
from streams.judge import records
from streams.judge.contents import Contents
from streams.judge.contexts import Contexts
from streams.judge.ledger import Ledger
from streams.judge.memo import Context
from streams.judge.policy import CompiledPolicies
from streams.judge.rules import RulesInForce
from streams.judge.types import Output

__all__ = ["Adoptions"]


_COUNTS: Final = 0
"""The partition that counts for all how often something else was adopted."""

_CHANGES: Final = frozenset({"policies", "rules"})
"""What people have changed; the others are made by what happens."""


@dataclass(frozen=True, slots=True)
class Adoptions:
    """Each method makes contents decide from an events offset on, and returns the adoption record.

    It returns nothing if exactly these were adopted here before, by whichever judge.
    """

    contents: Contents
    contexts: Contexts
    ledger: Ledger

    def policies(self, policies: CompiledPolicies, offset: int, moment: str) -> Output:
        """Decide by another policy set."""
        if policies is not self.contents.policies:
            self.contents.policies = policies
            self._decide_anew(self.contexts.all())
        if self.ledger.marks.adopted == policies.hash:
            return []
        self.ledger.marks.adopted = policies.hash
        return [self._record("policies", policies.hash, offset, moment)]

    def rules(self, rules: RulesInForce, offset: int, moment: str) -> Output:
        """Decide, and count, by another rule set."""
        if rules is not self.contents.rules:
            self.contents.rules = rules
            self._decide_anew(self.contexts.all())
        if self.ledger.marks.rules == rules.hash:
            return []
        self.ledger.marks.rules = rules.hash
        return [self._record("rules", rules.hash, offset, moment)]

    def baselines(self, changed: Collection[str], offset: int, moment: str) -> Output:
        """Decide by other baselines of these principals; of others nothing is forgotten.

        What they know of what happened before is nothing that rows need to say: who follows baselines knows it as soon.
        """
        if changed:
            self.contexts.decide_anew(context for context in self.contexts.all() if context.principal in changed)
        adopted = self.contents.baselines.hash
        if self.ledger.marks.baselines == adopted:
            return []
        self.ledger.marks.baselines = adopted
        return [self._record("baselines", adopted, offset, moment)]

    def shared_facts(self, names: Collection[str], offset: int, moment: str) -> Output:
        """Decide by other facts of what has these names; of what was decided without them nothing is forgotten."""
        if names:
            concerned = self.contents.joins.concerned(names)
            self._decide_anew([context for context in self.contexts.all() if context.hash in concerned])
        adopted = self.contents.joins.shared.hash
        if self.ledger.marks.shared == adopted:
            return []
        self.ledger.marks.shared = adopted
        return [self._record("shared-facts", adopted, offset, moment)]

    def resume(self) -> None:
        """Go on where the judge before left it: what it had not written anew, or had decided by other contents, is doubtful."""
        marks, contents = self.ledger.marks, self.contents
        if (
            marks.doubtful
            or marks.adopted not in {"", contents.policies.hash}
            or marks.rules not in {"", contents.rules.hash}
            or marks.shared != contents.joins.shared.hash
        ):
            self._doubt(self.contexts.all())

    def _decide_anew(self, contexts: Collection[Context]) -> None:
        self.contexts.decide_anew(contexts)
        self._doubt(contexts)

    def _doubt(self, contexts: Iterable[Context]) -> None:
        self.ledger.doubt(counter for context in contexts for counter in context.counters.values())

    def _record(self, subject: str, content_hash: str, offset: int, moment: str) -> tuple[bytes, bytes]:
        if self.ledger.number == _COUNTS and subject in _CHANGES:
            self.ledger.hours.count_at(moment, (f"changes|{subject}",))
        number = self.ledger.next_number()
        record = records.adoption(self.ledger.number, number, moment, offset, subject, content_hash)
        return records.JUDGE.encode(), encode_event(record)
