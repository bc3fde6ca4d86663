"""Kinds of sockets that a baseline uses, for profiles that know neither peer nor port nor direction."""

from __future__ import annotations

from typing import Final

from schemas.baseline import Baseline
from streams.baseline.exports.flows import DIRECTIONS
from streams.baseline.exports.words import spread

__all__ = ["transports_of"]

_RESOLVER: Final = frozenset({"tcp", "udp"})


def transports_of(baseline: Baseline) -> frozenset[str] | None:
    """Return the transports in use, ``ip`` being both TCP and UDP; None where a direction is not in the baseline."""
    if not baseline.elements.keys() >= set(DIRECTIONS):
        return None
    used = {spread(element, 3)[2] for name in DIRECTIONS for element in baseline.elements[name]}
    known = (used - {"ip"}) | (_RESOLVER if "ip" in used or baseline.elements.get("dns") else set())
    return frozenset(known)
