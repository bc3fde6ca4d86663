"""What can be known of a record only now, found and written into its line: see ``marks``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from producers.containers import ContainerResolver
from producers.formats.auditd.acts import PARTS, Act, Acts
from producers.formats.auditd.marks import CONTAINER, PEER, SHA256, has_mark, peer_mark, with_mark
from producers.formats.auditd.owners import Owners
from producers.formats.auditd.programs import Programs
from producers.formats.auditd.socket_address import decode_address
from producers.types import Peers

__all__ = ["LiveMarks"]

_EVENT: Final = re.compile(rb"type=([A-Z_]+) (msg=audit\([0-9.:]+\))")
_ADDRESS: Final = re.compile(rb" saddr=([0-9A-Fa-f]{8,256})\b")
_HEADER_BYTES: Final = 128
_OF_PEERS: Final = frozenset({"connect", "accept"})


class LiveMarks:
    """Marks lines of this host (``host``, where they name their node); used by one thread."""

    def __init__(
        self, host: str, peers: Peers | None = None, processes: Path = Path("/proc"), root: Path = Path("/")
    ) -> None:
        self._node = b"node=%b " % host.encode()
        self._acts = Acts()
        resolver = ContainerResolver(processes)
        self._owners = Owners(resolver, root)
        self._programs = Programs(resolver, processes, root)
        self._peers = peers

    def marked(self, line: bytes) -> bytes:
        """Return the line with what could be found, or as it is."""
        event = _EVENT.search(line[: len(self._node) + _HEADER_BYTES])
        foreign = line.startswith(b"node=") and not line.startswith(self._node)
        act = None if event is None or foreign else self._acts.of(event[1], event[2], line)
        if event is None or act is None:
            return line
        type_ = event[1].decode()
        for name, value in self._found(type_, act, line):
            line = line if has_mark(line, type_, name) else with_mark(line, name, value)
        return line

    def _found(self, type_: str, act: Act, line: bytes) -> Iterator[tuple[str, str]]:
        if type_ == "PATH":
            yield from _present(CONTAINER, self._owners.by_program(act, line))
            yield from _present(SHA256, self._programs.hash_of(act, line))
        elif type_ == "SOCKADDR":
            yield from _present(PEER, self._peer(act, line))
        elif type_.encode() not in PARTS:
            yield from _present(CONTAINER, self._owners.by_process(act))

    def _peer(self, act: Act, line: bytes) -> str | None:
        found = _ADDRESS.search(line)
        address = decode_address(bytes.fromhex(found[1].decode())) if found and act.kind in _OF_PEERS else None
        if address is None or not address.ip or self._peers is None or ip_address(address.ip).is_loopback:
            return None
        workload = self._peers.workload_of(address.ip)
        return peer_mark(*workload) if workload else None


def _present(name: str, value: str | None) -> Iterator[tuple[str, str]]:
    if value is not None:
        yield name, value
