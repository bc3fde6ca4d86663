"""What a subject does, in words that follow "it": the beginning of a verdict's reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from streams.judge.subjects import Mount, Record, reach_of

__all__ = ["phrase"]

_MAX_CHARACTERS: Final = 160


def phrase(section: str, subject: Any, word: Any) -> str:
    """Return what was done, such as ``mounts /etc of the host``; ``word`` is what a ``require`` clause asks for."""
    return _PHRASES[section](subject) if section in _PHRASES else _LACKS[section].format(word)


def _short(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else text[: _MAX_CHARACTERS - 1] + "…"


def _exec(record: Record) -> str:
    program = record.get("process.executable") or record.get("process.name") or "an unknown program"
    return f"runs {_short(program)}"


def _file(record: Record) -> str:
    doing = " and ".join(f"{_ACCESSES.get(access, access)}" for access in record.get("file.access") or ()) or "opens"
    by = record.get("process.executable") or record.get("process.name")
    return f"{doing} {_short(record['file.path'])}" + (f" with {_short(by)}" if by else "")


_ACCESSES: Final = {
    "read": "reads",
    "write": "writes",
    "create": "creates",
    "delete": "deletes",
    "rename": "renames",
    "attributes": "changes attributes of",
}


def _peer(record: Record) -> str:
    inbound = record["network.direction"] == "ingress"
    address = record.get("source.ip" if inbound else "destination.ip")
    peer = record.get("destination.domain") or address or "an unknown peer"
    port = f" port {record['destination.port']}" if "destination.port" in record else ""
    return (
        f"accepts from {peer} on{port}"
        if inbound and port
        else f"{'accepts from' if inbound else 'connects to'} {peer}{port}"
    )


def _actor(record: Record) -> str:
    user, effective = record.get("user.name"), record.get("user.effective.name")
    if user is None:
        return "someone"
    return f"{user} as {effective}" if effective and effective != user else str(user)


def _reach(record: Record) -> str:
    command = record.get("container.exec.command")
    doing = {"exec": "executes", "attach": "attaches to", "portforward": "forwards a port of", "debug": "debugs"}
    target = "/".join(
        record[field] for field in ("orchestrator.namespace", "orchestrator.resource.name") if field in record
    )
    if reach_of(record) == "exec":
        what = f" {_short(command)}" if command else ""
        return f"{_actor(record)} executes{what} in container {target}".rstrip()
    return f"{_actor(record)} {doing[reach_of(record) or 'exec']} container {target}".rstrip()


def _request(record: Record) -> str:
    resource = "/".join(
        record[field] for field in ("orchestrator.resource.type", "kubernetes.audit.subresource") if field in record
    )
    target = "/".join(
        record[field] for field in ("orchestrator.namespace", "orchestrator.resource.name") if field in record
    )
    what = " ".join(part for part in (resource or record.get("url.path"), target) if part)
    return _short(f"{_actor(record)}: {record['kubernetes.audit.verb']} {what}")


def _mount(mount: Mount) -> str:
    propagation = f" with propagation {mount.propagation}" if mount.propagation else ""
    return f"mounts {_short(mount.source)} of the host{propagation}"


_PHRASES: Final[dict[str, Callable[[Any], str]]] = {
    "images.registries": lambda reference: f"uses image {_short(reference)}",
    "images.tags": lambda reference: f"uses image {_short(reference)}",
    "images.digest": lambda reference: f"names image {_short(reference)} without a digest",
    "settings.privileged": lambda _: "runs privileged",
    "settings.root": lambda _: "runs as root",
    "settings.host_namespaces": lambda word: f"shares the {word} namespace of the host",
    "settings.capabilities": lambda word: f"has capability {word}",
    "settings.mounts": _mount,
    "settings.devices": lambda path: f"uses device {_short(path)} of the host",
    "settings.seccomp": lambda profile: f"runs with seccomp profile {profile}",
    "settings.apparmor": lambda profile: f"runs with AppArmor profile {profile}",
    "containers": lambda record: f"is {record['event.action']}",
    "exec": _exec,
    "files": _file,
    "network.egress": _peer,
    "network.ingress": _peer,
    "network.dns": lambda record: f"asks for the name {_short(record['dns.question.name'])}",
    "access.exec_into_container": _reach,
    "access.secrets": _request,
    "access.api": _request,
}

_LACKS: Final = {
    "settings.limits": "has no limit of {}",
    "settings.dropped_capabilities": "does not drop capability {}",
    "settings.no_new_privileges": "may gain new privileges",
    "settings.read_only_root": "may write to its root file system",
}
