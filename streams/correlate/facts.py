"""The state of one partition of subjects: who has said what of each, which ages have passed, and what is written of it."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Final

from schemas.codec import Event, decode
from schemas.event import parse_time, timestamp
from schemas.policy import thresholds
from schemas.policyset import PolicySet
from schemas.shared import AGES, WORKLOAD, SharedRecord
from streams.correlate.clock import EventsClock
from streams.correlate.statements import Statement, may_state, statements_of
from streams.correlate.types import Record

__all__ = ["SharedFactsShard"]

_MILLISECOND: Final = 1_000_000
_DAY_NANOSECONDS: Final = 24 * 3600 * 1_000_000_000
_ASKED: Final = {
    "container.image.created": "images",
    "container.image.scan.time": "scans",
    "secret.changed": "secrets",
}
"""By the date from which an age counts, which ages of policies are about it."""

_CHANGED: Final = "secret.changed"
_ROTATED: Final = "secret.rotated"
_MAX_ROTATIONS: Final = 50
_OLDEST: Final = "2000"
"""A date before is one that someone has put there so that the same sources build the same image, such as 1970-01-01."""


class SharedFactsShard:
    """Subjects of which rows of one partition tell; pure: what it returns follows from what it was given.

    Rows may come in any order and again. An age that was passed stays so as long as its date does, though the clock steps back.
    """

    def __init__(self, policies: PolicySet) -> None:
        self._days = thresholds(policies.policies)
        self._clock = EventsClock()
        self._said: dict[bytes, Statement] = {}
        self._written: dict[bytes, SharedRecord] = {}
        self._rotated: dict[bytes, set[str]] = {}
        self._due: dict[bytes, None] = {}
        self._passing: list[tuple[int, bytes]] = []

    def adopt(self, policies: PolicySet) -> None:
        """Take a changed policy set, which may ask for other ages."""
        asked = thresholds(policies.policies)
        if asked != self._days:
            self._days = asked
            self._due |= dict.fromkeys(self._said)

    def take_record(self, key: bytes, value: bytes | None) -> None:
        """Take what an earlier worker wrote; raise ``Invalid`` for what is no record."""
        if value is None:
            self._written.pop(key, None)
        else:
            record = self._written[key] = SharedRecord.decode(value)
            self._rotated.setdefault(key, set()).update(record.facts.get(_ROTATED, ()))

    def take_row(self, value: bytes | None, appended_ms: int) -> None:
        """Take a row; raise ``Invalid`` for what cannot be read, which has changed nothing then."""
        if value is None or not may_state(value):
            return
        for statement in statements_of(decode(value)):
            self._clock.saw(parse_time(statement.time) // _MILLISECOND, appended_ms)
            self._take(statement)

    def _take(self, statement: Statement) -> None:
        key = _record(statement, statement.time, {}).key
        self._note_rotation(key, statement.facts)
        before = self._said.get(key)
        if before is None or (before.time, before.event) <= (statement.time, statement.event):
            self._said[key] = statement
            self._due[key] = None

    def _note_rotation(self, key: bytes, facts: Event) -> None:
        """Remember when a secret was changed: a row that another one replaces is read no more."""
        changed = facts.get(_CHANGED)
        if changed and changed != facts.get("secret.created") and changed not in self._rotated.setdefault(key, set()):
            self._rotated[key].add(changed)
            self._due[key] = None

    def tick(self, now_ms: int) -> list[Record]:
        """Return what is to be written now."""
        time_ms = self._clock.time_ms(now_ms)
        if time_ms is None:
            return []
        clock = time_ms * _MILLISECOND
        while self._passing and self._passing[0][0] <= clock:
            self._due[heappop(self._passing)[1]] = None
        due, self._due = sorted(self._due), {}
        return [record for key in due if key in self._said and (record := self._look(key, clock))]

    def _look(self, key: bytes, clock: int) -> Record | None:
        said, written = self._said[key], self._written.get(key)
        ages: Event = {}
        since = parse_time(said.time)
        for date, kind in _ASKED.items():
            if said.facts.get(date, "") > _OLDEST:
                ages[AGES[date]], passed = self._passed(key, date, getattr(self._days, kind), clock)
                since = max(since, passed)
        record = _record(said, timestamp(since), ages | self._rotations(key))
        if written is not None and _is_said_again(record, written):
            return None
        self._written[key] = record
        return "shared-facts", key, record.encode()

    def _rotations(self, key: bytes) -> Event:
        """Return when a secret was changed, the last times; nothing of one that is no more, nor of one that had its name before."""
        facts = self._said[key].facts
        if _CHANGED not in facts:
            self._rotated.pop(key, None)
        made = facts.get("secret.created", "")
        latest = sorted(moment for moment in self._rotated.get(key, ()) if moment > made)[-_MAX_ROTATIONS:]
        if not latest:
            return {}
        self._rotated[key] = set(latest)
        return {_ROTATED: latest}

    def _passed(self, key: bytes, date: str, days: tuple[int, ...], clock: int) -> tuple[list[int], int]:
        """Return which ages have passed since a date, and when the last of them did; the next one is waited for."""
        since, written = parse_time(self._said[key].facts[date]), self._written.get(key)
        same = written is not None and written.facts.get(date) == self._said[key].facts[date]
        before = written.facts.get(AGES[date], []) if written is not None and same else []
        passed = [age for age in days if since + age * _DAY_NANOSECONDS <= clock or age in before]
        waiting = [age for age in days if age not in passed]
        if waiting:
            heappush(self._passing, (since + waiting[0] * _DAY_NANOSECONDS, key))
        return passed, since + passed[-1] * _DAY_NANOSECONDS if passed else 0


def _record(said: Statement, since: str, ages: Event) -> SharedRecord:
    return SharedRecord(said.subject, said.source, said.time, since, {**said.facts, **ages})


def _is_said_again(record: SharedRecord, written: SharedRecord) -> bool:
    """Return whether nothing is new; of a workload it counts who said something last."""
    return record.facts == written.facts and (not record.subject.startswith(WORKLOAD) or record.time <= written.time)
