"""One partition in a worker: its shard, what it has written, and the records of it that are due."""

from __future__ import annotations

import asyncio
from asyncio import Lock
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from faust.types import Message

from schemas.deadletter import DeadLetter
from schemas.errors import Invalid
from schemas.policyset import PolicySet
from streams.applied import Applied
from streams.correlate.chain import Chain
from streams.correlate.restore import Restored, decide, letter_of
from streams.correlate.types import Record
from streams.rules.ruleset import RuleSet

__all__ = ["InForce", "Outcome", "Part"]

InForce = Applied[PolicySet, RuleSet]
"""What people have applied, as it was written."""

Outcome = Literal["taken", "dead", "passed over"]
"""What became of a record; one that was passed over comes again if it was never taken."""


class Part:
    """The one that feeds a shard.

    At least once: a record is taken when what follows from it is committed; before that it comes again, and the shard bears it. One
    thing at a time is written, in the order in which the shard said it. Only a part that is ``live`` takes anything, and only what is due.
    """

    def __init__(self, process: str, restored: Restored, applied: InForce) -> None:
        self._process = process
        self._shard = restored.shard
        self._output = restored.output
        self._applied = applied
        self._lock = Lock()
        self.rows = Chain(restored.positions["activities"])
        self.decisions = Chain(restored.positions["control"])
        self.hits = Chain(restored.positions["rule-hits"])
        self.live = False

    async def halt(self) -> None:
        """Return when nothing is taken any more and nothing is being written."""
        self.live = False
        async with self._lock:
            pass

    async def take_row(self, message: Message) -> Outcome:
        """Feed a row of ``activities``."""
        if not self._is_due(self.rows, message):
            return "passed over"
        try:
            self._shard.take_row(message.key or b"", message.value, message.offset, appended_ms(message))
        except Invalid as error:
            return await self._bury(self.rows, message, error)
        self.rows.taken(message.offset)
        return "taken"

    async def take_hit(self, message: Message) -> Outcome:
        """Feed a hit of ``rule-hits``; what is found by it is said by a tick."""
        if not self._is_due(self.hits, message):
            return "passed over"
        try:
            self._shard.take_hit(message.value, appended_ms(message))
        except Invalid as error:
            return await self._bury(self.hits, message, error)
        self.hits.taken(message.offset)
        return "taken"

    async def take_decision(self, message: Message) -> Outcome:
        """Feed a record of ``control`` and write what follows from it."""
        async with self._lock:
            if not self._is_due(self.decisions, message):
                return "passed over"
            try:
                records = decide(self._shard, message.key, message.value, message.offset, appended_ms(message))
            except Invalid as error:
                refused = error
            else:
                await self._write(records)
                self.decisions.taken(message.offset)
                return "taken"
        return await self._bury(self.decisions, message, refused)

    async def tick(self, applied: InForce, now_ms: int) -> None:
        """Let changed sets of policies and rules, and the time, move the shard, and write what follows."""
        async with self._lock:
            if self.live:
                self._adopt(applied)
                await self._write(self._shard.tick(now_ms))

    def _adopt(self, applied: InForce) -> None:
        before, self._applied = self._applied, applied
        if applied.policies is not before.policies:
            self._shard.adopt(applied.policies)
        if applied.rules is not before.rules:
            self._shard.adopt_rules(applied.rules)

    def dropped(self) -> Counter[str]:
        """Return, by reason, what was left out since this was asked last."""
        return self._shard.dropped()

    def _is_due(self, chain: Chain, message: Message) -> bool:
        return self.live and chain.is_due(message.offset)

    async def _bury(self, chain: Chain, message: Message, error: Invalid) -> Outcome:
        place = f"{message.topic}/{message.partition}/{message.offset}"
        letter = letter_of(self._process, place, error, message.value or message.key)
        async with self._lock:
            if not self._is_due(chain, message):
                return "passed over"
            await self._write((), (letter,))
            chain.taken(message.offset)
        return "dead"

    async def _write(self, records: Sequence[Record], letters: Sequence[DeadLetter] = ()) -> None:
        if records or letters:
            await asyncio.to_thread(self._output.write, records, letters)


def appended_ms(message: Message) -> int:
    """Return when the broker appended a message; Faust has it in seconds."""
    return round(message.timestamp * 1000)
