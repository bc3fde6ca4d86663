"""What is too much to be drawn one by one: many addresses that one end talks to become blocks, many ports of one peer become one edge.

What was judged otherwise stays apart: the one authorized port of a database does not vanish in a scan of all its ports. The result
depends on what was seen alone, not on its order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import groupby
from typing import Final, NamedTuple

from deploy.map.end import End
from deploy.map.tally import OUTCOMES, Tally

__all__ = ["MAX_ADDRESSES", "MAX_PORTS", "Place", "Ports", "Tallies", "fold_addresses", "fold_ports"]

MAX_ADDRESSES: Final = 32
"""How many addresses of a kind one end may talk to, in one direction and with one verdict, before they become blocks."""

MAX_PORTS: Final = 16
"""How many ports of one peer, with one verdict, before they become one edge."""

_STEPS: Final = ({4: 24, 6: 56}, {4: 16, 6: 40}, {4: 8, 6: 24}, {4: 0, 6: 0})
"""Lengths of blocks by version of the protocol, tried in order until there are few enough."""

_ADDRESSES: Final = frozenset({"address", "outside"})


class Place(NamedTuple):
    """Where a connection stands on the map; ``port`` is -1 and ``transport`` empty where no sensor saw them."""

    source: End
    target: End
    transport: str
    port: int


Tallies = dict[Place, Tally]


@dataclass(frozen=True, slots=True)
class Ports:
    """Many ports in one: how many were seen, and the lowest and highest of them."""

    count: int
    lowest: int
    highest: int


def fold_addresses(tallies: Tallies) -> tuple[Tallies, dict[End, int]]:
    """Return the same with blocks for what is too many, and of each block how many of its addresses were seen."""
    blocks = _blocks(tallies)
    if not blocks:
        return tallies, {}
    found: Tallies = {}
    members: dict[End, set[End]] = {}
    for place, tally in tallies.items():
        folded = _folded(place, blocks)
        for before, after in zip(place[:2], folded[:2], strict=True):
            if before != after:
                members.setdefault(after, set()).add(before)
        if folded in found:
            found[folded].join(tally)
        else:
            found[folded] = tally
    return found, {block: len(seen) for block, seen in members.items()}


_Anchor = tuple[End, bool]
"""An end, and whether it is the one that connects."""

_Blocks = dict[tuple[_Anchor, End], End]


def _folded(place: Place, blocks: Mapping[tuple[_Anchor, End], End]) -> Place:
    source, target, transport, port = place
    if target.kind in _ADDRESSES:
        return Place(source, blocks.get(((source, True), target), target), transport, port)
    if source.kind in _ADDRESSES:
        return Place(blocks.get(((target, False), source), source), target, transport, port)
    return place


def _blocks(tallies: Tallies) -> _Blocks:
    """Return the block of each address that is one of too many, by who talks to it and in which direction."""
    seen: dict[_Anchor, dict[End, int]] = {}
    for (source, target, _, _), tally in tallies.items():
        if target.kind in _ADDRESSES:
            _note(seen.setdefault((source, True), {}), target, tally)
        elif source.kind in _ADDRESSES:
            _note(seen.setdefault((target, False), {}), source, tally)
    found: _Blocks = {}
    for anchor, addresses in seen.items():
        if len(addresses) > MAX_ADDRESSES:
            found |= {(anchor, address): block for address, block in _of_anchor(addresses)}
    return found


def _note(addresses: dict[End, int], address: End, tally: Tally) -> None:
    addresses[address] = max(addresses.get(address, 0), _badness(tally))


def _badness(tally: Tally) -> int:
    return OUTCOMES.index(tally.verdict) if tally.verdict in OUTCOMES else 0


def _of_anchor(addresses: Mapping[End, int]) -> Iterator[tuple[End, End]]:
    """Yield addresses with their blocks: of one kind, one cluster, one version of the protocol, and one verdict."""

    def group(address: End) -> tuple[str, str, bool, int]:
        return address.kind, address.cluster, ":" in address.name, addresses[address]

    for _, alike in groupby(sorted(addresses, key=lambda one: (group(one), one)), key=group):
        listed = list(alike)
        if len(listed) > MAX_ADDRESSES:
            yield from _few_enough(listed)


def _few_enough(addresses: Iterable[End]) -> list[tuple[End, End]]:
    found: list[tuple[End, End]] = []
    for lengths in _STEPS:
        found = [(address, _block(address, lengths)) for address in addresses]
        if len({block for _, block in found}) <= MAX_ADDRESSES:
            break
    return found


def _block(address: End, lengths: Mapping[int, int]) -> End:
    cluster, slash, text = address.name.rpartition("/")  # a cluster may be called by a name with slashes
    whole = ip_network(text)
    return End(address.kind, f"{cluster}{slash}{whole.supernet(new_prefix=lengths[whole.version])}")


def fold_ports(tallies: Tallies) -> Iterator[tuple[Place, Tally, Ports | None]]:
    """Yield connections in order, and for too many ports of one peer one that tells how many; its own port is -1."""
    ordered = sorted(tallies)
    for (source, target), places in groupby(ordered, key=lambda place: place[:2]):
        yield from _of_pair(source, target, {place: tallies[place] for place in places})


def _of_pair(source: End, target: End, tallies: Tallies) -> Iterator[tuple[Place, Tally, Ports | None]]:
    if len(tallies) <= MAX_PORTS:
        yield from ((place, tally, None) for place, tally in tallies.items())
        return
    groups: dict[tuple[str, str], list[Place]] = {}
    for place, tally in tallies.items():
        groups.setdefault((place.transport, tally.verdict), []).append(place)
    for (transport, _), places in sorted(groups.items()):
        ports = sorted({place.port for place in places} - {-1})
        if len(ports) <= MAX_PORTS:
            yield from ((place, tallies[place], None) for place in places)
        else:
            together = Tally.together(tallies[place] for place in places)
            yield Place(source, target, transport, -1), together, Ports(len(ports), ports[0], ports[-1])
