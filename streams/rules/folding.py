"""Values as the matcher compares them: which text a value is, which number, and letters without case.

Letters are compared by their lower case in Unicode, one character for one, wherever they stand: so that ``?`` is one
character and a piece of a text folds as it does within the text. (``str.lower`` makes two of one letter, and looks at a
letter's neighbours at another.)
"""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["fold", "number_of", "text_of"]

_DECIMAL: Final = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?", re.ASCII)
_SIGMA: Final = {ord("\N{GREEK CAPITAL LETTER SIGMA}"): "\N{GREEK SMALL LETTER SIGMA}"}
_MAX_DIGITS: Final = 400


def fold(text: str) -> str:
    """Return a text in the form in which texts that differ in case alone are equal."""
    if text.isascii():
        return text.lower()
    return text.replace("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "i").translate(_SIGMA).lower()


def text_of(value: Any) -> str | None:
    """Return a value as text, as JSON writes it; nothing for what is no scalar."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def number_of(value: Any) -> int | float | None:
    """Return a value as number, also one that is written as text; a boolean is none."""
    if isinstance(value, int | float):
        return None if isinstance(value, bool) else value
    if not isinstance(value, str) or len(value) > _MAX_DIGITS or not _DECIMAL.fullmatch(value):
        return None
    return int(value) if value.lstrip("+-").isdigit() else float(value)
