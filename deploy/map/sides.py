"""What the two ends of a connection, and several sensors, tell of it as one, though none of them has seen all of it.

A sensor that sees who connects may not see the transport; one that sees who was connected to, not on which port. Where what one lacks
can only be what another one saw, it is that.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from deploy.map.folds import Place, Tallies

__all__ = ["UNSEEN_PORT", "unite_sides"]

UNSEEN_PORT: Final = -1


def unite_sides(tallies: Tallies) -> Tallies:
    """Return the same with reports that may be of the same connections as one; the reports are counted together from now on."""
    found: Tallies = {}
    for _, places in groupby(sorted(tallies), key=lambda place: place[:2]):
        pair = list(places)
        meant = _meant(pair) if len(pair) > 1 else {}
        for place in pair:
            target = meant.get(place, place)
            if target in found:
                found[target].add(tallies[place])
            else:
                found[target] = tallies[place]
    return found


def _meant(pair: list[Place]) -> dict[Place, Place]:
    """Return of the places of one pair which place each means; what one turns out to mean may leave another only one choice."""
    meant = {place: place for place in pair}
    while True:
        places = sorted(set(meant.values()))
        found = dict(_with_transport(places)) or dict(_with_port(places))
        if not found:
            return meant
        meant = {place: found.get(known, known) for place, known in meant.items()}


def _with_port(pair: list[Place]) -> Iterator[tuple[Place, Place]]:
    """Yield places without a port, with the only one that their transport can have had."""
    for place in pair:
        if place.port != UNSEEN_PORT:
            continue
        others = {one.port for one in pair if one.port != UNSEEN_PORT and _may_be(one.transport, place.transport)}
        if len(others) == 1:
            yield place, place._replace(port=others.pop())


def _with_transport(pair: list[Place]) -> Iterator[tuple[Place, Place]]:
    """Yield places without a transport, with the only one that was seen on their port."""
    known: dict[int, list[Place]] = {}
    for place in pair:
        if place.transport:
            known.setdefault(place.port, []).append(place)
    for place in pair:
        same = known.get(place.port, ())
        if not place.transport and len(same) == 1:
            yield place, same[0]


def _may_be(one: str, other: str) -> bool:
    return one == other or not one or not other
