"""Alerts that tell one story: of one entity, workload, user, node or address, one not long after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from schemas.alert import Alert
from schemas.event import parse_time
from schemas.policy import LEVELS

__all__ = ["WINDOW_HOURS", "Incident", "Moment", "incidents_of"]

WINDOW_HOURS: Final = 1.0
"""How long one alert may lie behind another of the same story."""

_HOUR: Final = 3.6e12
_UNKNOWN: Final = "unknown:"
_EACH: Final = 5
_MOST: Final = 100

Homes = Mapping[str, Iterable[str]]
"""By principal, the hosts on which it runs or ran."""


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """One thing that happened, and the alert that says so."""

    time: str
    principal: str
    reason: str
    alert: str
    event: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Incident:
    """Alerts of one story in the order in which they began, and what they have in common; ``id`` is that of the first one."""

    id: str
    alerts: tuple[Alert, ...]
    links: tuple[str, ...]

    @property
    def level(self) -> str:
        """Return the gravest level."""
        return max((alert.level for alert in self.alerts), key=LEVELS.index)

    @property
    def score(self) -> int:
        """Return the highest score."""
        return max(alert.score for alert in self.alerts)

    @property
    def first(self) -> str:
        """Return when it began."""
        return min(alert.opened for alert in self.alerts)

    @property
    def last(self) -> str:
        """Return when something of it was seen last."""
        return max(alert.last for alert in self.alerts)

    @property
    def principals(self) -> tuple[str, ...]:
        """Return who takes part, in the order in which they do."""
        return tuple(dict.fromkeys(alert.principal for alert in self.alerts))

    @property
    def techniques(self) -> tuple[str, ...]:
        """Return the techniques of all alerts."""
        return tuple(sorted({one for alert in self.alerts for one in alert.techniques}))

    @property
    def chain(self) -> tuple[Moment, ...]:
        """Return what happened in order; of each alert the first things, and of a long story the beginning."""
        return tuple(sorted(moment for alert in self.alerts for moment in _moments(alert))[:_MOST])

    def as_json(self) -> dict[str, Any]:
        """Return the story for machines."""
        return {
            "id": self.id,
            "level": self.level,
            "score": self.score,
            "first": self.first,
            "last": self.last,
            "principals": self.principals,
            "techniques": self.techniques,
            "links": self.links,
            "alerts": [alert.id for alert in self.alerts],
            "chain": [{name: getattr(moment, name) for name in Moment.__slots__} for moment in self.chain],
        }


def _moments(alert: Alert) -> Iterator[Moment]:
    """Yield what is known of an alert, with the same words once."""
    told: dict[str, Moment] = {}
    for one in alert.evidence:
        moment = Moment(one.time, alert.principal, one.reason, alert.id, one.event, one.outcome)
        told.setdefault(one.reason, moment)
    yield from list(told.values())[:_EACH]


def incidents_of(alerts: Iterable[Alert], homes: Homes, window_hours: float = WINDOW_HOURS) -> list[Incident]:
    """Return stories in the order of their beginning, also those of one alert.

    What exceptions set aside tells none, nor what a container did before it was known: it is told of under its name. A pure function of its arguments, in whichever order alerts come.
    """
    told = sorted(filter(_tells, alerts), key=lambda one: (one.opened, one.id))
    groups = _Groups(len(told))
    linked = [_links_of(alert, homes) for alert in told]
    by_link: defaultdict[str, list[int]] = defaultdict(list)
    for number, links in enumerate(linked):
        for link in links:
            by_link[link].append(number)
    for numbers in by_link.values():
        _join(groups, told, numbers, round(window_hours * _HOUR))
    return [_incident([(told[one], linked[one]) for one in members]) for members in groups.members()]


def _tells(alert: Alert) -> bool:
    became_known = alert.principal.startswith(_UNKNOWN) and alert.state == "closed" and alert.steps[-1].action == "move"
    return not (alert.cause.is_exception or became_known)


def _links_of(alert: Alert, homes: Homes) -> frozenset[str]:
    return frozenset({alert.principal, *alert.links, *(f"host:{host}" for host in homes.get(alert.principal, ()))})


def _join(groups: _Groups, alerts: list[Alert], numbers: list[int], window: int) -> None:
    """Put alerts of one link together where each begins not later than the window behind the end of one before."""
    last = None
    for before, number in pairwise(numbers):
        ended = parse_time(alerts[before].last)
        last = ended if last is None else max(last, ended)
        if parse_time(alerts[number].opened) - last <= window:
            groups.unite(before, number)


def _incident(members: list[tuple[Alert, frozenset[str]]]) -> Incident:
    alerts = tuple(alert for alert, _ in members)
    counted: defaultdict[str, int] = defaultdict(int)
    for _, links in members:
        for link in links:
            counted[link] += 1
    return Incident(alerts[0].id, alerts, tuple(sorted(link for link, number in counted.items() if number > 1)))


class _Groups:
    """Numbers in groups that grow together; each group is known by its smallest number."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def unite(self, one: int, other: int) -> None:
        first, second = sorted((self._root(one), self._root(other)))
        self._parents[second] = first

    def _root(self, number: int) -> int:
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number

    def members(self) -> list[list[int]]:
        """Return the groups in the order of their smallest numbers."""
        found: dict[int, list[int]] = {}
        for number in range(len(self._parents)):
            found.setdefault(self._root(number), []).append(number)
        return list(found.values())
