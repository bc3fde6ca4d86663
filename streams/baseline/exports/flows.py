"""Connections of a baseline by peer, as policies of networks say them: who, on which protocol and port.

- ``listen`` says that a port was opened, not by whom it is reached: it opens the port to everybody, unless peers are known.
- ``unknown``, ``*`` and an empty port are what the sensor did not say, and stay open; ``1024-65535`` is a range of ports.
- Transport ``ip`` is not known: TCP and UDP. ``unix`` and loopback never leave the pod and are in no policy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from schemas.baseline import Element
from streams.baseline.exports.heading import element_text, left_out
from streams.baseline.exports.words import ANY, literal_of, spread

__all__ = ["ANYBODY", "DIRECTIONS", "DNS_PORT", "ICMP", "Flows", "Peer", "Port", "flows_of"]

DIRECTIONS: Final[Mapping[str, str]] = MappingProxyType({"egress": "to", "ingress": "from"})
"""The dimensions that are made of connections, and what policies call the peers of each."""

DNS_PORT: Final = 53
ICMP: Final = "ICMP"


class Port(NamedTuple):
    """A protocol in capitals with the first and the last of its ports; without these every one (ICMP has none)."""

    protocol: str
    first: int = 0
    last: int = 0

    @property
    def text(self) -> str:
        """Return the port as comments show it."""
        if not self.first:
            return f"every {self.protocol} port"
        return f"{self.protocol} port {self.first}" + ("" if self.first == self.last else f" to {self.last}")

    def covers(self, other: Port) -> bool:
        """Return whether all of another lies within it."""
        return self.protocol == other.protocol and (
            not self.first or self.first <= other.first <= other.last <= self.last
        )

    def overlaps(self, other: Port) -> bool:
        """Return whether one port is in both."""
        anything = not self.first or not other.first
        return self.protocol == other.protocol and (anything or (self.first <= other.last and other.first <= self.last))


_PROTOCOLS: Final[Mapping[str, tuple[str, ...]]] = {
    "tcp": ("TCP",),
    "udp": ("UDP",),
    "sctp": ("SCTP",),
    "icmp": (ICMP,),
    "ip": ("TCP", "UDP"),
    ANY: ("TCP", "UDP", "SCTP", ICMP),
}
_UNIX: Final = "unix"
_LISTEN: Final = "listen"
_NOT_SAID: Final = frozenset({"unknown", ANY, ""})
_PORT: Final = re.compile(r"([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?")
_MAX_PORT: Final = 65_535


@dataclass(frozen=True, slots=True, order=True)
class Peer:
    """Whom a connection is with: anybody, an address block, a name (``*`` within labels), or ``cluster/namespace/name``."""

    kind: Literal["any", "block", "name", "workload"]
    value: str = ""

    @property
    def text(self) -> str:
        """Return the peer as comments show it."""
        return "everybody" if self.kind == "any" else self.value

    @property
    def network(self) -> IPv4Network | IPv6Network:
        """The network of an address block."""
        return ip_network(self.value)


ANYBODY: Final = Peer("any")
_LISTENING: Final = Peer("any", _LISTEN)


@dataclass(frozen=True, slots=True)
class Flows:
    """The ports of each peer, and notes on what is open or left out."""

    peers: Mapping[Peer, frozenset[Port]]
    notes: tuple[str, ...]

    def uses(self, port: int) -> bool:
        """Return whether anything goes to a port."""
        return any(one.first <= port <= one.last for ports in self.peers.values() for one in ports)


def flows_of(dimension: str, elements: Iterable[Element]) -> Flows:
    """Return the connections of ``egress`` or ``ingress``."""
    peers: dict[Peer, set[Port]] = {}
    notes: list[str] = []
    for element in elements:
        who, port, transport = spread(element, 3)
        found = _peer(who), _ports(port, transport)
        if transport == _UNIX or _stays_inside(found[0]):
            continue
        if found[0] is None or found[1] is None:
            notes.append(left_out(dimension, element, _fault(found[0], port)))
            continue
        if found[0] == ANYBODY:
            notes.append(f"Open: {element_text(dimension, element)}: its peer is not known, so everybody is one.")
        peers.setdefault(found[0], set()).update(found[1])
    opened, more = _listening(peers)
    return Flows({peer: frozenset(ports) for peer, ports in sorted(opened.items())}, (*notes, *more))


def _peer(word: str) -> Peer | None:
    if word in _NOT_SAID:
        return ANYBODY
    if word == _LISTEN:
        return _LISTENING
    kind, colon, rest = word.partition(":")
    if colon and kind == "workload":
        return Peer("workload", literal_of(rest))
    if colon and kind == "name":
        return Peer("name", rest)
    try:
        return Peer("block", str(ip_network(word.replace("%", "/%"))))
    except ValueError:
        return None


def _stays_inside(peer: Peer | None) -> bool:
    if peer is None or peer.kind != "block":
        return False
    return peer.network.is_loopback or (peer.network.is_unspecified and peer.network.num_addresses == 1)


def _ports(port: str, transport: str) -> list[Port] | None:
    protocols = _PROTOCOLS.get(transport)
    if protocols is None:
        return None
    if port in (ANY, "", "0"):
        return [Port(protocol) for protocol in protocols]
    found = _PORT.fullmatch(port)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if not first <= last <= _MAX_PORT:
        return None
    return [Port(protocol) if protocol == ICMP else Port(protocol, first, last) for protocol in protocols]


def _fault(peer: Peer | None, port: str) -> str:
    return "its peer is no address, name or workload" if peer is None else f"`{port}` with this transport is no port"


def _listening(peers: dict[Peer, set[Port]]) -> tuple[dict[Peer, set[Port]], list[str]]:
    """Return peers without ``listen``; a port of which nothing else is known is everybody's."""
    rest = {peer: ports for peer, ports in peers.items() if peer != _LISTENING}
    known = {port for ports in rest.values() for port in ports}
    lonely = {port for port in peers.get(_LISTENING, ()) if not any(one.covers(port) for one in known)}
    notes = [
        f"Open: {port.text} is listened on, but by whom it is reached was not seen, so everybody may."
        for port in sorted(lonely)
    ]
    if lonely:
        rest[ANYBODY] = rest.get(ANYBODY, set()) | lonely
    return rest, notes
