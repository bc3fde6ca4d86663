"""What a subject does, in words that follow "it": the beginning of a verdict's reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from streams.judge.images import IMAGE_PHRASES
from streams.judge.predicates import DATA_CLASS
from streams.judge.record import Record, reach_of
from streams.judge.settings import SETTING_PHRASES, lacks

__all__ = ["phrase"]

_MAX_VALUE: Final = 160
_MAX_PHRASE: Final = 480


def phrase(section: str, subject: Any, word: Any) -> str:
    """Return what was done, such as ``mounts /etc of the host``; ``word`` is what a ``require`` clause asks for."""
    known = _PHRASES.get(section)
    return _short(known(subject) if known else lacks(section, subject, word), _MAX_PHRASE)


def _short(text: str, most: int = _MAX_VALUE) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


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


def _data(record: Record) -> str:
    return f"touches {record[DATA_CLASS]} data: {_touches(record)}"


def _touches(record: Record) -> str:
    if reach_of(record) is not None:
        return _reach(record)
    if "kubernetes.audit.verb" in record:
        return _request(record)
    return _peer(record) if "network.direction" in record else _file(record)


def _resource(record: Record) -> str:
    least, most = (2 ** ((record["resource.band"] + step) / 4) for step in (0, 1))
    return f"uses {record['resource.metric']} of {least:.4g} to {most:.4g}"


_PHRASES: Final[dict[str, Callable[[Any], str]]] = {
    **IMAGE_PHRASES,
    **SETTING_PHRASES,
    "containers": lambda record: f"is {record['event.action']}",
    "exec": _exec,
    "files": _file,
    "network.egress": _peer,
    "network.ingress": _peer,
    "network.dns": lambda record: f"asks for the name {_short(record['dns.question.name'])}",
    "resources": _resource,
    "secrets.max_age_days": lambda _: "holds a secret that was not changed for too long",
    "secrets.types": lambda record: f"is a secret of type {record['secret.type']}",
    "access.exec_into_container": _reach,
    "access.secrets": _request,
    "access.api": _request,
    "access.data": _data,
}
