"""What became of alerts, by period: how many were opened, acknowledged and closed, how fast, and how many waited at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from schemas.alert import Action, Alert
from schemas.event import parse_time

__all__ = ["Lives", "lives_by_period"]

_OPENS: Final[frozenset[Action]] = frozenset({"open", "reopen"})
_STANDING: Final = {"open": "open", "reopen": "open", "acknowledge": "acknowledged"}
_SECOND: Final = 1_000_000_000


@dataclass(slots=True)
class Lives:
    """Steps of alerts in one period, by what was done; ``waited`` is the seconds from opening to the step."""

    steps: Counter[str] = field(default_factory=Counter)
    waited: dict[str, list[float]] = field(default_factory=dict)
    moved: Counter[str] = field(default_factory=Counter)

    def document(self, standing: Counter[str]) -> dict[str, Any]:
        """Return them as JSON; ``standing`` is how many alerts were in which state at the end of the period."""
        closed = {name: number for name, number in sorted(self.steps.items()) if name not in {*_STANDING}}
        return {
            "opened": self.steps["open"] + self.steps["reopen"],
            "acknowledged": self.steps["acknowledge"],
            "closed": sum(closed.values()),
            "closed_by": closed,
            "seconds_to_acknowledge": _spread(self.waited.get("acknowledge", [])),
            "seconds_to_close": _spread(self.waited.get("close", [])),
            "open_at_end": standing["open"],
            "acknowledged_at_end": standing["acknowledged"],
        }


def _spread(seconds: list[float]) -> dict[str, float] | None:
    return {"median": round(median(seconds), 3), "max": round(max(seconds), 3)} if seconds else None


def lives_by_period(alerts: Iterable[Alert], period_of: Callable[[str], str]) -> dict[str, Lives]:
    """Return what became of alerts by period; those of what an exception allows are none.

    How long a person took is told of closing by a person alone: what expires, or is authorized, is not answered faster by anyone.
    """
    found: dict[str, Lives] = {}
    for alert in alerts:
        if not alert.cause.is_exception:
            for time, action, before, waited in _steps(alert):
                lives = found.setdefault(period_of(time), Lives())
                lives.steps[action] += 1
                lives.moved.subtract([before] if before else [])
                lives.moved.update([_STANDING[action]] if action in _STANDING else [])
                if action in {"acknowledge", "close"} and waited is not None:
                    lives.waited.setdefault(action, []).append(waited)
    return found


def _steps(alert: Alert) -> Iterator[tuple[str, Action, str, float | None]]:
    """Yield of each step when it was, what was done, in which state the alert was before, and for how many seconds it was open.

    A step that was taken by an earlier clock than the one before is put where that was, so that states follow each other.
    """
    time, state, opened = "", "", ""
    for step in alert.steps:
        time = max(time, step.time)
        if step.action in _OPENS:
            opened = time
        waited = (parse_time(time) - parse_time(opened)) / _SECOND if opened else None
        yield time, step.action, state, waited
        state = _STANDING.get(step.action, "")
