"""What a Falco alert says was done: process, file, connection, or request to the Kubernetes API."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from producers.formats.falco.fields import Fields
from producers.formats.values import address_of, integer_of, texts_of
from producers.formats.workload import stable_name
from schemas.codec import Event

__all__ = ["activity_of", "envelope_of"]

_ACTIONS: Final = MappingProxyType(
    {
        name: action
        for action, names in {
            "exec": "execve execveat",
            "open": "open openat openat2 open_by_handle_at creat",
            "connect": "connect",
            "accept": "accept accept4",
            "send": "sendto sendmsg sendmmsg",
            "receive": "recvfrom recvmsg recvmmsg",
            "delete": "unlink unlinkat rmdir",
            "rename": "rename renameat renameat2",
            "link": "link linkat",
            "symlink": "symlink symlinkat",
            "change-mode": "chmod fchmod fchmodat fchmodat2",
            "change-owner": "chown fchown fchownat lchown",
            "mkdir": "mkdir mkdirat",
            "mknod": "mknod mknodat",
            "truncate": "truncate ftruncate",
            "set-attributes": "setxattr lsetxattr fsetxattr removexattr utime utimes futimesat utimensat",
            "kill": "kill tkill tgkill",
            "fork": "clone clone3 fork vfork",
        }.items()
        for name in names.split()
    }
)
_ACCESS: Final = MappingProxyType(
    {
        "delete": ["delete"],
        "rename": ["rename"],
        "link": ["create"],
        "symlink": ["create"],
        "mkdir": ["create"],
        "mknod": ["create"],
        "truncate": ["write"],
        "set-attributes": ["attributes"],
        "change-mode": ["attributes"],
        "change-owner": ["attributes"],
    }
)
_CATEGORIES: Final = MappingProxyType(
    {"exec": "process", "fork": "process"}
    | dict.fromkeys(("connect", "accept", "send", "receive", "listen", "bind"), "network")
    | dict.fromkeys(("open", *_ACCESS), "file")
)
_INGRESS: Final = ("accept", "receive", "listen", "bind")
_CONNECTION: Final = re.compile(r"(?P<client>\S+):(?P<client_port>\d{1,5})->(?P<server>\S+):(?P<server_port>\d{1,5})\Z")
_TRANSPORTS: Final = ("tcp", "udp", "icmp", "unix")


def activity_of(fields: Fields, rule: str) -> Event:
    """Return what was done; ``rule`` (its name) decides between reading and writing where no flag does."""
    if fields.first("ka.verb", "ka.uri", "ka.target.resource", "ka.user.name") is not None:
        return _request(fields)
    kind = fields.text("evt.type", "syscall.type")
    action = _ACTIONS.get(kind, kind) if kind else "alert"
    connection = _connection(fields, action) or _local_connection(fields, action)
    what = connection or _file(fields, action, rule)
    category = _CATEGORIES.get(action) or ("network" if connection else "file" if what else "process")
    return (
        {"event.action": action, "event.category": [category], "event.outcome": _outcome(fields)}
        | _process(fields)
        | what
    )


def envelope_of(fields: Fields) -> Event:
    """Return what differs every time; the times of processes are nanoseconds."""
    return {
        "event.sequence": fields.integer("evt.num"),
        "process.pid": fields.integer("proc.pid"),
        "process.parent.pid": fields.integer("proc.ppid"),
        "http.request.id": fields.text("ka.auditid"),
        "url.original": fields.text("ka.uri"),
        "orchestrator.resource.id": fields.text("ka.target.name"),
    }


def _process(fields: Fields) -> Event:
    terminal = fields.integer("proc.tty")
    return {
        "process.executable": fields.text("proc.exepath"),
        "process.name": fields.text("proc.name"),
        "process.command_line": fields.text("proc.cmdline"),
        "process.working_directory": fields.text("proc.cwd"),
        "process.interactive": None if terminal is None else terminal != 0,
        "process.parent.executable": fields.text("proc.pexepath", "proc.aexepath[1]"),
        "process.parent.name": fields.text("proc.pname", "proc.aname[1]"),
        "process.parent.command_line": fields.text("proc.pcmdline", "proc.acmdline[1]"),
        "user.id": fields.text("user.uid"),
        "user.name": fields.text("user.name"),
        "group.id": fields.text("group.gid"),
    }


def _outcome(fields: Fields) -> str:
    failed, result = fields.flag("evt.failed"), fields.text("evt.res")
    if failed is None and result is None:
        return "unknown"
    return "failure" if failed or (result is not None and result != "SUCCESS") else "success"


def _connection(fields: Fields, action: str) -> Event:
    """Read ``client:port->server:port``; the side that is not the peer goes to the envelope, where it may vary."""
    match = _CONNECTION.match(fields.text("fd.name") or "")
    parts = match.groupdict() if match else {}
    client = address_of(parts.get("client")) or fields.address("fd.cip")
    server = address_of(parts.get("server")) or fields.address("fd.sip", "fd.rip")
    if client is None and server is None:
        return {}
    ingress = action in _INGRESS
    transport = (fields.text("fd.l4proto") or "").lower()
    return {
        "network.direction": "ingress" if ingress else "egress",
        "network.transport": transport if transport in _TRANSPORTS else None,
        "source.ip" if ingress else "source.address": client,
        "source.port": integer_of(parts.get("client_port")) or fields.integer("fd.cport"),
        "destination.address" if ingress else "destination.ip": server,
        "destination.port": integer_of(parts.get("server_port")) or fields.integer("fd.sport", "fd.rport"),
        "destination.domain": fields.text("fd.sip.name"),
    }


def _local_connection(fields: Fields, action: str) -> Event:
    """Read ``ADDRESS->ADDRESS PATH`` of a Unix socket, where the path may also stand alone."""
    if fields.text("fd.type") != "unix" and action != "connect":
        return {}
    path = (fields.text("fd.name") or "").rpartition(" ")[2]
    return {"network.transport": "unix", "file.path": path} if path.startswith("/") else {}


def _file(fields: Fields, action: str, rule: str) -> Event:
    name = fields.text("fd.name")
    of_file = fields.text("fd.type") in ("file", "directory") or (name or "").startswith("/")
    path = (name if of_file else None) or fields.text(
        "fs.path.name", "fs.path.source", "evt.abspath", "evt.arg.path", "evt.arg.oldpath", "evt.arg.name"
    )
    if path is None:
        return {}
    target = fields.text("fs.path.target", "evt.arg.newpath", "evt.arg.linkpath")
    access = _ACCESS.get(action) or (_opened_for(fields, rule) if action == "open" else None)
    return {"file.path": path, "file.target_path": target, "file.access": access}


def _opened_for(fields: Fields, rule: str) -> list[str]:
    """Return how a file was opened: by the flags if the alert has them, else by the words of its rule."""
    flags = (fields.text("evt.arg.flags") or "").upper()
    both = "O_RDWR" in flags
    asked = {
        "read": both or "O_RDONLY" in flags or fields.flag("evt.is_open_read") is True,
        "write": both or "O_WRONLY" in flags or fields.flag("evt.is_open_write") is True,
        "create": "O_CREAT" in flags or fields.flag("evt.is_open_create") is True,
    }
    if not any(asked.values()):
        asked = {word: word in rule.lower() for word in ("read", "write")}
    return [access for access, was_asked in asked.items() if was_asked]


def _request(fields: Fields) -> Event:
    """Return a request to the Kubernetes API, in the words of the format ``kubernetes-audit``."""
    resource, subresource = fields.text("ka.target.resource"), fields.text("ka.target.subresource")
    verb, name = fields.text("ka.verb"), fields.text("ka.target.name", "ka.resp.name")
    path = "/".join(part for part in (resource, subresource) if part)
    command = texts_of(fields.first("ka.uri.param[command]"))
    return {
        "event.action": "-".join(part for part in (path or "nonresource", verb) if part),
        "event.category": ["api"],
        "event.outcome": _answer(fields),
        "event.reason": fields.text("ka.auth.reason"),
        "user.name": fields.text("ka.user.name"),
        "user.roles": sorted(_split(fields.text("ka.user.groups"))),
        "user.effective.name": fields.text("ka.impuser.name"),
        "user_agent.original": fields.text("ka.useragent"),
        "source.ip": address_of(next(iter(_split(fields.text("ka.sourceips"))), None)),
        "http.response.status_code": fields.integer("ka.response.code"),
        "url.path": None if resource else (fields.text("ka.uri") or "").partition("?")[0] or None,
        "orchestrator.type": "kubernetes",
        "orchestrator.namespace": fields.text("ka.target.namespace"),
        "orchestrator.resource.type": resource,
        "orchestrator.resource.name": stable_name(resource, name) if resource and name else name,
        "kubernetes.audit.verb": verb,
        "kubernetes.audit.subresource": subresource,
        "container.exec.command": " ".join(command) or None,
        "container.settings.images": _split(fields.text("ka.req.pod.containers.image")),
        "container.settings.privileged": True
        if "true" in _split(fields.text("ka.req.pod.containers.privileged"))
        else None,
    }


def _answer(fields: Fields) -> str:
    code, decision = fields.integer("ka.response.code"), fields.text("ka.auth.decision")
    if code is not None:
        return "failure" if code >= 400 else "success"  # noqa: PLR2004 - HTTP's first status of an error
    return {"allow": "success", "forbid": "failure"}.get(decision or "", "unknown")


def _split(text: str | None) -> list[str]:
    """Return the parts of a list that Falco has written as ``(a,b)``, ``[a b]`` or ``a,b``."""
    return [part for part in re.split(r"[,\s]+", (text or "").strip("()[]")) if part]
