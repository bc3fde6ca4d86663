"""Principals by a part of their name, as people write them: ``shop/app`` for ``container:prod/shop/app/app``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from schemas.errors import ConfigurationError

__all__ = ["find_principal", "matching"]

_SHOWN: Final = 20


def matching(principals: Iterable[str], asked: str) -> list[str]:
    """Return the principals of this very name, else those that have it as whole segments, else those that hold it somewhere."""
    known = sorted(principals)
    segments = re.compile(rf"(?<![^:/]){re.escape(asked)}(?![^:/])")
    ranked = (
        [one for one in known if one == asked],
        [one for one in known if segments.search(one)],
        [one for one in known if asked in one],
    )
    return next((found for found in ranked if found), [])


def find_principal(principals: Collection[str], asked: str) -> str:
    """Return the one principal that is meant; raise ``ConfigurationError`` with those that could be."""
    found = matching(principals, asked)
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigurationError(f"no principal is named like {asked!r}; {_where(principals)}")
    more = [f"… and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    listed = "\n".join(f"  {one}" for one in (*found[:_SHOWN], *more))
    raise ConfigurationError(f"{asked!r} may be one of {len(found)} principals; name more of it:\n{listed}")


def _where(principals: Collection[str]) -> str:
    if principals:
        return "`tidewaiter baseline list` shows all that were met"
    return "none was met yet: baselines are learned by `tidewaiter correlate`, from what `tidewaiter judge` has judged"
