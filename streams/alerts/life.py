"""The life of an alert: opened, acknowledged, closed by whom or what, and opened again; pure, by the events' own time."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from schemas.alert import Action, Alert, State, Step
from schemas.errors import Invalid
from schemas.event import parse_time, timestamp

__all__ = [
    "acknowledged",
    "closed",
    "decided",
    "expired",
    "is_live",
    "is_overdue",
    "left",
    "opened",
    "reached",
    "recounted",
    "returned",
]

_OURSELVES: Final = "tidewaiter"
_ANSWERED: Final = frozenset({"open", "acknowledged"})


def is_live(alert: Alert) -> bool:
    """Return whether something comes, or was, that is not dealt with yet."""
    return alert.state != "closed"


def is_overdue(last: str, clock: int, timeout: int) -> bool:
    """Return whether what came last, at ``last``, has expired at a time of the events; both are in nanoseconds."""
    return clock - parse_time(last) >= timeout


def opened(alert: Alert, time: str) -> Alert:
    """Return a new alert, open."""
    return _opened(alert, "open", time, "first seen")


def returned(alert: Alert, last: str, timeout: int) -> Alert:
    """Return an alert of which more has come, at ``last``; ``timeout`` is in nanoseconds.

    A closed one is opened again, unless what came is of the time that a person has closed.
    """
    return _again(reached(alert, last, timeout), last)


def recounted(alert: Alert, last: str, time: str) -> Alert:
    """Return an alert that since ``time`` counts what had come before, at ``last``, and was counted elsewhere."""
    has_expired = alert.state == "closed" and alert.steps[-1].action == "expire"
    if alert.state == "closed" and (has_expired or last > alert.closed):
        return _opened(alert, "reopen", time, "what came before is counted here now")
    return alert


def reached(alert: Alert, time: str, timeout: int) -> Alert:
    """Return an alert as it is at a time of the events, whoever has looked at a clock meanwhile, or has not.

    One of which nothing had come for the timeout has expired, and one that has expired only later has not yet.
    """
    if alert.state != "closed":
        return expired(alert, timeout) if parse_time(time) - parse_time(alert.last) > timeout else alert
    has_expired = alert.steps[-1].action == "expire"
    return _before(alert) if has_expired and time <= alert.closed else alert


def decided(alert: Alert, time: str, clock: int, timeout: int) -> Alert:
    """Return an alert as it is when something is decided about what had come: at ``time``, when it was ``clock`` in the events.

    It has expired by then, or has not yet, whoever has looked meanwhile.
    """
    if is_live(alert):
        return expired(alert, timeout) if is_overdue(alert.last, clock, timeout) else alert
    return reached(alert, time, timeout)


def _again(alert: Alert, last: str) -> Alert:
    if alert.state == "closed" and last > alert.closed:
        return _opened(alert, "reopen", last, "it came back")
    return alert


def _before(alert: Alert) -> Alert:
    """Return an alert as it was before it expired."""
    steps = alert.steps[:-1]
    acknowledged_since = bool(steps) and steps[-1].action == "acknowledge"
    return replace(alert, state="acknowledged" if acknowledged_since else _open_of(alert), steps=steps, closed="")


def expired(alert: Alert, timeout: int) -> Alert:
    """Return an alert closed because nothing has come for the timeout."""
    until = timestamp(parse_time(alert.last) + timeout)
    reason = f"nothing more has come for {timeout / 3.6e12:g} hours"
    return _closed(alert, Step(until, "expire", _OURSELVES, reason), until)


def left(alert: Alert, step: Step) -> Alert:
    """Return an alert of which nothing is left: it is authorized now, or counted elsewhere; whatever comes opens it again."""
    return _closed(alert, step, "")


def acknowledged(alert: Alert, author: str, reason: str, time: str) -> Alert:
    """Return an alert that a person looks after; raise ``Invalid`` where nothing is to be looked after."""
    _check(alert)
    return alert.stepped("acknowledged", Step(time, "acknowledge", author, reason))


def closed(alert: Alert, author: str, reason: str, time: str, until: str) -> Alert:
    """Return an alert that a person has closed who has seen all of it up to ``until``; what had come since has opened it again.

    Nobody has seen what happens later than the decision, though a clock that ran ahead may say so.
    """
    _check(alert)
    found = _again(_closed(alert, Step(time, "close", author, reason), until), alert.last)
    return replace(found, closed=min(found.closed, time))


def _check(alert: Alert) -> None:
    if alert.state not in _ANSWERED:
        raise Invalid(f"the alert is {alert.state} already: there is nothing to decide")


def _opened(alert: Alert, action: Action, time: str, reason: str) -> Alert:
    step = Step(time, action, _OURSELVES, reason)
    return alert.stepped(_open_of(alert), step, opened=time, openings=alert.openings + 1, closed="")


def _open_of(alert: Alert) -> State:
    return "suppressed" if alert.cause.is_exception else "open"


def _closed(alert: Alert, step: Step, until: str) -> Alert:
    return alert.stepped("closed", step, closed=until)
