"""Rules in Sigma's format: read with pySigma, matched by a matcher of our own."""

from __future__ import annotations

from streams.rules.correlation import Alias, Bound, Correlation
from streams.rules.rule import LEVELS, Level, LogSource, Rule

__all__ = ["LEVELS", "Alias", "Bound", "Correlation", "Level", "LogSource", "Rule"]
