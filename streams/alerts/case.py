"""One alert while it is counted: what its rows come to, and its life, step by step in the order of the log.

Totals follow from the latest rows alone, and what is kept of all that ever was said (when first, when last, evidence, links) is the same
in any order. The life is told once: rows up to ``alert.offset`` have been lived through, and only count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from schemas.alert import Alert, Cause, Evidence, State, Step, alert_id
from schemas.policy import LEVELS
from streams.alerts.life import decided, is_live, is_overdue, left, opened, reached, recounted, returned
from streams.alerts.risk import parts_of, score_of
from streams.alerts.said import Said

__all__ = ["Case", "Counted", "Moment"]

_EVIDENCE: Final = 10
_USUAL_LEVEL: Final = "medium"
_ADDRESS: Final = "address:"
_WORDS: Final = 20
"""Links, techniques and classes of data of one alert, of each."""


class Moment(NamedTuple):
    """When what had come before was judged otherwise, and what time it was in the events then, in nanoseconds since 1970."""

    time: str
    clock: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What one row adds to its alert; ``last_event`` is the last one that it counts."""

    case: Case
    count: int
    outcome: str
    is_blocked: bool
    is_other: bool
    last_event: str


@dataclass(slots=True, eq=False)
class Case:
    """What is known of one alert.

    ``rows`` is how many rows count for it now. Without any, the totals are those of the alert as it was when the last one left.
    """

    alert: Alert
    rows: int = 0
    activities: int = 0
    beyond: int = 0
    blocked: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def about(cls, principal: str, cause: Cause, decided: int = -1) -> Case:
        """Return a new one, about which nothing can have been decided up to ``decided``."""
        state: State = "suppressed" if cause.is_exception else "open"
        return cls(Alert(alert_id(principal, cause), principal, cause, state, decided=decided))

    # What comes and goes

    def take(self, said: Said, before: Counted | None, offset: int, timeout: int, moment: Moment | None) -> Counted:
        """Count what a row says now instead of what it said before; let it move the life, if it stands behind ``alert.offset``.

        ``moment`` is None where something has come.
        """
        counted = Counted(self, said.count, said.outcome, said.is_blocked, said.is_other, said.last_event)
        is_news = said.count > (before.count if before else 0)
        if self.rows == 0:
            self.activities = self.beyond = self.blocked = 0
            self.outcomes.clear()
        self._add(counted, 1)
        if before is not None:
            self._add(before, -1)
        is_lived = offset <= self.alert.offset
        if not is_lived:
            self._live(said, timeout, moment, is_news=is_news)
        self.alert = _told(self.alert, said)
        if not is_lived:
            self.alert = replace(self.alert, offset=offset)
            if moment is not None:
                self._reach(moment, timeout)
        return counted

    def _live(self, said: Said, timeout: int, moment: Moment | None, *, is_news: bool) -> None:
        is_late = moment is not None and is_overdue(said.last, moment.clock, timeout)
        if not self.alert.steps:  # what is overdue would have opened it when it came
            self.alert = opened(self.alert, moment.time if moment and not is_late else said.evidence.time)
        elif moment is not None:
            self._reach(moment, timeout)
            self.alert = self.alert if is_late else recounted(self.alert, said.last, moment.time)
        elif is_news:
            self.alert = returned(self.alert, said.last, timeout)

    def leave(self, before: Counted, offset: int | None, step: Step, timeout: int, moment: Moment | None) -> None:
        """Count a row no longer; the last one to leave closes the alert by a step, and leaves its totals.

        ``offset`` is where that stands, None where it is no row; ``moment`` is None where something has come: only that takes back
        that an alert has expired.
        """
        if self.rows == 1:
            self.rows = 0
        else:
            self._add(before, -1)
        if offset is None or offset > self.alert.offset:
            self._close(step, timeout, moment)
            self.alert = replace(self.alert, offset=self.alert.offset if offset is None else offset)

    def _close(self, step: Step, timeout: int, moment: Moment | None) -> None:
        if self.rows:
            return
        if moment is None:
            self.alert = reached(self.alert, step.time, timeout)
        else:
            self._reach(moment, timeout)
        if is_live(self.alert):
            self.alert = left(self.alert, step)

    def _reach(self, moment: Moment, timeout: int) -> None:
        self.alert = decided(self.alert, moment.time, moment.clock, timeout)

    def _add(self, counted: Counted, sign: int) -> None:
        self.rows += sign
        self.activities += 0 if counted.is_other else sign
        self.beyond += sign * counted.count if counted.is_other else 0
        self.blocked += sign * counted.count if counted.is_blocked else 0
        self.outcomes[counted.outcome] += sign * counted.count

    def heed(self, decided: int) -> None:
        """Note up to which decision all have been heeded."""
        self.alert = replace(self.alert, decided=decided)

    def conclude(self) -> None:
        """Close it if it counts nothing any more, and nobody has seen why: that row is no longer kept."""
        if not self.rows and is_live(self.alert):
            step = Step(self.alert.last, "move", "tidewaiter", "what it counted is counted no longer")
            self.alert = left(self.alert, step)

    # How it stands

    def standing(self) -> Alert:
        """Return the alert with its totals and its score."""
        if not self.rows and not self.outcomes:
            return self.alert
        alert = replace(
            self.alert,
            level=self.alert.level or _USUAL_LEVEL,
            count=self.outcomes.total(),
            outcomes={name: number for name, number in sorted(self.outcomes.items()) if number},
            blocked=self.blocked,
            activities=self.activities,
            beyond=self.beyond,
        )
        parts = parts_of(alert)
        return replace(alert, parts=parts, score=score_of(parts))


def _told(alert: Alert, said: Said) -> Alert:
    """Return an alert with what was ever said of it; in whichever order it was, and again, it comes to the same."""
    first = min(filter(None, (alert.first, said.evidence.time)))
    last, last_event = max((alert.last, alert.last_event), (said.last, said.last_event))
    return replace(
        alert,
        title=max(alert.title, said.title),
        level=_graver(alert.level, said.level),
        first=first,
        last=last,
        last_event=last_event,
        techniques=_words(alert.techniques, said.techniques),
        data=_words(alert.data, said.data),
        links=_words(alert.links, said.links),
        exposure=_words(alert.exposure, said.exposure),
        evidence=_evidence(alert, said),
    )


def _graver(known: str, said: str) -> str:
    """Return the graver of two levels; a baseline, and what is beyond limits, says none."""
    return max(known, said, key=lambda level: LEVELS.index(level) if level in LEVELS else -1)


def _words(known: tuple[str, ...], said: Iterable[str]) -> tuple[str, ...]:
    """Return the words of both; where they are too many, rather names than addresses, which a scan has as many of as it likes."""
    new = set(said).difference(known)
    kept = sorted({*known, *new}, key=lambda word: (word.startswith(_ADDRESS), word))[:_WORDS] if new else known
    return tuple(sorted(kept))


def _evidence(alert: Alert, said: Said) -> tuple[Evidence, ...]:
    """Return the first pieces of evidence, one an event."""
    if said.is_other or (len(alert.evidence) == _EVIDENCE and alert.evidence[-1] <= said.evidence):
        return alert.evidence
    found = {one.event: one for one in sorted((*alert.evidence, said.evidence), reverse=True)}
    return tuple(sorted(found.values())[:_EVIDENCE])
