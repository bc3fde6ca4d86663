"""Measured resources as activities: a number differs every time, its band (a quarter of an octave) repeats.

The band is ``floor(4 * log2(value))``. Below a floor of its metric everything is in the floor's band, zero too, so that a
container that does nothing does not wander among bands: 1/64 of a core, 1 MiB of memory, one process, 1 KiB/s.
"""

from __future__ import annotations

from math import floor, isfinite, log2
from types import MappingProxyType
from typing import Any, Final

from schemas.codec import Event

__all__ = ["FLOORS", "band_of", "resource_of"]

FLOORS: Final = MappingProxyType(
    {
        "cpu": 1 / 64,
        "memory": 1024.0 * 1024,
        "pids": 1.0,
        "network.received": 1024.0,
        "network.sent": 1024.0,
        "disk.read": 1024.0,
        "disk.written": 1024.0,
    }
)
"""Each metric that there is, and the value at and below which all is one band, in the metric's unit."""

_BANDS_AN_OCTAVE: Final = 4


def band_of(metric: str, value: float) -> int:
    """Return the band of a value that is not negative."""
    return floor(_BANDS_AN_OCTAVE * log2(max(value, FLOORS[metric])))


def resource_of(metric: str, value: Any) -> Event | None:
    """Return ``resource.*`` of a measured value; None if it is no number that can be one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
        return None
    return {"resource.metric": metric, "resource.band": band_of(metric, value), "resource.value": float(value)}
