"""The part of the engine's answers that the format reads: what else they hold is not stored, the values of variables least of all."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from producers.formats.docker.variables import REDUCED, secret_variables
from producers.formats.values import items_of, object_of
from schemas.codec import Event

__all__ = ["reduced_image", "reduced_inspect"]

_TOP: Final = ("Id", "Name", "Created", "Path", "Args", "Image", "AppArmorProfile")
_PARTS: Final = MappingProxyType(
    {
        "State": ("StartedAt", "Status"),
        "Config": ("User", "Image", "Labels", "Healthcheck", "Shell"),
        "HostConfig": (
            *("Privileged", "NetworkMode", "PidMode", "IpcMode", "UTSMode", "UsernsMode", "CgroupnsMode"),
            *("CapAdd", "CapDrop", "SecurityOpt", "ReadonlyRootfs", "Devices", "PortBindings", "Runtime"),
            *("Memory", "NanoCpus", "CpuQuota", "CpuPeriod", "PidsLimit"),
        ),
        "NetworkSettings": ("IPAddress", "GlobalIPv6Address"),
    }
)
_MOUNT: Final = ("Type", "Name", "Source", "Destination", "RW", "Propagation")
_NETWORK: Final = ("IPAddress", "GlobalIPv6Address")


def reduced_inspect(inspect: Event) -> Event:
    """Return what the format reads of ``GET /containers/ID/json``."""
    reduced = _only(inspect, _TOP) | {part: _only(inspect.get(part), names) for part, names in _PARTS.items()}
    reduced["Config"] |= {REDUCED: found} if (found := secret_variables(object_of(inspect.get("Config")))) else {}
    networks = object_of(object_of(inspect.get("NetworkSettings")).get("Networks"))
    reduced["NetworkSettings"]["Networks"] = {name: _only(network, _NETWORK) for name, network in networks.items()}
    reduced["Mounts"] = [_only(mount, _MOUNT) for mount in items_of(inspect.get("Mounts"))]
    return reduced


def reduced_image(image: Event) -> Event:
    """Return what the format reads of ``GET /images/ID/json``."""
    return _only(image, ("Id", "RepoDigests", "Created"))


def _only(value: Any, names: tuple[str, ...]) -> Event:
    known = object_of(value)
    return {name: known[name] for name in names if name in known}
