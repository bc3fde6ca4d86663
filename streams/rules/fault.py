"""One thing that keeps a rule out of a rule set."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RuleFault"]


@dataclass(frozen=True, slots=True, order=True)
class RuleFault:
    """A rule, correlation, filter or document that is left out, and why.

    ``rule`` is its title (or the path of keys where there is none); ``line`` is 1-based and that of the key that is wrong.
    """

    file: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        """Return ``file:line: rule: message``, which editors can jump to."""
        return f"{self.file}:{self.line}: {self.rule}: {self.message}"
