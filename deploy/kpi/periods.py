"""Key figures put together: of each hour or day what was counted in it, and how things stood at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from deploy.kpi.lives import Lives, lives_by_period
from schemas.alert import Alert
from schemas.kpi import UNDATED, KpiRecord

__all__ = ["BY", "By", "Period", "Span", "periods", "undated"]

By = Literal["hour", "day"]
BY: Final[Mapping[By, int]] = {"hour": len("2026-11-27T10"), "day": len("2026-11-27")}
"""How many characters of a time name its period."""

_LATEST: Final = datetime.max.replace(microsecond=0, tzinfo=UTC)
_OUTCOMES: Final = ("authorized", "unauthorized", "undetermined")
_TRAITS: Final = {
    "containers": ("root", "privileged", "covered", "unregistered", "unscanned", "vulnerable"),
    "images": ("unregistered", "unscanned", "vulnerable", "left out"),
    "principals": ("active",),
    "secrets": ("overdue",),
}


@dataclass(frozen=True, slots=True)
class Span:
    """Which periods are asked for: whole ones, from the one that ``begin`` lies in, before ``end``; empty for no bound."""

    by: By = "hour"
    begin: str = ""
    end: str = ""

    def period_of(self, moment: str) -> str:
        """Return the period in which an hour, or a time, lies."""
        return moment[: BY[self.by]]

    def holds(self, period: str) -> bool:
        """Return whether a period is asked for."""
        return period >= self.period_of(self.begin) and (not self.end or _start(period) < self.end)


@dataclass(frozen=True, slots=True)
class Period:
    """One hour or day; ``levels`` are how things stood at its end, None where nothing is known of them yet."""

    name: str
    counts: Counter[str]
    levels: Mapping[str, int] | None
    lives: Lives
    standing: Counter[str]

    def document(self) -> dict[str, Any]:
        """Return the period as JSON."""
        levels = self.levels
        return {
            "from": _start(self.name),
            "to": _end(self.name),
            **counted(self.counts),
            "alerts": self.lives.document(self.standing),
            "standing": None if levels is None else {name: _level(levels, name) for name in _TRAITS},
        }


def _start(period: str) -> str:
    return f"{period}:00:00Z" if len(period) == BY["hour"] else f"{period}T00:00:00Z"


def _end(period: str) -> str:
    """Return when a period ends; the last one that there is, with its last second."""
    begin = datetime.fromisoformat(_start(period))
    length = timedelta(hours=1) if len(period) == BY["hour"] else timedelta(days=1)
    return (begin + min(length, _LATEST - begin)).isoformat().replace("+00:00", "Z")


def _level(levels: Mapping[str, int], name: str) -> dict[str, int | None]:
    """Return how it stands with one kind of thing; None for what no registry or scanner has told."""
    known = levels.get(name, 0)
    figures = {trait.replace(" ", "_"): levels.get(f"{name}|{trait}", 0) for trait in _TRAITS[name]}
    unknown = []
    if "unregistered" in figures and not levels.get("registered"):
        unknown.append("unregistered")
    if "vulnerable" in figures and 0 < known == figures["unscanned"]:
        unknown.append("vulnerable")
    return {"all": known, **figures, **dict.fromkeys(unknown)}


def counted(counts: Counter[str]) -> dict[str, Any]:
    """Return counts as JSON, by what they are of."""
    causes = [
        {"outcome": outcome, "by": by, "name": name, "count": number}
        for (outcome, by, name), number in sorted(_causes(counts), key=lambda cause: (-cause[1], cause[0]))
    ]
    return {
        "verdicts": {name: sum(one["count"] for one in causes if one["outcome"] == name) for name in _OUTCOMES},
        "causes": causes,
        "blocked": {name: counts[f"blocked|{name}"] for name in ("platform", "tidewaiter")},
        "findings": _under(counts, "findings"),
        "gaps": counts["gaps"],
        "amended": _under(counts, "amended"),
        "changes": {name: counts[f"changes|{name}"] for name in ("policies", "rules", "access", "configuration")},
        "baselines": _under(counts, "baselines"),
    }


def _causes(counts: Counter[str]) -> Iterator[tuple[tuple[str, str, str], int]]:
    for figure, number in counts.items():
        kind, _, cause = figure.partition("|")
        if kind == "verdicts":
            outcome, by, name = cause.split("|", 2)
            yield (outcome, by, name), number


def _under(counts: Counter[str], kind: str) -> dict[str, int]:
    return {name.partition("|")[2]: number for name, number in sorted(counts.items()) if name.startswith(f"{kind}|")}


def undated(records: Iterable[KpiRecord]) -> Counter[str]:
    """Return what was counted of events whose time cannot be read."""
    found: Counter[str] = Counter()
    for record in records:
        if record.kind == "counts" and record.hour == UNDATED:
            found.update(record.figures)
    return found


def periods(records: Iterable[KpiRecord], alerts: Iterable[Alert], span: Span) -> Iterator[Period]:
    """Yield the periods that are asked for and in which anything was counted, changed, or done about an alert, in order."""
    counts, standings = _by_period(records, span)
    lives, standing = lives_by_period(alerts, span.period_of), Counter[str]()
    levels = _Standing()
    for name in sorted({*counts, *standings, *lives}):
        levels.take(standings.get(name, ()))
        standing.update(lives[name].moved if name in lives else {})
        if span.holds(name):
            known = lives.get(name, Lives())
            yield Period(name, counts.get(name, Counter()), levels.figures(), known, standing.copy())


def _by_period(records: Iterable[KpiRecord], span: Span) -> tuple[dict[str, Counter[str]], dict[str, list[KpiRecord]]]:
    counts: dict[str, Counter[str]] = {}
    standings: dict[str, list[KpiRecord]] = {}
    for record in records:
        period = span.period_of(record.hour)
        if record.hour == UNDATED:
            continue
        if record.kind == "levels":
            standings.setdefault(period, []).append(record)
        else:
            counts.setdefault(period, Counter()).update(record.figures)
    return counts, standings


@dataclass(slots=True)
class _Standing:
    """How things stand: of each partition as it was last noted."""

    _latest: dict[int, KpiRecord] = field(default_factory=dict)
    _figures: Mapping[str, int] | None = None

    def take(self, records: Iterable[KpiRecord]) -> None:
        """Take what was noted in one period."""
        for record in sorted(records, key=lambda record: record.hour):
            self._latest[record.partition] = record
            self._figures = None

    def figures(self) -> Mapping[str, int] | None:
        """Return the sums over partitions; what several of them name counts once."""
        if self._figures is None and self._latest:
            figures: Counter[str] = Counter()
            members: dict[str, set[str]] = {}
            for record in self._latest.values():
                figures.update(record.figures)
                for name, found in record.members.items():
                    members.setdefault(name, set()).update(found)
            self._figures = dict(figures) | {name: len(found) for name, found in members.items()}
        return self._figures
