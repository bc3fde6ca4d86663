"""What is asked about the settings that a container is started with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from schemas.matching import names
from streams.judge.holds import Keys, Test, of_addresses, of_flag, of_names, of_paths, of_ports, of_words, one_of
from streams.judge.record import SETTING, Record, Subject, is_request, is_whole

__all__ = [
    "SETTING_KEYS",
    "SETTING_PHRASES",
    "SETTING_TESTS",
    "Mount",
    "Published",
    "lacks",
    "subjects_of_settings",
]

_MOUNT: Final = re.compile(r"(?P<source>.+):(?P<target>[^:]*):(?P<mode>ro|rw)(?::(?P<propagation>[^:]+))?", re.DOTALL)
_PORT: Final = re.compile(r"(?:(?P<address>.+):)?(?P<port>\d{1,5})(?:/(?P<protocol>\w+))?")
_ANY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - what is compared, nothing listens there
_ROOT: Final = frozenset({"", "0", "root"})
_ALL: Final = "ALL"
_REQUIRED: Final = (
    "limits",
    "limits.minimum",
    "limits.maximum",
    "dropped_capabilities",
    "no_new_privileges",
    "read_only_root",
    "profiles",
    "required_labels",
)
_LISTS: Final = MappingProxyType(
    {
        "host_namespaces": "host_namespaces",
        "capabilities": "capabilities.add",
        "devices": "devices",
        "volumes": "volumes",
        "environment_secrets": "environment_secrets",
    }
)
_SINGLE: Final = ("network_mode", "seccomp", "apparmor", "runtime", "replicas")


@dataclass(frozen=True, slots=True)
class Mount:
    """A path of the host in a container."""

    source: str
    target: str
    writable: bool
    propagation: str


@dataclass(frozen=True, slots=True)
class Published:
    """A port of the host that leads into a container."""

    address: str
    port: int
    protocol: str


def subjects_of_settings(record: Record) -> Iterator[Subject]:
    """Return what a container is started with; what is required, only where all settings are known."""
    for flag in ("privileged", "root"):
        if record.get(SETTING + flag):
            yield f"settings.{flag}", True
    for section, field in _LISTS.items():
        yield from ((f"settings.{section}", word) for word in record.get(SETTING + field) or ())
    yield from (("settings.mounts", _mount(text)) for text in record.get(f"{SETTING}mounts") or ())
    yield from (("settings.ports", _published(text)) for text in record.get(f"{SETTING}ports") or ())
    for name in _SINGLE:
        if SETTING + name in record:
            yield f"settings.{name}", record[SETTING + name]
    yield from _user(record)
    yield from (("settings.labels", label) for label in _labels(record))
    if record.get(f"{SETTING}entrypoint"):
        yield "settings.entrypoint", " ".join(record[f"{SETTING}entrypoint"])
    yield from _account(record)
    if is_whole(record):
        yield from ((f"settings.{name}", record) for name in _REQUIRED)
        if is_request(record):
            yield "settings.probes", record


def _user(record: Record) -> Iterator[Subject]:
    user = record.get(f"{SETTING}user")
    if user is not None:
        name = user.partition(":")[0]
        yield "settings.user", ("root", "0") if name in _ROOT else (name,)


def _account(record: Record) -> Iterator[Subject]:
    """Yield the service account of a pod, and again if its token is mounted: without a word, the default's is."""
    whole_pod = is_request(record) and is_whole(record)
    account = record.get(f"{SETTING}service_account") or ("default" if whole_pod else None)
    if account is not None:
        yield "settings.service_account", account
        if record.get(f"{SETTING}automount_token", whole_pod):
            yield "settings.automount_token", account


def _labels(record: Record) -> list[str]:
    """Return the labels of the pods that are asked for, or else of the workload that runs."""
    return record.get(f"{SETTING}labels") or ([] if is_request(record) else record.get("workload.labels") or [])


def _mount(text: str) -> Mount:
    """Read ``source:target:ro|rw[:propagation]``; a source may hold colons, and what is written otherwise may be written to."""
    found = _MOUNT.fullmatch(text)
    if found is None:
        return Mount(text.partition(":")[0], "", writable=True, propagation="")
    return Mount(found["source"], found["target"], found["mode"] == "rw", found["propagation"] or "")


def _published(text: str) -> Published:
    """Read ``[address:]port/protocol``; what is written otherwise is port 0."""
    found = _PORT.fullmatch(text)
    if found is None:
        return Published(_ANY_ADDRESS, 0, "")
    return Published((found["address"] or _ANY_ADDRESS).strip("[]"), int(found["port"]), found["protocol"] or "tcp")


def _itself(subject: Any) -> list[Any]:
    return [subject]


def _capability(words: tuple[str, ...], every: bool) -> Test:  # noqa: FBT001 - the mode of every key
    """Adding ALL adds each, so it is denied with any one; it is allowed only where ALL are."""
    listed = frozenset(words)
    return lambda added: added in listed or _ALL in listed or (added == _ALL and not every)


def _user_key(patterns: tuple[str, ...], every: bool) -> Test:  # noqa: ARG001, FBT001 - id and name are one user, any mode
    matches = names(patterns)
    return lambda user: any(map(matches, user))


SETTING_KEYS: Final[Keys] = MappingProxyType(
    {
        "account": of_names(_itself),
        "address": of_addresses(one_of("address")),
        "capability": _capability,
        "command": of_names(_itself),
        "device": of_paths(_itself),
        "label": of_names(_itself),
        "mode": of_names(_itself),
        "namespace": of_words(_itself),
        "port": of_ports(one_of("port")),
        "profile": of_names(_itself),
        "propagation": of_words(one_of("propagation")),
        "protocol": of_words(one_of("protocol")),
        "runtime": of_names(_itself),
        "source": of_paths(one_of("source")),
        "target": of_paths(lambda mount: [mount.target] if mount.target else []),
        "user": _user_key,
        "variable": of_names(_itself),
        "volume": of_names(_itself),
        "writable": of_flag(lambda mount: mount.writable),
    }
)


def _dropped(word: str) -> Test:
    return lambda record: not {_ALL, word} & set(record.get(f"{SETTING}capabilities.drop") or ())


def _unlimited(word: str) -> Test:
    return lambda record: _can_limit(record, word) and word not in (record.get(f"{SETTING}limited") or ())


def _can_limit(record: Record, word: str) -> bool:
    """Return whether the limit could be known: the manifest of a pod says nothing of processes."""
    return word != "pids" or not is_request(record)


def _out_of_bounds(value: tuple[str, str, float]) -> Test:
    bound, word, amount = value
    field = f"{SETTING}limits.{word}"
    if bound == "minimum":
        return lambda record: field in record and record[field] < amount
    return lambda record: _can_limit(record, word) and (field not in record or record[field] > amount)


def _replicas(bounds: Any) -> Test:
    least, most = bounds.minimum or 0, bounds.maximum
    return lambda replicas: replicas < least or (most is not None and replicas > most)


def _no_label(pattern: str) -> Test:
    matches = names([pattern])
    return lambda record: not any(map(matches, _labels(record)))


def _unset(field: str) -> Callable[[Any], Test]:
    return lambda _: lambda record: not record.get(SETTING + field)


SETTING_TESTS: Final[MappingProxyType[str, Callable[[Any], Test]]] = MappingProxyType(
    {
        "settings.privileged": lambda _: bool,
        "settings.root": lambda _: bool,
        "settings.dropped_capabilities": _dropped,
        "settings.limits": _unlimited,
        "settings.limits.minimum": _out_of_bounds,
        "settings.limits.maximum": _out_of_bounds,
        "settings.no_new_privileges": _unset("no_new_privileges"),
        "settings.read_only_root": _unset("read_only_root"),
        "settings.profiles": lambda word: lambda record: not record.get(SETTING + word),
        "settings.required_labels": _no_label,
        "settings.probes": lambda word: lambda record: word not in (record.get(f"{SETTING}probes") or ()),
        "settings.replicas": _replicas,
    }
)
"""Flags, and what is required, turned round: whether it is missing."""


def _mounts(mount: Mount) -> str:
    propagation = f" with propagation {mount.propagation}" if mount.propagation else ""
    return f"mounts {mount.source} of the host{propagation}"


SETTING_PHRASES: Final[MappingProxyType[str, Callable[[Any], str]]] = MappingProxyType(
    {
        "settings.privileged": lambda _: "runs privileged",
        "settings.root": lambda _: "runs as root",
        "settings.user": lambda user: f"runs as user {user[0]}",
        "settings.host_namespaces": lambda word: f"shares the {word} namespace of the host",
        "settings.network_mode": lambda mode: f"is joined to network {mode}",
        "settings.capabilities": lambda word: f"has capability {word}",
        "settings.mounts": _mounts,
        "settings.volumes": lambda volume: f"mounts volume {volume}",
        "settings.devices": lambda path: f"uses device {path} of the host",
        "settings.ports": lambda port: f"takes port {port.port}/{port.protocol} of the host on {port.address}",
        "settings.seccomp": lambda profile: f"runs with seccomp profile {profile}",
        "settings.apparmor": lambda profile: f"runs with AppArmor profile {profile}",
        "settings.service_account": lambda account: f"runs with service account {account}",
        "settings.automount_token": lambda account: f"mounts the token of service account {account}",
        "settings.environment_secrets": lambda name: f"has what looks like a secret in variable {name}",
        "settings.labels": lambda label: f"has label {label}",
        "settings.runtime": lambda runtime: f"is run by {runtime}",
        "settings.replicas": lambda replicas: f"asks for {replicas} replicas",
        "settings.entrypoint": lambda command: f"starts with {command}",
    }
)

_LACKS: Final = MappingProxyType(
    {
        "settings.limits": "has no limit of {}",
        "settings.dropped_capabilities": "does not drop capability {}",
        "settings.no_new_privileges": "may gain new privileges",
        "settings.read_only_root": "may write to its root file system",
        "settings.profiles": "names no {} profile",
        "settings.required_labels": "has no label {}",
        "settings.probes": "has a container without {} probe",
    }
)


def lacks(section: str, record: Record, value: Any) -> str:
    """Return what a container does not have that a clause with ``value`` requires."""
    if section.startswith("settings.limits."):
        bound, word, amount = value
        limit = record.get(f"{SETTING}limits.{word}", "none")
        return f"has a limit of {word} of {limit}, {'less' if bound == 'minimum' else 'more'} than {amount:g}"
    return _LACKS[section].format(value)
