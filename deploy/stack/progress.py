"""How the stack tells what it is doing: one sentence at a time, to whoever asked."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Progress", "silent"]

Progress = Callable[[str], None]


def silent(_message: str) -> None:
    """Tell nobody."""
