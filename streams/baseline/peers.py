"""Peers of connections: many addresses become blocks, and many ports of one peer a range.

- Of each port and transport, more than 50 addresses become blocks: those of a /16 (IPv6: /48) of which there are more than 4, or
  of which some are a block already, become the smallest block that covers them. Peers that are no addresses stay, and so does
  what is broader than a /16, and 169.254.0.0/16: it holds the metadata service of clouds, which no block may hide.
- Of each peer and transport, more than 50 ports from 1024 on become ``1024-65535``, and so do those of the peers in a /16 of which
  more than 50 have a port of their own. This is for ``egress`` alone: a container that listens on a new port has changed.

What was seen once goes on counting, whatever already covers it, so the result does not depend on the order, and more elements never
cover less. But elements that are generalised no longer tell what they were made of: where ports become a range, to generalise in
parts may come to fewer patterns than to generalise at once, never to more. Without ranges both are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.baseline import Element
from streams.baseline.blocks import Block, block_of, covering, word_of
from streams.baseline.steps import filled

__all__ = ["HIGH_PORTS", "PeerLimits", "generalised_peers"]

HIGH_PORTS: Final = "1024-65535"
"""Every port that is no well-known one."""

_LOWEST_HIGH: Final = 1024
_WORDS: Final = 3
_LINK_LOCAL: Final = Block(4, 16, 169 << 24 | 254 << 16)


@dataclass(frozen=True, slots=True)
class PeerLimits:
    """How many addresses, addresses of a floor network, and high ports may stand; None for ports that never become a range."""

    addresses: int = 50
    in_floor: int = 4
    ports: int | None = 50


def generalised_peers(elements: Iterable[Element], limits: PeerLimits) -> set[Element]:
    """Return the elements of ``egress`` or ``ingress`` with blocks and ranges for what is too many."""
    found = {filled(element, _WORDS) for element in elements}
    size = -1
    while size != len(found):
        size = len(found)
        found.update(_ranges(found, limits), _blocks(found, limits))
    return found - set(_covered(found, ranges=limits.ports is not None))


def _ranges(found: Iterable[Element], limits: PeerLimits) -> Iterator[Element]:
    """Yield a range for each peer, and for the peers of each floor network, with too many high ports."""
    if limits.ports is None:
        return
    peers: dict[tuple[str, str], set[str]] = {}
    hosts: dict[tuple[Block, str], dict[Block, set[str]]] = {}
    blocks: dict[tuple[Block, str], dict[Block, set[str]]] = {}
    for peer, port, transport in found:
        if _is_high(port):
            peers.setdefault((peer, transport), set()).add(port)
            block = block_of(peer)
            if block is not None and (floor := _floor(block)) is not None:
                same = hosts if block.is_address else blocks
                same.setdefault((floor, transport), {}).setdefault(block, set()).add(port)
    yield from ((peer, HIGH_PORTS, transport) for (peer, transport), own in peers.items() if len(own) > limits.ports)
    for (_, transport), own in hosts.items():
        if _is_scattered(own, limits.ports):
            yield word_of(covering(own)), HIGH_PORTS, transport
    for (_, transport), own in blocks.items():
        if len(set().union(*own.values())) > limits.ports:
            yield word_of(covering(own)), HIGH_PORTS, transport


def _is_high(port: str) -> bool:
    return port == HIGH_PORTS or (port.isdecimal() and int(port) >= _LOWEST_HIGH)


def _floor(block: Block) -> Block | None:
    """Return the floor network in which blocks grow into one; None where they do not."""
    floor = block.floor
    return None if floor == _LINK_LOCAL else floor


def _is_scattered(hosts: Mapping[Block, set[str]], limit: int) -> bool:
    """Return whether more than so many hosts each have a port of their own.

    Then no so many hosts that use any port, and ports that are used by any host, could say who talks where: neither has a pattern.
    """
    taken: dict[str, Block] = {}
    asked: set[str] = set()
    for host in hosts if len(hosts) > limit else ():
        if _takes(host, hosts, taken, asked):
            asked.clear()
            if len(taken) > limit:
                return True
    return False


def _takes(host: Block, hosts: Mapping[Block, set[str]], taken: dict[str, Block], asked: set[str]) -> bool:
    """Give a host a port of its own, if those that have one can move; return whether one was found.

    Ports that were asked for in vain are in vain until a host has found one.
    """
    for port in hosts[host]:
        if port not in asked:
            asked.add(port)
            if port not in taken or _takes(taken[port], hosts, taken, asked):
                taken[port] = host
                return True
    return False


def _blocks(found: Iterable[Element], limits: PeerLimits) -> Iterator[Element]:
    """Yield the smallest block for each crowded floor network, of each port with too many addresses."""
    for key, floors in _by_port(found).items():
        if _is_grouped(floors, limits):
            for members in floors.values():
                if len(members) > limits.in_floor or not all(member.is_address for member in members):
                    yield word_of(covering(members)), *key


def _by_port(found: Iterable[Element]) -> dict[tuple[str, str], dict[Block, set[Block]]]:
    """Return addresses and blocks by port and transport, then by floor network."""
    groups: dict[tuple[str, str], dict[Block, set[Block]]] = {}
    for peer, port, transport in found:
        block = block_of(peer)
        if block is not None and (floor := _floor(block)) is not None:
            groups.setdefault((port, transport), {}).setdefault(floor, set()).add(block)
    return groups


def _is_grouped(floors: dict[Block, set[Block]], limits: PeerLimits) -> bool:
    members = [member for listed in floors.values() for member in listed]
    return len(members) > limits.addresses or not all(member.is_address for member in members)


_Learned = dict[tuple[Block, str, str], list[tuple[Block, Element]]]


def _covered(found: set[Element], *, ranges: bool) -> Iterator[Element]:
    """Yield what a learned block, or a range where ports become ranges, of the same elements covers."""
    learned: _Learned = {}
    for peer, port, transport in found:
        block = block_of(peer)
        if block is not None and not block.is_address and (floor := _floor(block)) is not None:
            learned.setdefault((floor, port, transport), []).append((block, (peer, port, transport)))
    for element in found:
        ports = (element[1], HIGH_PORTS) if ranges and _is_high(element[1]) else (element[1],)
        if any(one != element for port in ports for one in _above(element, port, found, learned)):
            yield element


def _above(element: Element, port: str, found: set[Element], learned: _Learned) -> Iterator[Element]:
    """Yield the elements with a port that cover the peer of one."""
    peer, _, transport = element
    if (peer, port, transport) in found:
        yield peer, port, transport
    block = block_of(peer)
    if block is not None and (floor := _floor(block)) is not None:
        yield from (known for one, known in learned.get((floor, port, transport), ()) if one.covers(block))
