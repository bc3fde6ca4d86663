"""The alerts of one partition of principals: what rows and people say of them, and what is written of each, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, Protocol

from schemas.alert import Action, Alert, Cause, Step, alert_id
from schemas.alert_decision import AlertDecision
from schemas.baseline import Baseline
from schemas.codec import decode
from schemas.errors import Invalid
from schemas.event import parse_time, timestamp
from schemas.policyset import PolicySet
from schemas.settings import AlertSettings
from streams.alerts.case import Case, Counted, Moment
from streams.alerts.life import acknowledged, closed, expired, is_live
from streams.alerts.said import Said, may_say, said_of
from streams.baseline.rules import LearnRules
from streams.correlate.clock import EventsClock
from streams.correlate.types import Record

__all__ = ["AlertShard", "Known"]

_MILLISECOND: Final = 1_000_000
_HOUR: Final = 3_600_000_000_000
_MINUTE: Final = 60_000_000_000
_BASELINE: Final = "baseline"
_OURSELVES: Final = "tidewaiter"
_UNKNOWN: Final = "unknown:"
_KNOWN_NOW: Final = "its container is known now, and what it did was judged again by that"
_SAID_NO_LONGER: Final = "who said it has said something else since"


class Known(Protocol):
    """Baselines of the same principals, fed with the same rows."""

    def in_force(self, principal: str) -> Baseline | None:
        """Return the version in force of a principal."""

    def rows_of(self, principal: str) -> Iterable[bytes]:
        """Return the keys of what was seen of a principal."""

    def knows(self, principal: str, key: bytes) -> bool:
        """Return whether the version in force knows all that a row adds."""


class AlertShard:
    """Alerts of one partition; pure: what it returns follows from what it was given.

    What is new, or has moved in its life, is written with the next tick; how much more has come of it, once in a while.
    """

    def __init__(self, policies: PolicySet, settings: AlertSettings) -> None:
        self._people = LearnRules.of(policies).people
        self._timeout = round(settings.hours * _HOUR)
        self._update_ms = round(settings.update_seconds * 1000)
        self._clock = EventsClock()
        self._cases: dict[str, Case] = {}
        self._counted: dict[bytes, Counted] = {}
        self._released: dict[bytes, str] = {}
        self._written: dict[str, Alert] = {}
        self._written_ms: dict[str, int] = {}
        self._due: dict[str, None] = {}
        self._versions: dict[str, int] = {}
        self._doubtful: dict[bytes, str] = {}
        self._position = -1
        self._looked = 0
        self._heard = -1

    def adopt(self, policies: PolicySet) -> None:
        """Take a changed policy set, which says who may decide."""
        self._people = LearnRules.of(policies).people

    def take_alert(self, value: bytes | None) -> None:
        """Take what an earlier worker wrote, before any row and decision; raise ``Invalid`` for what is no alert."""
        if value is not None:
            alert = Alert.decode(value)
            self._cases[alert.id] = Case(alert)
            self._written[alert.id] = alert
            self._due[alert.id] = None

    # Rows

    def take_row(self, key: bytes, value: bytes | None, offset: int, appended_ms: int) -> None:
        """Take a row, in the order of the log and perhaps again; raise ``Invalid`` for what cannot be read, which changes nothing then."""
        before = self._counted.get(key)
        if offset <= self._position or (before is None and (value is None or not may_say(value))):
            return
        said = None if value is None else said_of(decode(value))
        self._position = offset
        if said is None or said.cause is None:
            self._let_go(key, said, offset, appended_ms)
        else:
            self._count(key, said, said.cause, offset, appended_ms)
            self._clock.saw(parse_time(said.last) // _MILLISECOND, appended_ms)

    def _count(self, key: bytes, said: Said, cause: Cause, offset: int, appended_ms: int) -> None:
        case, before = self._case_of(said.principal, cause), self._counted.get(key)
        moment = self._moment(said, before.last_event if before else self._released.pop(key, ""), appended_ms)
        if before is not None and before.case is not case:
            reason = f"it is of another cause now: {cause.kind} {cause.name} {cause.detail}".rstrip()
            self._leave(before, offset, _step(said, before, moment, "move", _OURSELVES, reason), moment)
            before = None
        elif before is not None:
            moment = None
        self._counted[key] = case.take(said, before, offset, self._timeout, moment)
        self._due[case.alert.id] = None
        if cause.kind == _BASELINE:
            self._versions.setdefault(said.principal, 0)
            self._doubtful[key] = said.principal

    def _case_of(self, principal: str, cause: Cause) -> Case:
        identifier = alert_id(principal, cause)
        case = self._cases.get(identifier)
        if case is None:
            case = self._cases[identifier] = Case.about(principal, cause, decided=self._heard)
        return case

    def _let_go(self, key: bytes, said: Said | None, offset: int, appended_ms: int) -> None:
        before = self._counted.pop(key, None)
        if before is None:
            return
        moment = self._moment(said, before.last_event, appended_ms)
        if said is None:
            unknown = before.case.alert.principal.startswith(_UNKNOWN)
            reason = _KNOWN_NOW if unknown else _SAID_NO_LONGER
            self._leave(before, offset, Step(before.case.alert.last, "move", _OURSELVES, reason), moment)
            return
        self._released[key] = said.last_event
        reason = said.evidence.reason
        if said.is_authorized:
            step = _step(said, before, moment, "authorize", said.author, reason)
        else:
            step = _step(said, before, moment, "move", _OURSELVES, f"it is undetermined now: {reason}")
        self._leave(before, offset, step, moment)

    def _leave(self, before: Counted, offset: int | None, step: Step, moment: Moment | None) -> None:
        before.case.leave(before, offset, step, self._timeout, moment)
        self._due[before.case.alert.id] = None

    def _moment(self, said: Said | None, last_event: str, appended_ms: int) -> Moment | None:
        """Return when a row came to say something else of the same events, or nothing any more; None where an event has come."""
        if said is not None and said.last_event != last_event:
            return None
        return Moment(timestamp(appended_ms * _MILLISECOND), self._events_time(appended_ms))

    def _events_time(self, now_ms: int) -> int:
        """Return nanoseconds since 1970 in the events at a time of the broker; 0 before the first row."""
        return (self._clock.time_ms(now_ms) or 0) * _MILLISECOND

    def compare(self, baselines: Known) -> None:
        """Let go what the version in force knows now, though it has not happened again since."""
        for principal, version in self._versions.items():
            baseline = baselines.in_force(principal)
            if baseline is not None and baseline.version != version:
                self._versions[principal] = baseline.version
                self._doubtful |= dict.fromkeys(baselines.rows_of(principal), principal)
        doubtful, self._doubtful = self._doubtful, {}
        for key, principal in doubtful.items():
            before, baseline = self._counted.get(key), baselines.in_force(principal)
            if before is None or baseline is None or before.case.alert.cause.kind != _BASELINE:
                continue
            if baselines.knows(principal, key):
                del self._counted[key]
                reason, last = f"baseline v{baseline.version} knows it: {baseline.reason}", before.case.alert.last
                approved = baseline.approved or last
                moment = Moment(approved, self._events_time(parse_time(approved) // _MILLISECOND))
                self._leave(before, None, Step(max(approved, last), "authorize", baseline.author, reason), moment)

    # People

    def take_decision(self, key: bytes, value: bytes, offset: int, appended_ms: int) -> list[Record]:
        """Carry a decision out; raise ``Invalid`` for one that is not signed by an enrolled person, or cannot be carried out."""
        self._heard = max(self._heard, offset)
        decision = AlertDecision.decode(value)
        if decision.principal.encode() != key:
            raise Invalid(f"a decision about an alert of {decision.principal[:200]} with another key")
        case = self._cases.get(decision.alert)
        if case is None or case.alert.principal != decision.principal:
            raise Invalid(f"there is no alert {decision.alert[:64]} of {decision.principal[:200]}")
        if offset <= case.alert.decided:
            return []
        case.heed(offset)
        self._due[case.alert.id] = None
        self._check(decision, case.alert)
        time = timestamp(appended_ms * _MILLISECOND)
        if decision.action == "close":
            case.alert = closed(case.alert, decision.author, decision.reason, time, decision.until)
        else:
            case.alert = acknowledged(case.alert, decision.author, decision.reason, time)
        return [self._record(case.standing())]

    def _check(self, decision: AlertDecision, alert: Alert) -> None:
        public_key = self._people.get(decision.author)
        if public_key is None:
            raise Invalid(f"{decision.author[:64]} is not enrolled; put the public key under `people` in a policy")
        if not decision.is_signed_by(public_key):
            raise Invalid(f"the signature is not that of {decision.author[:64]}")
        if decision.opening != alert.openings:
            raise Invalid("it was opened again since it was looked at; look again and decide again")

    # Time

    def tick(self, now_ms: int) -> list[Record]:
        """Return the alerts that are to be written now."""
        self._expire(self._events_time(now_ms))
        due, self._due = sorted(self._due), {}
        return [record for identifier in due if (record := self._look(identifier, now_ms))]

    def _expire(self, clock: int) -> None:
        if clock - self._looked < _MINUTE:
            return
        self._looked, oldest = clock, timestamp(clock - self._timeout)
        for identifier, case in self._cases.items():
            if is_live(case.alert) and case.alert.last <= oldest:
                case.alert = expired(case.alert, self._timeout)
                self._due[identifier] = None

    def _look(self, identifier: str, now_ms: int) -> Record | None:
        self._cases[identifier].conclude()
        alert, written = self._cases[identifier].standing(), self._written.get(identifier)
        if written is None or alert.steps != written.steps:
            self._written_ms[identifier] = now_ms
            return self._record(alert)
        if _content(alert) == _content(written):
            return None
        if now_ms - self._written_ms.get(identifier, 0) < self._update_ms:
            self._due[identifier] = None
            return None
        self._written_ms[identifier] = now_ms
        return self._record(alert)

    def _record(self, alert: Alert) -> Record:
        self._written[alert.id] = alert
        return "alerts", alert.id.encode(), alert.encode()


def _step(said: Said, before: Counted, moment: Moment | None, action: Action, author: str, reason: str) -> Step:
    """Return the step that a row makes: when something has come, or, where it is decided about what had, when that was written."""
    time = said.last if moment is None else max(moment.time, before.case.alert.last)
    return Step(time, action, author, reason)


def _content(alert: Alert) -> Alert:
    """Return what is worth writing: not that rows were read which say the same again."""
    return replace(alert, offset=-1)
