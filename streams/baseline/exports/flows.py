"""Connections of a baseline by peer, as policies of networks say them: who, on which protocol and port.

- ``listen`` says that a port was opened, not by whom it is reached: it opens the port to everybody, unless peers are known.
- ``unknown``, ``*`` and an empty port are what the sensor did not say, and stay open.
- Transport ``ip`` is not known: TCP and UDP. ``unix`` and loopback never leave the pod and are in no policy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from types import MappingProxyType
from typing import Final, Literal

from schemas.baseline import Element
from streams.baseline.exports.heading import element_text, left_out
from streams.baseline.exports.words import ANY, literal_of, spread

__all__ = ["ANYBODY", "DIRECTIONS", "DNS_PORT", "Flows", "Peer", "Port", "flows_of", "port_text"]

DIRECTIONS: Final[Mapping[str, str]] = MappingProxyType({"egress": "to", "ingress": "from"})
"""The dimensions that are made of connections, and what policies call the peers of each."""

DNS_PORT: Final = 53

Port = tuple[str, int]
"""Protocol in capitals and number; 0 for every port of the protocol."""

_PROTOCOLS: Final[Mapping[str, tuple[str, ...]]] = {
    "tcp": ("TCP",),
    "udp": ("UDP",),
    "sctp": ("SCTP",),
    "icmp": ("ICMP",),
    "ip": ("TCP", "UDP"),
    ANY: ("TCP", "UDP", "SCTP", "ICMP"),
}
_UNIX: Final = "unix"
_LISTEN: Final = "listen"
_NOT_SAID: Final = frozenset({"unknown", ANY, ""})
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
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
        return any(number == port for ports in self.peers.values() for _, number in ports)


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


def port_text(port: Port) -> str:
    """Return a port as comments show it."""
    return f"{port[0]} port {port[1]}" if port[1] else f"every {port[0]} port"


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
        return [(protocol, 0) for protocol in protocols]
    if _PORT.fullmatch(port) is None or int(port) > _MAX_PORT:
        return None
    return [(protocol, 0 if protocol == "ICMP" else int(port)) for protocol in protocols]


def _fault(peer: Peer | None, port: str) -> str:
    return "its peer is no address, name or workload" if peer is None else f"`{port}` with this transport is no port"


def _listening(peers: dict[Peer, set[Port]]) -> tuple[dict[Peer, set[Port]], list[str]]:
    """Return peers without ``listen``; a port of which nothing else is known is everybody's."""
    rest = {peer: ports for peer, ports in peers.items() if peer != _LISTENING}
    known = {port for ports in rest.values() for port in ports}
    lonely = {port for port in peers.get(_LISTENING, ()) if not {port, (port[0], 0)} & known}
    notes = [
        f"Open: {port_text(port)} is listened on, but by whom it is reached was not seen, so everybody may."
        for port in sorted(lonely)
    ]
    if lonely:
        rest[ANYBODY] = rest.get(ANYBODY, set()) | lonely
    return rest, notes
