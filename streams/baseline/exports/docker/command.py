"""A command in the making: flags, and notes on what is open, never used, or not to be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.baseline import Baseline, Element
from streams.baseline.exports.settings import Settings

__all__ = ["Command"]


@dataclass(frozen=True, slots=True)
class Command:
    """What is known, and what was made of it so far; the parts of the command add to it in turn."""

    baseline: Baseline
    settings: Settings
    flags: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, flag: str) -> None:
        """Add a flag with its value, ``--name=value``, not yet quoted."""
        self.flags.append(flag)

    def note(self, kind: str, text: str) -> None:
        """Add a note: ``Open``, ``Left out``, ``Never used``, ``Not observable``, ``Could be`` or ``Note``."""
        self.notes.append(f"{kind}: {text}.")

    def observed(self, dimension: str) -> tuple[Element, ...] | None:
        """Return the elements of a dimension; None where it is not in the baseline, so that nothing follows from it."""
        return self.baseline.elements.get(dimension)
