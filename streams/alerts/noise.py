"""What is told most often, and an exception that would set it aside, ready for a policy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from schemas.alert import Alert, Cause

__all__ = ["Noise", "exception_for", "noise_of"]

_WILD: Final = str.maketrans({"*": "[*]", "?": "[?]", "[": "[[]"})
_KINDS: Final = {"policy": "clause", "rule": "rule", "correlation": "rule", "sensor": "rule"}


@dataclass(frozen=True, slots=True)
class Noise:
    """One cause, and the alerts that it has raised, the noisiest first."""

    cause: Cause
    alerts: tuple[Alert, ...]

    @property
    def count(self) -> int:
        """Return how many events it was."""
        return sum(alert.count for alert in self.alerts)

    @property
    def openings(self) -> int:
        """Return how often somebody was told."""
        return sum(alert.openings for alert in self.alerts)


def noise_of(alerts: Iterable[Alert]) -> list[Noise]:
    """Return the causes of which was told most often, then those with most events; what is set aside already is none."""
    by_cause: dict[Cause, list[Alert]] = {}
    for alert in alerts:
        if not alert.cause.is_exception:
            by_cause.setdefault(alert.cause, []).append(alert)
    found = [
        Noise(cause, tuple(sorted(those, key=lambda one: (-one.openings, -one.count, one.principal))))
        for cause, those in by_cause.items()
    ]
    return sorted(found, key=lambda one: (-one.openings, -one.count, one.cause))


def exception_for(noise: Noise, owner: str, expires: str) -> dict[str, Any] | None:
    """Return an exception as it stands in a policy; None where a baseline is to be approved instead."""
    kind, cause = _KINDS.get(noise.cause.kind), noise.cause
    if kind is None:
        return None
    called = f"{cause.name}: {cause.detail}" if kind == "clause" else cause.name.translate(_WILD)
    return {
        kind: called,
        "principal": sorted({alert.principal.translate(_WILD) for alert in noise.alerts}),
        "reason": "say why it is meant",
        "owner": owner,
        "expires": expires,
    }
