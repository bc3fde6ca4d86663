"""A rule: one Sigma detection with what a person needs to act on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from streams.rules.condition import Condition

__all__ = ["LEVELS", "Described", "Level", "LogSource", "Rule"]

Level = Literal["informational", "low", "medium", "high", "critical"]

LEVELS: Final[tuple[Level, ...]] = get_args(Level)
"""From the least to the gravest."""


@dataclass(frozen=True, slots=True, order=True)
class LogSource:
    """What a rule says its events come from; empty where it says nothing."""

    category: str = ""
    product: str = ""
    service: str = ""

    def __str__(self) -> str:
        parts = (("category", self.category), ("product", self.product), ("service", self.service))
        return ", ".join(f"{name}: {value}" for name, value in parts if value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What rules and correlations say of themselves; empty where it is left out.

    ``techniques`` are the ATT&CK ids among ``tags`` (``T1059.004``); ``remedy`` is what to do, from the attribute of that name,
    which is ours.
    """

    id: str
    title: str
    name: str
    description: str = ""
    author: str = ""
    status: str = ""
    tags: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    remedy: str = ""

    @property
    def label(self) -> str:
        """How it is called where one word must do: its id, else its name, else its title."""
        return self.id or self.name or self.title


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Described):
    """One detection.

    ``file`` and ``line`` say where it stands in the rule set; ``level`` is ``medium`` where the rule gives none. ``reported`` is
    false for a rule that only feeds correlations which say nothing of ``generate``.
    """

    level: Level
    file: str
    line: int
    logsource: LogSource
    condition: Condition
    reported: bool = True
