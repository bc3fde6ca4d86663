"""The rules that are in force where nobody has written others."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streams

__all__ = ["DEFAULT_RULES"]

DEFAULT_RULES: Final = Path(streams.__file__).parent / "checks"
"""The directory of the shipped checks, each with its cases beside it."""
