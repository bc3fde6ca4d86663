"""Quantities as Kubernetes writes them: ``512Mi``, ``1.5``, ``100m``, ``1e3``."""

from __future__ import annotations

import math
import re
from types import MappingProxyType
from typing import Any, Final

__all__ = ["quantity_of"]

_SHAPE: Final = re.compile(r"(\d{1,18}(?:\.\d{0,18})?(?:[eE][+-]?\d{1,2})?)([A-Za-z]{0,2})\Z", re.ASCII)
_UNITS: Final = MappingProxyType(
    {"": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
    | {f"{prefix}i": 1024.0**power for power, prefix in enumerate("KMGTPE", start=1)}
)
_LIMIT: Final = 2.0**63


def quantity_of(value: Any) -> float | None:
    """Return the number of a quantity, or None if it is none, negative or above 64 bits."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    match = _SHAPE.match(str(value).strip())
    factor = _UNITS.get(match[2]) if match else None
    if match is None or factor is None:
        return None
    number = float(match[1]) * factor
    return number if math.isfinite(number) and number < _LIMIT else None
