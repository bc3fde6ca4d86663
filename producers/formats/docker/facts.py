"""What is known of a container: its image, its labels and the workload it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from producers.formats.docker.settings import settings_of
from producers.formats.docker.workload import workload_of
from producers.formats.values import address_of, object_of, text_of, texts_of, time_of
from schemas.codec import Event
from schemas.errors import Invalid

__all__ = ["addresses_of", "facts_of_attributes", "facts_of_inspect", "labels_of", "split_image"]

_MAX_LABELS: Final = 64
_MAX_LABEL_NAME: Final = 256
_MAX_LABEL_VALUE: Final = 1_024
_MAX_WORKLOAD_LABELS: Final = 32

_OF_THE_INSTANCE: Final = (
    *("com.docker.", "desktop.docker.io/", "io.kubernetes.", "annotation.", "io.podman.", "io.buildah.", "io.cri-"),
    *("org.opencontainers.image.", "PODMAN_SYSTEMD_UNIT", "pod-template-hash", "controller-revision-hash"),
)
"""Labels that the engine, its tools or the image put there: they say nothing of the workload that is the same tomorrow."""

_ATTRIBUTES: Final = frozenset(
    {
        "image",
        "name",
        "containerExitCode",
        "exitCode",
        "podId",
        "execID",
        "signal",
        "oldName",
        "execDuration",
        "exitStatus",
    }
)
"""Attributes of container events that are no labels."""


def facts_of_inspect(inspect: Event, image: Event, runtime: str | None) -> Event:
    """Return the facts and settings that ``inspect`` states of a container."""
    config = object_of(inspect.get("Config"))
    labels = labels_of(config.get("Labels"))
    name = (text_of(inspect.get("Name")) or "").removeprefix("/")
    return (
        _container(text_of(inspect.get("Id")), name, runtime, labels)
        | _image(text_of(config.get("Image")) or "")
        | {
            "container.image.id": text_of(inspect.get("Image")) or text_of(image.get("Id")),
            "container.image.hash.all": sorted(
                {text.rpartition("@")[2] for text in texts_of(image.get("RepoDigests"))}
            ),
            "container.image.created": _built(image),
            "container.ip": sorted(addresses_of(object_of(inspect.get("NetworkSettings")))),
        }
        | _workload(name, labels)
        | settings_of(inspect)
    )


def facts_of_attributes(container_id: str, attributes: Event, image: str, runtime: str | None) -> Event:
    """Return the facts that an event states of its container where nothing else is known of it."""
    labels = labels_of({name: value for name, value in attributes.items() if name not in _ATTRIBUTES})
    name = text_of(attributes.get("name")) or ""
    return _container(container_id, name, runtime, labels) | _image(image) | _workload(name, labels)


def split_image(reference: str) -> tuple[str, str | None]:
    """Return the name and the tag of an image reference; ``latest`` where the engine would take it."""
    name, at, _ = reference.partition("@")
    repository, colon, tag = name.rpartition(":")
    if colon and "/" not in tag and repository != "sha256":
        return repository, tag
    return name, None if at or name.startswith("sha256:") else "latest"


def addresses_of(network: Event) -> set[str]:
    """Return the addresses in ``NetworkSettings``, of all networks."""
    places = [network, *map(object_of, object_of(network.get("Networks")).values())]
    found = (address_of(place.get(key)) for place in places for key in ("IPAddress", "GlobalIPv6Address"))
    return {address for address in found if address is not None}


def labels_of(value: Any) -> dict[str, str]:
    """Return labels as text."""
    return {name: text for name, part in object_of(value).items() if (text := text_of(part)) is not None}


def _container(container_id: str | None, name: str, runtime: str | None, labels: Mapping[str, str]) -> Event:
    return {
        "container.id": container_id,
        "container.name": name or None,
        "container.runtime": runtime,
        "container.labels": _capped(labels) or None,
    }


def _image(reference: str) -> Event:
    name, tag = split_image(reference)
    return {"container.image.name": name or None, "container.image.tag": [tag] if name and tag else None}


def _built(image: Event) -> str | None:
    """Return when an image was built; many say the year 1 instead, so that the same sources build the same image."""
    try:
        return time_of(image.get("Created"))
    except Invalid:
        return None


def _capped(labels: Mapping[str, str]) -> dict[str, str]:
    names = sorted(labels)[:_MAX_LABELS]
    return {name[:_MAX_LABEL_NAME]: labels[name][:_MAX_LABEL_VALUE] for name in names}


def _workload(name: str, labels: Mapping[str, str]) -> Event:
    return workload_of(name, labels) | {"workload.labels": _workload_labels(labels)}


def _workload_labels(labels: Mapping[str, str]) -> list[str]:
    names = [name for name in sorted(labels) if not name.startswith(_OF_THE_INSTANCE)][:_MAX_WORKLOAD_LABELS]
    return [f"{name[:_MAX_LABEL_NAME]}={labels[name][:_MAX_LABEL_VALUE]}" for name in names]
