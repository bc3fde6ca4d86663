"""What Falco's alerts say of the container they are about.

An alert carries only the fields that its rule prints, and a facts event replaces what the same sensor said before. So what
was said of a container is remembered and each facts event repeats all of it.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Final

from producers.formats.falco.fields import Fields
from producers.formats.values import texts_of
from producers.formats.workload import stable_name
from schemas.codec import Event

__all__ = ["Containers", "facts_of"]

_MAX_CONTAINERS: Final = 20_000
_DOCKERSHIM: Final = re.compile(r"k8s_(?P<container>[^_]+)_[^_]+_[^_]+_[^_]+_\d+\Z")
_DIGEST: Final = re.compile(r"(?:.*@)?(sha256:[0-9a-f]{64})\Z")


class Containers:
    """The facts of the containers that alerts spoke of lately; the longest silent ones are forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Event] = OrderedDict()

    def learn(self, entity: str, said: Event) -> Event | None:
        """Return all that is known of a container if ``said`` adds to it or changes it, else None."""
        before = self._known.pop(entity, {})
        known = self._known[entity] = before | said
        if len(self._known) > _MAX_CONTAINERS:
            self._known.popitem(last=False)
        return known if known != before else None


def facts_of(fields: Fields, cluster: str, host: str | None) -> Event:
    """Return the facts and settings that the fields of an alert state; empty if they say nothing of a container."""
    said = _container(fields) | _workload(fields)
    said = {name: value for name, value in said.items() if value is not None and value != []}
    if not said:
        return {}
    return (
        said
        | {"container.id": fields.text("container.full_id", "container.id"), "host.name": host}
        | ({"workload.cluster": cluster} if "workload.name" in said else {})
    )


def _container(fields: Fields) -> Event:
    name, tag = _image(fields)
    digests = (_DIGEST.match(text) for text in texts_of(fields.first("container.image.digest")))
    return {
        "container.name": fields.text("container.name"),
        "container.runtime": fields.text("container.type"),
        "container.image.name": name,
        "container.image.tag": [tag] if tag else None,
        "container.image.id": fields.text("container.image.id"),
        "container.image.hash.all": sorted(match[1] for match in digests if match),
        "container.ip": [address] if (address := fields.address("container.ip")) else None,
        "container.settings.privileged": fields.flag("container.privileged"),
    }


def _image(fields: Fields) -> tuple[str | None, str | None]:
    """Return repository and tag; an old alert has ``container.image`` alone, with both."""
    whole = (fields.text("container.image") or "").partition("@")[0]
    repository, colon, tag = whole.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = whole, ""
    return fields.text("container.image.repository") or repository or None, fields.text(
        "container.image.tag"
    ) or tag or None


def _workload(fields: Fields) -> Event:
    pod, name = fields.text("k8s.pod.name", "k8smeta.pod.name"), fields.text("container.name")
    deployment = fields.text("k8s.deployment.name", "k8smeta.deployment.name")
    shim = _DOCKERSHIM.match(name or "")
    return {
        "workload.namespace": fields.text("k8s.ns.name", "k8smeta.ns.name"),
        "workload.name": deployment or (stable_name("pods", pod) if pod else name),
        "workload.kind": "Deployment" if deployment else None,
        "workload.container": shim["container"] if shim else name,
        "kubernetes.pod.name": pod,
        "kubernetes.pod.uid": fields.text("k8s.pod.uid", "k8s.pod.id", "k8smeta.pod.uid"),
    }
