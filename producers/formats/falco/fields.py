"""The ``output_fields`` of an alert: dotted and bracketed keys to values, ``null`` and ``<NA>`` meaning nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from producers.formats.values import address_of, flag_of, integer_of, text_of
from schemas.codec import Event

__all__ = ["Fields"]

_NOTHING: Final = ("<NA>", "N/A")


@dataclass(frozen=True, slots=True)
class Fields:
    """Each method returns the first of the named fields that says anything, read as what is asked for."""

    values: Event

    def first(self, *names: str) -> Any:
        for name in names:
            value = self.values.get(name)
            if value is not None and value != "" and value not in _NOTHING:
                return value
        return None

    def text(self, *names: str) -> str | None:
        return text_of(self.first(*names))

    def integer(self, *names: str) -> int | None:
        return integer_of(self.first(*names))

    def flag(self, *names: str) -> bool | None:
        return flag_of(self.first(*names))

    def address(self, *names: str) -> str | None:
        return address_of(self.first(*names))
