"""Socket addresses as the kernel logs them: the bytes of a ``struct sockaddr`` in hexadecimal."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

__all__ = ["SocketAddress", "decode_address"]

_UNIX: Final = 1
_INET: Final = 2
_INET6: Final = 10
_FAMILY_END: Final = 2
_PORT_END: Final = 4
_INET_END: Final = 8
_INET6_START: Final = 8
_INET6_END: Final = 24


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """An address and port, or the path of a Unix socket (``@name`` in the abstract namespace)."""

    ip: str = ""
    port: int = 0
    path: str = ""


def decode_address(octets: bytes) -> SocketAddress | None:
    """Return the address of a ``sockaddr``, or None for other families and for bytes that end too early.

    An IPv4 address that is mapped into IPv6 is given as IPv4: they are the same peer.
    """
    family = _family(octets)
    if family == _INET and len(octets) >= _INET_END:
        return SocketAddress(str(ip_address(octets[_PORT_END:_INET_END])), _port(octets))
    if family == _INET6 and len(octets) >= _INET6_END:
        address = IPv6Address(octets[_INET6_START:_INET6_END])
        return SocketAddress(str(address.ipv4_mapped or address), _port(octets))
    if family == _UNIX:
        return SocketAddress(path=_unix_path(octets[_FAMILY_END:]))
    return None


def _family(octets: bytes) -> int:
    # The family is in the byte order of the machine that wrote the log; no family that we read is above 255.
    little = int.from_bytes(octets[:_FAMILY_END], "little")
    return little if little < 1 << 8 else int.from_bytes(octets[:_FAMILY_END], "big")


def _port(octets: bytes) -> int:
    return int.from_bytes(octets[_FAMILY_END:_PORT_END], "big")


def _unix_path(octets: bytes) -> str:
    abstract = octets[:1] == b"\0" and len(octets) > 1
    name = octets[1:].rstrip(b"\0") if abstract else octets.partition(b"\0")[0]
    text = name.replace(b"\0", b"@").decode("utf-8", "backslashreplace")
    return f"@{text}" if abstract and text else text
