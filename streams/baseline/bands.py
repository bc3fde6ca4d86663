"""Ranges of bands as one word: ``-3..12`` is every band from -3 to 12, a single band stays the number it is."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["band_range", "band_word"]

_RANGE: Final = re.compile(r"(-?[0-9]{1,9})(?:\.\.(-?[0-9]{1,9}))?")


def band_range(word: str) -> tuple[int, int] | None:
    """Return the lowest and highest band of a word; None for what is neither a band nor a range of them."""
    found = _RANGE.fullmatch(word)
    if found is None:
        return None
    low, high = int(found[1]), int(found[2] or found[1])
    return (low, high) if low <= high else None


def band_word(low: int, high: int) -> str:
    """Return the word of the bands from ``low`` to ``high``."""
    return str(low) if low == high else f"{low}..{high}"
