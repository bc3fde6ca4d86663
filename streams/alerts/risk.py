"""How grave an alert is, as a number from 0 to 100 that is the sum of parts which a person can read."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from schemas.alert import Alert, Part

__all__ = ["parts_of", "score_of"]

_LEVELS: Final = MappingProxyType({"informational": 5, "low": 15, "medium": 30, "high": 50, "critical": 70})
_EXPOSURE: Final = MappingProxyType(
    {
        "outside": (10, "it has to do with an address outside"),
        "privileged": (10, "it may do whatever the host's root may"),
    }
)
_DATA_POINTS: Final = 10
_RARE_POINTS: Final = 10
_RARE: Final = 3
_STOPPED_POINTS: Final = -15
_MOST: Final = 100


def score_of(parts: tuple[Part, ...]) -> int:
    """Return the sum of parts, within bounds."""
    return max(0, min(sum(part.points for part in parts), _MOST))


def parts_of(alert: Alert) -> tuple[Part, ...]:
    """Return what the score of an alert is made of; a pure function of what it counts."""
    return tuple(_parts(alert))


def _parts(alert: Alert) -> Iterator[Part]:
    yield Part("level", _LEVELS.get(alert.level, 0), f"its level is {alert.level}")
    for name in alert.exposure:
        if name in _EXPOSURE:
            yield Part("exposure", *_EXPOSURE[name])
    if alert.data:
        yield Part("data", _DATA_POINTS, f"it touches {', '.join(alert.data)} data")
    if 0 < alert.count <= _RARE:
        yield Part("rarity", _RARE_POINTS, f"it happened {alert.count} times: what is usual comes more often")
    if alert.count and alert.blocked == alert.count:
        yield Part("blocked", _STOPPED_POINTS, "Tidewaiter blocked all of it")
    elif alert.count and alert.outcomes.get("failure") == alert.count:
        yield Part("blocked", _STOPPED_POINTS, "the platform refused all of it")
