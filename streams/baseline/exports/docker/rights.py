"""The user, the capabilities and the protections of a container."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from streams.baseline.exports.docker.command import Command
from streams.baseline.exports.docker.mounts import mounts_of
from streams.baseline.exports.files import WRITE, files_of
from streams.baseline.exports.settings import ALL
from streams.baseline.exports.words import ANY, spread

__all__ = ["add_rights"]

_ROOT: Final = frozenset({"", "0", "root"})
_PRIVILEGED_PORTS: Final = 1024
_DEFAULT: Final = frozenset({"runtime/default", "builtin"})
_PROFILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_UNCONFINED: Final = "unconfined"


def add_rights(command: Command) -> None:
    """Add user, root file system, capabilities and protections."""
    _add_user(command)
    _add_root(command)
    if command.settings.was_on("privileged"):
        _add_privileged(command)
    else:
        _add_capabilities(command)
    _add_privilege_gain(command)
    _add_profile(command, "seccomp", "FILE")
    _add_profile(command, "apparmor", "PROFILE")


def _add_user(command: Command) -> None:
    users = sorted(command.settings.of("user"), key=lambda user: (user.partition(":")[0] in _ROOT, user))
    if users:
        command.add(f"--user={users[0]}")
        if len(users) > 1:
            command.note("Note", f"it also ran as {', '.join(users[1:])}")
    elif command.settings.was_on("root"):
        command.note("Open", "it runs as root, the user of its image")
    else:
        command.note("Open", "it runs as the user of its image")


def _add_root(command: Command) -> None:
    files = command.observed("file")
    if command.settings.is_on("read_only_root"):
        command.add("--read-only")
    elif files is None:
        command.note(
            "Open", "its root file system can be written; whether that is used is not observable without `file`"
        )
    elif not _written_outside(command):
        command.note("Could be", "--read-only: outside of mounts, none of the files that sensors watch was written")


def _written_outside(command: Command) -> bool:
    targets = [mount.inside for mount in mounts_of(command.settings) if mount.is_writable]
    written = [path for path, kinds in files_of(command.observed("file") or ()).kinds.items() if WRITE in kinds]
    return any(not any(target.covers(path) for target in targets) for path in written)


def _add_privileged(command: Command) -> None:
    if command.settings.is_on("privileged"):
        command.add("--privileged")
        command.note(
            "Open",
            "it runs privileged: every capability, every device, no profile; what of it is used is not observable",
        )
    else:
        command.note("Open", "it ran with and without --privileged, so this is without")


def _add_capabilities(command: Command) -> None:
    granted = command.settings.capabilities
    command.notes.extend(command.settings.notes)
    if ALL in granted:
        command.add("--cap-add=ALL")
        command.note("Open", "every capability is granted; what of them is used is not observable")
        return
    command.add("--cap-drop=ALL")
    unseen: list[str] = []
    for name in sorted(granted):
        command.add(f"--cap-add={name}")
        never = _USES[name](command) if name in _USES else None
        if never:
            command.note("Never used", f"--cap-add={name}: {never}")
        elif never is None:
            unseen.append(name)
    if unseen:
        command.note("Not observable", f"whether these capabilities are used: {', '.join(unseen)}")


def _low_ports(command: Command) -> str | None:
    """Return why NET_BIND_SERVICE was not used; empty if it was or may have been, None if that cannot be told."""
    elements = command.observed("ingress")
    if elements is None:
        return None
    ports = [spread(element, 3)[1] for element in elements]
    may_be = any(not port.isdecimal() or len(port) < 4 or int(port[:5]) < _PRIVILEGED_PORTS for port in ports)  # noqa: PLR2004 - 3 digits are below 1024
    return "" if may_be else f"no port below {_PRIVILEGED_PORTS} was opened"


def _changed_owners(command: Command) -> str | None:
    """Return why CHOWN was not used; empty if it may have been, None if that cannot be told."""
    elements = command.observed("file")
    if elements is None:
        return None
    may_be = any(spread(element, 2)[1] in ("attributes", ANY) for element in elements)
    return "" if may_be else "no attribute was changed of the files that sensors watch"


def _raw_sockets(command: Command) -> str | None:
    """Return empty if ICMP was seen; that it was not says nothing, since not every sensor sees raw sockets."""
    used = any(spread(element, 3)[2] == "icmp" for element in command.observed("egress") or ())
    return "" if used else None


_USES: Final[dict[str, Callable[[Command], str | None]]] = {
    "CHOWN": _changed_owners,
    "NET_BIND_SERVICE": _low_ports,
    "NET_RAW": _raw_sockets,
}


def _add_privilege_gain(command: Command) -> None:
    flag = "--security-opt=no-new-privileges:true"
    if command.settings.is_on("no_new_privileges"):
        command.add(flag)
    else:
        command.note("Open", f"set-user-id programs gain rights, which is not observable; {flag} takes that away")


def _add_profile(command: Command, kind: str, what: str) -> None:
    for profile in command.settings.of(kind):
        if profile == _UNCONFINED:
            command.note("Open", f"{kind} is {_UNCONFINED}, as while it was learned")
        if profile == _UNCONFINED or (kind == "apparmor" and _PROFILE.fullmatch(profile)):
            command.add(f"--security-opt={kind}={profile}")
            return
        if profile not in _DEFAULT:
            command.note("Left out", f"{kind} {profile}: give it with --security-opt={kind}={what}")
