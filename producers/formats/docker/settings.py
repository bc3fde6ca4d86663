"""The settings a container runs with, from the engine's ``inspect``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final

from producers.formats.docker.variables import secret_variables
from producers.formats.values import integer_of, items_of, object_of, text_of, texts_of
from schemas.codec import Event

__all__ = ["settings_of", "stable", "volume_name"]

_INSTANCE: Final = re.compile(
    r"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?![0-9a-f])"
)
_HOST: Final = "host"
_NAMESPACES: Final = {
    "pid": "PidMode",
    "ipc": "IpcMode",
    "network": "NetworkMode",
    "uts": "UTSMode",
    "user": "UsernsMode",
    "cgroup": "CgroupnsMode",
}
_ROOT: Final = frozenset({"", "0", "root"})
_USUAL_PROPAGATION: Final = frozenset({"", "rprivate", "private"})
_NO_NEW_PRIVILEGES: Final = frozenset({"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"})
_DIGEST_BYTES: Final = 6
_NANOSECONDS: Final = 1_000_000_000
_DEFAULT_PERIOD: Final = 100_000


def settings_of(inspect: Event) -> Event:
    """Return ``container.settings.*``; what the engine leaves to its default is left out, truth values are not."""
    host, config = object_of(inspect.get("HostConfig")), object_of(inspect.get("Config"))
    user = text_of(config.get("User")) or ""
    found = {
        "images": texts_of(config.get("Image")),
        "privileged": host.get("Privileged") is True,
        "user": user,
        "root": user.partition(":")[0] in _ROOT,
        "host_namespaces": [name for name, key in _NAMESPACES.items() if host.get(key) == _HOST],
        "capabilities.add": _capabilities(host.get("CapAdd")),
        "capabilities.drop": _capabilities(host.get("CapDrop")),
        "mounts": sorted(_mounts(inspect)),
        "volumes": sorted(_volumes(inspect)),
        "devices": sorted(_devices(host)),
        "ports": sorted(_ports(host)),
        "read_only_root": host.get("ReadonlyRootfs") is True,
        "network_mode": _network_mode(text_of(host.get("NetworkMode"))),
        "runtime": text_of(host.get("Runtime")),
        "environment_secrets": secret_variables(config),
        "entrypoint": [*texts_of(inspect.get("Path")), *texts_of(inspect.get("Args"))],
    }
    found |= _security(host, text_of(inspect.get("AppArmorProfile"))) | _limits(host)
    present = {name: value for name, value in found.items() if value is not None and value != []}
    return {f"container.settings.{name}": value for name, value in present.items()}


def stable(text: str) -> str:
    """Return a text with ``*`` for what is another one in each instance: 64 hexadecimal digits, UUIDs."""
    return _INSTANCE.sub("*", text)


def volume_name(name: str) -> str:
    """Return the name of a volume; one that the engine made up is ``anonymous``."""
    return "anonymous" if _INSTANCE.fullmatch(name) else name


def _capabilities(value: Any) -> list[str]:
    return sorted({name.upper().removeprefix("CAP_") for name in texts_of(value)})


def _mounts(inspect: Event) -> Iterator[str]:
    for mount in map(object_of, items_of(inspect.get("Mounts"))):
        source = text_of(mount.get("Source"))
        if mount.get("Type") == "bind" and source:
            target, mode = text_of(mount.get("Destination")) or "", "ro" if mount.get("RW") is False else "rw"
            propagation = text_of(mount.get("Propagation")) or ""
            rest = [] if propagation in _USUAL_PROPAGATION else [propagation]
            yield ":".join([stable(source), stable(target), mode, *rest])


def _volumes(inspect: Event) -> Iterator[str]:
    for mount in map(object_of, items_of(inspect.get("Mounts"))):
        name = text_of(mount.get("Name"))
        if mount.get("Type") == "volume" and name:
            yield volume_name(name)


def _devices(host: Event) -> Iterator[str]:
    for device in map(object_of, items_of(host.get("Devices"))):
        yield from texts_of(device.get("PathOnHost"))


def _ports(host: Event) -> Iterator[str]:
    """Yield ``[address:]port/protocol`` of the host's side; port 0 where the engine picks one."""
    for port, bindings in object_of(host.get("PortBindings")).items():
        protocol = port.rpartition("/")[2] if "/" in port else "tcp"
        for binding in map(object_of, items_of(bindings)):
            address, number = text_of(binding.get("HostIp")), text_of(binding.get("HostPort")) or "0"
            yield f"{address}:{number}/{protocol}" if address else f"{number}/{protocol}"


def _network_mode(mode: str | None) -> str | None:
    return None if mode is None else stable(re.sub(r"^container:.*", "container", mode))


def _security(host: Event, apparmor: str | None) -> Event:
    options = texts_of(host.get("SecurityOpt"))
    named = dict(re.split("[=:]", option, maxsplit=1) for option in options if re.search("[=:]", option))
    return {
        "no_new_privileges": not _NO_NEW_PRIVILEGES.isdisjoint(options),
        "seccomp": _profile(named.get("seccomp")),
        "apparmor": _profile(named.get("apparmor") or apparmor),
    }


def _profile(text: str | None) -> str | None:
    """Return a profile's name; clients send a file's whole content, of which a digest is enough."""
    if text is None or not text.lstrip().startswith("{"):
        return text or None
    return f"custom:{blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()}"


def _limits(host: Event) -> Event:
    memory, pids = _positive(host.get("Memory")), _positive(host.get("PidsLimit"))
    limits: Event = {"memory": memory, "cpu": _cores(host), "pids": pids}
    limited = sorted(name for name, value in limits.items() if value is not None)
    return {f"limits.{name}": value for name, value in limits.items()} | {"limited": limited}


def _cores(host: Event) -> float | None:
    nanoseconds, quota = _positive(host.get("NanoCpus")), _positive(host.get("CpuQuota"))
    if nanoseconds:
        return nanoseconds / _NANOSECONDS
    return quota / (_positive(host.get("CpuPeriod")) or _DEFAULT_PERIOD) if quota else None


def _positive(value: Any) -> int | None:
    number = integer_of(value)
    return number if number is not None and number > 0 else None
