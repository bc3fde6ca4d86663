"""Namespaces, networks and published ports of a container."""

from __future__ import annotations

import re
from typing import Final

from streams.baseline.exports.docker.command import Command
from streams.baseline.exports.words import ANY, spread

__all__ = ["add_network"]

_NAMESPACES: Final = {
    "pid": "--pid=host",
    "ipc": "--ipc=host",
    "network": "--network=host",
    "uts": "--uts=host",
    "user": "--userns=host",
    "cgroup": "--cgroupns=host",
}
_USUAL: Final = frozenset({"host", "default", "bridge"})
_NETWORK: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_PUBLISHED: Final = re.compile(r"(?:(?P<address>[0-9A-Fa-f.:]+):)?(?P<port>[0-9]{1,5})/(?P<protocol>tcp|udp|sctp)")
_LISTEN: Final = "listen"


def add_network(command: Command) -> None:
    """Add namespaces of the host, networks, and ports with whether anything was accepted on them."""
    for name in command.settings.of("host_namespaces"):
        if name in _NAMESPACES:
            command.add(_NAMESPACES[name])
            command.note("Open", f"it shares the {name} namespace of the host; whether it needs that is not observable")
        else:
            command.note("Left out", f"host_namespaces {name}: is no namespace of Linux")
    for name in command.settings.of("network_mode"):
        _add_mode(command, name)
    if command.observed("egress") == () == command.observed("ingress"):
        command.note("Could be", "--network=none: nothing was connected to or accepted")
    for text in command.settings.of("ports"):
        _add_port(command, text)


def _add_mode(command: Command, name: str) -> None:
    if name in _USUAL:
        return
    if name == "container" or not _NETWORK.fullmatch(name):
        command.note("Left out", f"network {name}: is that of another container, or another one in each instance")
    else:
        command.add(f"--network={name}")


def _add_port(command: Command, text: str) -> None:
    """Add a published port; the port inside is told from what was accepted and opened, since settings have the host's alone."""
    found = _PUBLISHED.fullmatch(text)
    if found is None:
        command.note("Left out", f"port {text}: is not written as [address:]port/protocol")
        return
    opened, accepted = _own_ports(command, found["protocol"])
    own = opened | accepted
    if command.observed("ingress") is not None and not accepted:
        command.note("Never used", f"port {text}: nothing was accepted on any port of {found['protocol']}")
    inside = found["port"] if found["port"] in own else next(iter(own)) if len(own) == 1 else ""
    if not inside:
        command.note("Left out", f"port {text}: which port it leads to is not in the baseline; add --publish=…:…")
        return
    flag = f"--publish={_outside(found)}{inside}/{found['protocol']}"
    command.add(flag)
    if inside != found["port"]:
        command.note("Note", f"port {text} is taken to lead to {inside}, the only own port that was seen")
    if accepted and inside not in accepted:
        command.note("Never used", f"{flag}: nothing was accepted on it")


def _outside(found: re.Match[str]) -> str:
    address = found["address"] or ""
    address = f"[{address}]:" if ":" in address else f"{address}:" if address else ""
    port = "" if found["port"] == "0" else found["port"]
    return f"{address}{port}:" if address or port else ""


def _own_ports(command: Command, protocol: str) -> tuple[set[str], set[str]]:
    """Return the container's own ports: those that were opened, and those on which something was accepted."""
    opened: set[str] = set()
    accepted: set[str] = set()
    for element in command.observed("ingress") or ():
        peer, port, transport = spread(element, 3)
        if transport in (protocol, "ip", ANY) and port.isdecimal() and port != "0":
            (opened if peer == _LISTEN else accepted).add(port)
    return opened, accepted
