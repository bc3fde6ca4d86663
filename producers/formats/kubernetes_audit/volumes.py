"""What a pod mounts: paths of the host, and volumes, claims and secrets by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Any, Final

from producers.formats.values import items_of, object_of, text_of
from schemas.codec import Event

__all__ = ["mounts_of", "volumes_of"]

_PROPAGATION: Final = MappingProxyType({"HostToContainer": "rslave", "Bidirectional": "rshared"})
_SOURCES: Final = MappingProxyType(
    {
        "persistentVolumeClaim": ("claim", "claimName"),
        "secret": ("secret", "secretName"),
        "configMap": ("configmap", "name"),
        "csi": ("csi", "driver"),
        "nfs": ("nfs", "server"),
    }
)


def mounts_of(spec: Event, containers: Iterable[Event]) -> list[str]:
    """Return ``source:target:ro|rw[:propagation]`` of each path of the host; no target where nothing mounts it yet.

    Propagation is in the words of Linux: ``rshared`` is Kubernetes' ``Bidirectional``, ``rslave`` its ``HostToContainer``.
    """
    paths = {}
    for volume in map(object_of, items_of(spec.get("volumes"))):
        path, name = text_of(object_of(volume.get("hostPath")).get("path")), text_of(volume.get("name"))
        if path and name:
            paths[name] = path
    mounted = [mount for item in containers for mount in map(object_of, items_of(item.get("volumeMounts")))]
    names = {text_of(mount.get("name")) for mount in mounted}
    found = [_mount(paths[name], mount) for mount in mounted if (name := text_of(mount.get("name"))) in paths]
    return sorted({*found, *(f"{path}::ro" for name, path in paths.items() if name not in names)})


def _mount(path: str, mount: Event) -> str:
    mode = "ro" if mount.get("readOnly") is True else "rw"
    propagation = _PROPAGATION.get(text_of(mount.get("mountPropagation")) or "")
    return ":".join(
        part for part in (path, text_of(mount.get("mountPath")) or "", mode, propagation) if part is not None
    )


def volumes_of(spec: Event, containers: Iterable[Event]) -> list[str]:
    """Return ``claim:NAME``, ``secret:NAME``, ``configmap:NAME``, ``csi:DRIVER``; secrets in variables too."""
    volumes = [object_of(volume) for volume in items_of(spec.get("volumes"))]
    projected = [
        object_of(source)
        for volume in volumes
        for source in items_of(object_of(volume.get("projected")).get("sources"))
    ]
    found = {
        f"{kind}:{name}"
        for volume in volumes
        for key, (kind, field) in _SOURCES.items()
        if (name := text_of(object_of(volume.get(key)).get(field)))
    }
    found |= {
        f"secret:{name}" for source in projected if (name := text_of(object_of(source.get("secret")).get("name")))
    }
    return sorted(found | {f"secret:{name}" for name in _secrets_in_variables(containers)})


def _secrets_in_variables(containers: Iterable[Event]) -> Iterator[str]:
    for container in containers:
        for variable in map(object_of, items_of(container.get("env"))):
            yield from _name(object_of(variable.get("valueFrom")).get("secretKeyRef"))
        for source in map(object_of, items_of(container.get("envFrom"))):
            yield from _name(source.get("secretRef"))


def _name(reference: Any) -> Iterator[str]:
    name = text_of(object_of(reference).get("name"))
    if name:
        yield name
