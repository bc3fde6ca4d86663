"""Policies that would set the noisiest causes aside, as a person may paste them: with an owner, and an end."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from streams.alerts.noise import Noise, exception_for
from streams.baseline.exports.yamltext import dump_yaml

__all__ = ["exception_text"]

_DAYS: Final = 30
_NAME: Final = "exceptions-from-alerts"


def exception_text(noise: Noise, owner: str, today: date) -> str:
    """Return a policy with one exception, which passes ``policy check`` beside the policies in force; empty where a baseline decides."""
    written = exception_for(noise, owner, (today + timedelta(days=_DAYS)).isoformat())
    return "" if written is None else dump_yaml({"policy": _NAME, "exceptions": [written]})
