"""The event of one audit event: its records, joined, in the words of the contract."""

from __future__ import annotations

import errno
import posixpath
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from producers.formats.auditd.arguments import arguments_of, title_of
from producers.formats.auditd.files import NamedPath, absolute, access_of, open_flags, paths_of, pick
from producers.formats.auditd.marks import CONTAINER, PEER, SHA256, peer_of_mark
from producers.formats.auditd.record import AuditRecord, integer, octets, plain, untrusted
from producers.formats.auditd.said import described
from producers.formats.auditd.socket_address import SocketAddress, decode_address
from producers.formats.auditd.syscalls import Call, call_of, name_of
from producers.types import FormatOptions
from schemas.codec import Event
from schemas.event import timestamp
from schemas.facts import container_entity, host_entity

__all__ = ["event_of"]

_UNSET: Final = frozenset({"4294967295", "-1"})
_MULTICALL: Final = frozenset({"busybox", "toybox", "coreutils"})
_IN_PROGRESS: Final = frozenset({-errno.EINPROGRESS, -errno.EALREADY, -errno.EAGAIN})
_TELLING: Final = re.compile(
    r"LOGIN|CONFIG_CHANGE|FEATURE_CHANGE|NETFILTER_CFG|SECCOMP|BPF|ANOM_.*|MAC_.*|INTEGRITY_.*|TIME_.*|DAEMON_.*"
)
"""Records that say more than the system call they come with."""

_PARTS: Final = frozenset(
    {
        "BPRM_FCAPS",
        "CAPSET",
        "CWD",
        "EOE",
        "FD_PAIR",
        "IPC",
        "MMAP",
        "OBJ_PID",
        "OPENAT2",
        "PATH",
        "PROCTITLE",
        "SOCKADDR",
    }
)
"""Records that only say more of a system call."""

_DENIAL: Final = re.compile(r"avc:\s+(\w+)\s+\{ ([^}]{0,200}) \}")


def event_of(records: Sequence[AuditRecord], options: FormatOptions) -> Event:
    """Return the event of the records that share a serial number; never raises, whatever is missing."""
    return _Joined(records, options).event()


class _Joined:
    def __init__(self, records: Sequence[AuditRecord], options: FormatOptions) -> None:
        self.records = records
        self.host = records[0].node or options.host
        self.cluster = options.cluster
        self.syscall = self.first("SYSCALL")
        self.main = self._main()

    def _main(self) -> AuditRecord:
        telling = next((record for record in self.records if _TELLING.fullmatch(record.type)), None)
        return telling or self.syscall or self.records[0]

    def first(self, type_: str) -> AuditRecord | None:
        return next((record for record in self.records if record.type == type_), None)

    def mark(self, name: str) -> str | None:
        return next((record.marks[name] for record in self.records if name in record.marks), None)

    def every(self, type_: str) -> list[AuditRecord]:
        return [record for record in self.records if record.type == type_]

    def event(self) -> Event:
        event: Event = {
            "@timestamp": timestamp(self.main.nanoseconds),
            "entity.id": container_entity(self.container) if self.container else host_entity(self.host),
            "event.sequence": self.main.serial,
            "event.kind": "event",
            "event.module": "auditd",
            "event.dataset": "auditd.log",
        }
        event |= self._process() | self._described()
        return {name: value for name, value in event.items() if value is not None and value != []}

    @cached_property
    def container(self) -> str | None:
        return self.mark(CONTAINER)

    @cached_property
    def fields(self) -> dict[str, str]:
        return (self.syscall or self.main).fields

    @cached_property
    def call(self) -> str:
        if self.syscall is None:
            return "execve" if self.first("EXECVE") else ""
        arch, number = self.fields.get("arch", ""), self.fields.get("syscall", "")
        known = name_of(arch, number, self.fields.get("a0", ""))
        return known or plain(self.syscall.names.get("SYSCALL")) or f"syscall-{arch[:16]}-{number[:10]}"

    @cached_property
    def directory(self) -> str | None:
        record = self.first("CWD")
        return untrusted(record.fields.get("cwd")) if record else None

    @cached_property
    def exit(self) -> int | None:
        return integer(self.fields.get("exit"))

    @cached_property
    def executable(self) -> str | None:
        return untrusted(self.fields.get("exe"))

    def _described(self) -> Event:
        if self.main is self.syscall or (self.syscall is None and self.call):
            return self._of_call(call_of(self.call))
        if self.main.type in _PARTS:
            return self._incomplete()
        said = described(self.main)
        return said | {"event.reason": self._reason() or said.get("event.reason")}

    def _incomplete(self) -> Event:
        paths = paths_of(self.every("PATH"), self.directory, "", {})
        return {
            "event.action": "incomplete",
            "event.category": ["process"],
            "event.type": ["info"],
            "event.outcome": "unknown",
            "event.reason": "the kernel's SYSCALL record is missing",
            "file.path": pick(paths, "DELETE", "CREATE", "NORMAL"),
            "process.command_line": " ".join(title_of(self.first("PROCTITLE"))) or None,
            "process.working_directory": self.directory,
        }

    def _process(self) -> Event:
        fields = self.fields
        return {
            "process.pid": integer(fields.get("pid")),
            "process.parent.pid": integer(fields.get("ppid")),
            "process.executable": self.executable,
            "process.name": self._name(),
            "user.id": _user(fields.get("uid")),
            "user.effective.id": _user(fields.get("euid")),
            "group.id": _user(fields.get("gid")),
            "rule.tags": _keys(fields.get("key")),
        } | ({} if self.container else self._people())

    def _people(self) -> Event:
        # Names are those of the host's user database: in a container the same number is someone else.
        names = (self.syscall or self.main).names
        return {
            "user.name": _person(names.get("UID")),
            "user.audit.id": _user(self.fields.get("auid")),
        }

    def _name(self) -> str | None:
        """Return the program's name; a thread's own name (``http-nio-8080-e``) would differ from one to the next."""
        command, executable = untrusted(self.fields.get("comm")), self.executable
        file_name = posixpath.basename(executable) if executable else None
        return command if file_name in _MULTICALL or not file_name else file_name

    def _of_call(self, call: Call) -> Event:
        return {
            "event.action": call.action,
            "event.category": [call.category],
            "event.type": list(call.types),
            "event.outcome": self._outcome(),
            "event.reason": self._reason(),
        } | self._details(call)

    def _details(self, call: Call) -> Event:
        if call.kind == "exec":
            return self._exec()
        if call.kind in ("connect", "accept", "bind"):
            return self._network(call.kind)
        if call.kind == "signal":
            return {"event.reason": self._reason() or _signal(self.fields.get("a1", ""))}
        return self._file(call)

    def _exec(self) -> Event:
        paths = paths_of(self.every("PATH"), self.directory, self.call, self.fields)
        asked_for = paths[0].path if paths else None
        arguments = arguments_of(self.every("EXECVE"))
        failed = self.fields.get("success") == "no"  # then exe is still the program that tried
        executable = asked_for or self.executable if failed else self.executable or asked_for
        title = title_of(self.first("PROCTITLE"))
        terminal = self.fields.get("tty")
        return {
            "process.executable": executable,
            "process.hash.sha256": None if failed else self.mark(SHA256),
            "process.name": posixpath.basename(executable or "") or None if failed else self._command(arguments),
            "process.args": arguments,
            "process.command_line": " ".join(arguments or title) or None,
            "process.working_directory": self.directory,
            "process.interactive": None if terminal is None else terminal not in ("(none)", "?"),
        }

    def _command(self, arguments: Sequence[str]) -> str | None:
        command = untrusted(self.fields.get("comm"))
        # An applet that its own binary starts as /proc/self/exe is called "exe": the first argument tells which it is.
        return posixpath.basename(arguments[0]) if command == "exe" and arguments else command

    def _network(self, kind: str) -> Event:
        record = self.first("SOCKADDR")
        address = decode_address(octets(record.fields.get("saddr", ""))) if record else None
        if address is None:
            return {"network.direction": "egress" if kind == "connect" else "ingress"}
        if not address.ip:
            return {"network.transport": "unix", "file.path": self._socket_path(address)}
        return _peer(kind, address) | ({} if kind == "bind" else {"peer.workload": self._workload()})

    def _workload(self) -> str | None:
        mark = self.mark(PEER)
        return peer_of_mark(mark, self.cluster) if mark else None

    def _socket_path(self, address: SocketAddress) -> str | None:
        if not address.path or address.path.startswith("@"):
            return address.path or None
        return absolute(address.path, self.directory)

    def _file(self, call: Call) -> Event:
        paths = paths_of(self.every("PATH"), self.directory, self.call, self.fields)
        if call.kind == "open":
            flags = open_flags(self.call, self.fields, self.first("OPENAT2"))
            access = access_of(flags, paths)
            types = {"create": "creation", "write": "change"}
            return {
                "event.type": [types.get(word, "access") for word in access[:1]] or list(call.types),
                "file.path": pick(paths, "CREATE", "NORMAL"),
                "file.access": access,
            }
        if call.kind == "pair":
            return _pair(call, paths)
        return {
            "file.path": pick(paths, "DELETE", "CREATE", "NORMAL"),
            "file.access": list(call.access),
            "file.mode": self._mode() if call.action == "change-mode" else None,
        }

    def _mode(self) -> str | None:
        argument = self.fields.get("a1" if self.call in ("chmod", "fchmod") else "a2", "")
        return f"{int(argument, 16) & 0o7777:04o}" if re.fullmatch(r"[0-9a-f]{1,16}", argument) else None

    def _outcome(self) -> str:
        success = self.fields.get("success")
        if success == "yes":
            return "success"
        return "failure" if success == "no" and self.exit not in _IN_PROGRESS else "unknown"

    def _reason(self) -> str | None:
        denial = next((_denial(record) for record in self.every("AVC")), None)
        if denial or self.exit is None or self.exit >= 0 or self.fields.get("success") != "no":
            return denial
        return errno.errorcode.get(-self.exit, f"errno {-self.exit}")


def _peer(kind: str, address: SocketAddress) -> Event:
    if kind == "connect":
        return {
            "network.direction": "egress",
            "destination.ip": address.ip,
            "destination.port": address.port,
        }
    if kind == "accept":  # only connections are accepted, and over IP those are TCP
        return {
            "network.direction": "ingress",
            "network.transport": "tcp",
            "source.ip": address.ip,
            "source.port": address.port,
        }
    return {
        "network.direction": "ingress",
        "destination.address": address.ip,
        "destination.port": address.port,
    }


def _pair(call: Call, paths: Sequence[NamedPath]) -> Event:
    new = next((named.path for named in paths if named.kind == "CREATE"), None)
    others = [named.path for named in paths if named.kind not in ("CREATE", "PARENT")]
    old = others[0] if others else None
    if new is None and len(others) > 1:  # it failed: nothing was created
        new = others[-1]
    path, target = (old, new) if call.action == "rename" else (new, old)
    return {"file.path": path or pick(paths), "file.target_path": target, "file.access": list(call.access)}


def _denial(record: AuditRecord) -> str | None:
    found = _DENIAL.search(record.body)
    if found:
        return f"avc {found[1]} {found[2]}"
    armor = [plain(record.fields.get(name)) for name in ("apparmor", "operation", "profile")]
    return " ".join(["apparmor", *(part for part in armor if part)]) if armor[0] else None


def _signal(argument: str) -> str | None:
    return f"signal {int(argument, 16)}" if re.fullmatch(r"[0-9a-f]{1,8}", argument) else None


def _user(value: str | None) -> str | None:
    return None if value in _UNSET else plain(value)


def _person(value: str | None) -> str | None:
    name = plain(value)
    return None if name is None or name == "unset" or name.startswith("unknown(") else name


def _keys(value: str | None) -> list[str]:
    return [key for key in (untrusted(value) or "").split("\x01") if key]
