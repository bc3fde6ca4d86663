"""Addresses and address blocks as numbers, which is what comparing thousands of them takes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from types import MappingProxyType
from typing import Final, NamedTuple

__all__ = ["Block", "block_of", "covering", "word_of"]

_BITS: Final = MappingProxyType({4: 32, 6: 128})
_FLOORS: Final = MappingProxyType({4: 16, 6: 48})
"""No learned block is broader."""

_LOOKED_UP: Final = 8192


class Block(NamedTuple):
    """The addresses that share their first ``length`` bits with ``first``; a single address shares all."""

    version: int
    length: int
    first: int

    @property
    def is_address(self) -> bool:
        return self.length == _BITS[self.version]

    @property
    def floor(self) -> Block | None:
        """The broadest block that may be learned around this one; None if it is broader itself."""
        length = _FLOORS[self.version]
        return self.widened(length) if self.length >= length else None

    def widened(self, length: int) -> Block:
        """Return the block of a length that this one lies in."""
        rest = _BITS[self.version] - length
        return Block(self.version, length, self.first >> rest << rest)

    def covers(self, other: Block) -> bool:
        """Return whether every address of the other block is one of these."""
        return self.version == other.version and self.length <= other.length and other.widened(self.length) == self


@lru_cache(maxsize=_LOOKED_UP)
def block_of(word: str) -> Block | None:
    """Return the address or block that a word is; None for every other word."""
    try:
        network = ip_network(word)
    except ValueError:
        return None
    return Block(network.version, network.prefixlen, int(network.network_address))


def word_of(block: Block) -> str:
    """Return the one word of an address or a block."""
    network = (IPv4Network if block.version == 4 else IPv6Network)((block.first, block.length))  # noqa: PLR2004 - IPv4
    return str(network.network_address) if block.is_address else str(network)


def covering(blocks: Iterable[Block]) -> Block:
    """Return the smallest block that covers blocks of one version; raise ``ValueError`` for none."""
    found = list(blocks)
    low, high = min(found, key=lambda one: one.first), max(found, key=lambda one: one.first)
    shared = _BITS[low.version] - (low.first ^ high.first).bit_length()
    return low.widened(min(shared, *(one.length for one in found)))
