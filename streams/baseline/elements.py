"""What a record adds to a baseline: the one canonicaliser of learner and matcher.

Only activity and deciding facts are read, never the envelope, so equal activities have equal elements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from posixpath import basename, join
from typing import Any, Final

from schemas.baseline import Element, Elements, literal, ordered
from schemas.facts import FACTS_ACTION
from schemas.images import parse_image
from schemas.matching import clean_address, clean_domain, clean_path
from streams.judge.subjects import SETTINGS_MARK, reach_of

__all__ = ["OBSERVES", "elements_of"]

Record = Mapping[str, Any]

OBSERVES: Final[Mapping[str, tuple[str, ...]]] = {
    "auditd.log": ("exec", "args", "file", "egress"),
    "docker.events": ("settings", "image"),
    "docker.facts": ("settings", "image"),
    "docker.stats": ("resource",),
    "kubernetes.audit": ("api", "secret"),
    "registry.notifications": ("image",),
    "vault.audit": ("secret",),
}
"""Which dimensions a sensor sees wholly, by dataset: of these, what was not seen was not done. Others count once they were seen."""

_MAX_WORD: Final = 200
_MAX_WORDS: Final = 64
_SETTING: Final = "container.settings."
_STARTS: Final = frozenset(
    {"container-create", "container-start", "container-restart", "container-update", FACTS_ACTION}
)
_FLAGS: Final = ("privileged", "root", "no_new_privileges", "read_only_root")
_LISTS: Final = ("host_namespaces", "capabilities.add", "mounts", "volumes", "devices", "ports")
_VALUES: Final = (
    "user",
    "limits.memory",
    "limits.cpu",
    "limits.pids",
    "seccomp",
    "apparmor",
    "network_mode",
    "service_account",
    "automount_token",
)
_ANY_PROCESS: Final = "*"


def elements_of(record: Record) -> Elements:
    """Return the elements of a record (activity and deciding facts) by dimension; nothing for what no dimension is about."""
    found: dict[str, list[Element]] = {}
    for dimension, element in _all(record):
        found.setdefault(dimension, []).append(element)
    return ordered(found)


def _all(record: Record) -> Iterator[tuple[str, Element]]:
    action = record.get("event.action", "")
    if "kubernetes.audit.verb" in record:
        yield from _request(record)
    elif "secret.path" in record:
        yield "secret", (literal(action.partition("-")[2]), literal(record["secret.path"]))
    elif action == "exec":
        yield from _exec(record)
    elif "network.direction" in record:
        yield _connection(record)
    elif "file.path" in record:
        yield from _file(record, action)
    if "dns.question.name" in record:
        yield "dns", (literal(clean_domain(record["dns.question.name"])),)
    if "resource.metric" in record and "resource.band" in record:
        yield "resource", (literal(record["resource.metric"]), str(record["resource.band"]))
    yield from _engine(record, action)


def _engine(record: Record, action: str) -> Iterator[tuple[str, Element]]:
    if action in _STARTS and SETTINGS_MARK in record:
        yield from (("settings", element) for element in _settings(record))
        yield from (("image", ("run", name)) for name in _repositories(record))
    if action in ("image-pull", "image-push"):
        yield from (("image", (action.removeprefix("image-"), name)) for name in _repositories(record))
    if "kubernetes.audit.verb" not in record and reach_of(record) is not None:
        program = (record.get("container.exec.command") or "").split(" ", 1)[0]
        yield "api", (action, _word(program), "")


def _exec(record: Record) -> Iterator[tuple[str, Element]]:
    path, arguments = _program(record), record.get("process.args") or (record.get("process.command_line") or "").split()
    name = basename(arguments[0]).removeprefix("-") if arguments else record.get("process.name") or ""
    own = basename(path).removeprefix("memfd:")
    yield "exec", (path,) if not name or literal(name) == own else (path, _word(name))
    yield "args", (path, *map(_word, arguments[1:_MAX_WORDS]), *_rest(arguments))
    if "process.hash.sha256" in record:
        yield "hash", (path, literal(record["process.hash.sha256"]))


def _program(record: Record) -> str:
    """Return the path of what is run; what has none (fexecve, memfd) is told by its name, when learned and when matched."""
    return _path(record, record.get("process.executable") or f"memfd:{record.get('process.name', '')}")


def _rest(arguments: list[str]) -> tuple[str, ...]:
    """Return one word for the arguments beyond those that are kept, so that others are another element."""
    return (_digest("\0".join(arguments[_MAX_WORDS:])),) if len(arguments) > _MAX_WORDS else ()


def _file(record: Record, action: str) -> Iterator[tuple[str, Element]]:
    paths = [_path(record, record[name]) for name in ("file.path", "file.target_path") if name in record]
    for access in record.get("file.access") or [action]:
        yield from (("file", (path, literal(access))) for path in paths)


def _connection(record: Record) -> tuple[str, Element]:
    direction = record["network.direction"]
    port, transport = str(record.get("destination.port", "")), literal(record.get("network.transport", "ip"))
    if direction == "ingress":
        return "ingress", (_peer(record, "source.ip") or "listen", port, transport)
    return "egress", (_peer(record, "destination.ip") or "unknown", port, transport)


def _peer(record: Record, address: str) -> str:
    """Return the peer by its workload where that is known, else by its name, else by its address."""
    if "peer.workload" in record:
        return f"workload:{literal(record['peer.workload'])}"
    if address == "destination.ip" and "destination.domain" in record:
        return f"name:{literal(clean_domain(record['destination.domain']))}"
    found = clean_address(record.get(address, ""))
    return "" if found is None else str(found)


def _settings(record: Record) -> Iterator[Element]:
    """Yield every setting, also those that are off, and nothing for the value of what is unset: to lose a protection is a deviation."""
    for flag in _FLAGS:
        yield flag, "true" if record.get(_SETTING + flag) else "false"
    for name in _LISTS:
        yield from ((name, _word(value)) for value in record.get(_SETTING + name) or ())
    for name in _VALUES:
        value = record.get(_SETTING + name)
        yield name, "" if value in (None, "") else _word(f"{value:g}" if isinstance(value, float) else str(value))
    yield "capabilities.drop", _word(" ".join(sorted(record.get(f"{_SETTING}capabilities.drop") or ())))


def _repositories(record: Record) -> Iterator[str]:
    asked = record.get(f"{_SETTING}images") or [record.get("container.image.name")]
    for reference in asked:
        image = parse_image(reference) if reference else None
        if reference:  # a bare image id names no repository: it is its own
            yield literal(f"{image.registry}/{image.repository}" if image else reference)


def _request(record: Record) -> Iterator[tuple[str, Element]]:
    verb, namespace = record["kubernetes.audit.verb"], record.get("orchestrator.namespace", "")
    parts = (record.get("orchestrator.resource.type"), record.get("kubernetes.audit.subresource"))
    resource = "/".join(part for part in parts if part) or record.get("url.path", "")
    yield "api", (literal(verb), _word(resource), _word(namespace))
    if record.get("orchestrator.resource.type") == "secrets":
        name = record.get("orchestrator.resource.name")
        yield "secret", (literal(verb), f"{literal(namespace)}/{literal(name) if name else ''}")


def _path(record: Record, path: str) -> str:
    """Return an absolute, clean path; a process's own folder below /proc is anyone's."""
    directory = "" if path.startswith("memfd:") else record.get("process.working_directory") or ""
    cleaned = clean_path(join(directory, path))
    parts = literal(cleaned).split("/")
    if parts[:2] == ["", "proc"] and len(parts) > 2 and (parts[2].isdecimal() or parts[2] in ("self", "thread-self")):  # noqa: PLR2004 - the segment behind /proc
        parts[2] = _ANY_PROCESS
    return "/".join(parts)


def _word(text: str) -> str:
    """Return an argument as a word; a long one is cut and told apart by its digest."""
    if len(text) <= _MAX_WORD:
        return literal(text)
    return literal(text[:_MAX_WORD]) + _digest(text)


def _digest(text: str) -> str:
    return "…" + blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
