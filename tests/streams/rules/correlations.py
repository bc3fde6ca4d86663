"""Rules and correlations as values, for tests that need no files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streams.rules.condition import And
from streams.rules.correlation import Bound, Correlation
from streams.rules.rule import LogSource, Rule
from streams.rules.windows import SECOND, Entry

PROCESSES = LogSource("process_creation", "linux")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a rule set is to those that count."""

    rules: tuple[Rule, ...]
    correlations: tuple[Correlation, ...]
    hash: str = "0123456789abcdef0123456789abcdef"


def rule(name: str, logsource: LogSource = PROCESSES) -> Rule:
    return Rule(
        id="", title=name, name=name, level="low", file=f"{name}.yml", line=1, logsource=logsource, condition=And(())
    )


def at_least(count: float) -> tuple[Bound, ...]:
    return (Bound("gte", count),)


def correlation(name: str, *rules: str, **options: Any) -> Correlation:
    """Return a correlation that counts three events in ten seconds, where ``options`` say nothing else."""
    values: dict[str, Any] = {
        "id": "",
        "title": name,
        "name": name,
        "level": "high",
        "file": f"{name}.yml",
        "line": 1,
        "type": "event_count",
        "group_by": (),
        "timespan_seconds": 10,
        "bounds": at_least(3),
    }
    return Correlation(rules=rules, **values | options)


def entry(seconds: float, rules: str = "a", values: str = "", name: str = "") -> Entry:
    """Return a hit at a time, of the rules and with the values that the letters name."""
    time = round(seconds * SECOND)
    words = tuple(values.split())
    return Entry(time, name or f"event-{time}-{rules}-{values}", tuple(rules), words, "entity", "principal")
