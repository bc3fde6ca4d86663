"""One figure of a benchmark, as one JSON line."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from schemas.codec import dumps

__all__ = ["Figure"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A name that stays the same over versions, a value and its unit."""

    name: str
    value: float
    unit: str

    def __str__(self) -> str:
        """Return the JSON line."""
        return dumps(asdict(self)).decode()
