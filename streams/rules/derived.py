"""Columns that rules read and no field of ours holds as it is: each is computed from fields of the record.

The words of another source are not always ours under another name: auditd numbers the arguments of a program, Sysmon writes
the user by name, an audit event has the URI that our records keep in parts. A column named here is read by its function; its
``reads`` are the fields that it is made from, and the first of them is named where a verdict says which fields matched::

    DERIVED["process.args[1]"].read({"process.args": ["chmod", "777", "/x"]})  # "777"
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

__all__ = ["ARGUMENTS", "DERIVED", "Derived"]

ARGUMENTS: Final = 32
"""How many arguments of a program have a column of their own."""

Record = Mapping[str, Any]
Read = Callable[[Record], Any]

_MULTICALL: Final = frozenset({"busybox", "toybox", "coreutils"})
_ROOT: Final = "0"

_CALLS: Final = MappingProxyType(
    {
        "exec": ("execve", "execveat"),
        "send": ("sendto", "sendmsg", "sendmmsg"),
        "accept": ("accept", "accept4"),
        "open": ("open", "openat", "openat2", "open_by_handle_at", "creat"),
        "delete": ("unlink", "unlinkat", "rmdir"),
        "rename": ("rename", "renameat", "renameat2"),
        "link": ("link", "linkat"),
        "symlink": ("symlink", "symlinkat"),
        "mkdir": ("mkdir", "mkdirat"),
        "mknod": ("mknod", "mknodat"),
        "truncate": ("truncate", "ftruncate"),
        "change-mode": ("chmod", "fchmod", "fchmodat", "fchmodat2"),
        "change-owner": ("chown", "lchown", "fchown", "fchownat"),
        "set-attributes": ("setxattr", "lsetxattr", "fsetxattr", "removexattr", "utime", "utimes", "utimensat"),
        "kill": ("kill", "tkill", "tgkill", "pidfd_send_signal"),
        "init_module": ("init_module", "finit_module"),
    }
)
"""The system calls behind an action; an action that is not here is a system call by its own name."""

_NAME_TYPES: Final = MappingProxyType({"create": "CREATE", "delete": "DELETE", "rename": "DELETE"})


@dataclass(frozen=True, slots=True)
class Derived:
    """A column: the fields that it is made from, and how; ``read`` gives None where they say nothing, and without all of them."""

    reads: tuple[str, ...]
    read: Read


def _program(executable: str, name: str) -> Read:
    """Read the path of a program, and for an applet of busybox also the path that it would have by itself."""

    def read(record: Record) -> Any:
        path, known = record.get(executable), record.get(name)
        if not isinstance(path, str):
            return f"/{known}" if known else None
        if posixpath.basename(path) in _MULTICALL and known:
            return [path, posixpath.join(posixpath.dirname(path), posixpath.basename(str(known)))]
        return path

    return read


def _user(record: Record) -> Any:
    names = [record[field] for field in ("user.name", "user.id") if field in record]
    return [*names, "root"] if record.get("user.id") == _ROOT and "root" not in names else names or None


def _argument(number: int) -> Read:
    def read(record: Record) -> Any:
        arguments = record.get("process.args") or ()
        return arguments[number] if number < len(arguments) else None

    return read


def _written(record: Record) -> Any:
    """Read the path that a file has after the act: a renamed one has its new name."""
    target = record.get("file.target_path")
    return target if target and record.get("event.action") == "rename" else record.get("file.path")


def _paths(record: Record) -> Any:
    fields = (
        "file.path",
        "file.target_path",
        *(("process.executable",) if record.get("event.action") == "exec" else ()),
    )
    return [record[field] for field in fields if field in record] or None


def _name_types(record: Record) -> Any:
    access = record.get("file.access") or ()
    return [_NAME_TYPES.get(word, "NORMAL") for word in access] or ("NORMAL" if "file.path" in record else None)


def _calls(record: Record) -> Any:
    action = record.get("event.action")
    return _CALLS.get(action, (action,)) if isinstance(action, str) else None


def _record_types(record: Record) -> Any:
    """Read the types of the audit records that such an event is made from."""
    action = record.get("event.action")
    if not isinstance(action, str):
        return None
    alone = action.upper().replace("-", "_")
    if action not in _CALLS and "-" in action:
        return alone
    parts = {
        "EXECVE": action == "exec",
        "PATH": "file.path" in record or action == "exec",
        "CWD": "process.working_directory" in record,
        "SOCKADDR": "network.direction" in record,
    }
    return ["SYSCALL", alone, *(name for name, holds in parts.items() if holds)]


def _succeeded(record: Record) -> Any:
    return {"success": "yes", "failure": "no"}.get(record.get("event.outcome", ""))


def _result(record: Record) -> Any:
    return {"success": ("success", "1"), "failure": ("failed", "0")}.get(record.get("event.outcome", ""))


def _account(record: Record) -> Any:
    return record.get("user.target.name") or record.get("user.name")


def _initiated(record: Record) -> Any:
    direction = record.get("network.direction")
    return None if direction is None else str(direction == "egress").lower()


def _group(record: Record) -> Any:
    group, slash, _ = str(record.get("orchestrator.api_version", "")).rpartition("/")
    return group if slash else None


def _version(record: Record) -> Any:
    return str(record.get("orchestrator.api_version", "")).rpartition("/")[2] or None


def _uri(record: Record) -> Any:
    """Read the path of a request to the Kubernetes API; its query is not in our records."""
    kind = record.get("orchestrator.resource.type")
    if kind is None:
        return record.get("url.path")
    version = str(record.get("orchestrator.api_version") or "v1")
    namespace = record.get("orchestrator.namespace")
    parts = [
        "/apis" if "/" in version else "/api",
        version,
        *(("namespaces", namespace) if namespace and kind != "namespaces" else ()),
        kind,
        record.get("orchestrator.resource.name"),
        record.get("kubernetes.audit.subresource"),
    ]
    return "/".join(str(part) for part in parts if part)


def _decision(record: Record) -> Any:
    return {"success": "allow", "failure": "forbid"}.get(record.get("event.outcome", ""))


_ARGUMENTS: Final = {
    f"process.args[{number}]": Derived(("process.args",), _argument(number)) for number in range(ARGUMENTS)
}

DERIVED: Final = MappingProxyType(
    _ARGUMENTS
    | {
        "audit.decision": Derived(("event.outcome",), _decision),
        "audit.request_uri": Derived(
            ("url.path", "orchestrator.resource.type", "orchestrator.resource.name", "kubernetes.audit.subresource"),
            _uri,
        ),
        "auditd.account": Derived(("user.target.name", "user.name"), _account),
        "auditd.name": Derived(("file.path", "file.target_path", "process.executable"), _paths),
        "auditd.name_type": Derived(("file.access", "file.path"), _name_types),
        "auditd.result": Derived(("event.outcome",), _result),
        "auditd.success": Derived(("event.outcome",), _succeeded),
        "auditd.syscall": Derived(("event.action",), _calls),
        "auditd.type": Derived(("event.action",), _record_types),
        "file.path.after": Derived(("file.path", "file.target_path"), _written),
        "network.initiated": Derived(("network.direction",), _initiated),
        "orchestrator.api_group": Derived(("orchestrator.api_version",), _group),
        "orchestrator.api_version.version": Derived(("orchestrator.api_version",), _version),
        "process.parent.program": Derived(
            ("process.parent.executable", "process.parent.name"),
            _program("process.parent.executable", "process.parent.name"),
        ),
        "process.program": Derived(
            ("process.executable", "process.name"), _program("process.executable", "process.name")
        ),
        "user.any": Derived(("user.name", "user.id"), _user),
    }
)
"""Every derived column by its name; no name of a field is among them."""
