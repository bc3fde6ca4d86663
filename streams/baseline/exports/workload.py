"""The workload of a principal or a peer as Kubernetes selects it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from schemas.baseline import Baseline
from schemas.errors import ConfigurationError
from streams.baseline.exports.types import Options
from streams.baseline.exports.words import shown

__all__ = ["Pods", "Workload", "label_notes", "metadata", "peer_pods", "selector", "workload_of"]

_NAME_LABEL: Final = "app.kubernetes.io/name"
_PREFIX: Final = "container:"
_LABEL_VALUE: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_KEY: Final = re.compile(
    r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_NO_NAME: Final = re.compile(r"[^a-z0-9]+")
_MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Workload:
    """Where a container lives; cluster and namespace are empty where there is none."""

    cluster: str
    namespace: str
    name: str
    container: str

    @property
    def title(self) -> str:
        """A name for its policy that Kubernetes and AppArmor take; a changed one is told apart by a digest."""
        text = f"{self.name}-{self.container}"
        plain = _NO_NAME.sub("-", text.lower()).strip("-")
        if plain == text and len(plain) <= _MAX_NAME:
            return f"tidewaiter-{plain}"
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
        return "-".join(filter(None, ("tidewaiter", plain[:_MAX_NAME].strip("-"), digest)))


def workload_of(baseline: Baseline, kind: str) -> Workload:
    """Return the workload of a baseline; raise ``ConfigurationError`` for a host, an identity, a container without facts."""
    parts = baseline.principal.removeprefix(_PREFIX).rsplit("/", 3)
    if not baseline.principal.startswith(_PREFIX) or len(parts) != 4:  # noqa: PLR2004 - cluster, namespace, workload, container
        raise ConfigurationError(
            f"{shown(baseline.principal)} is no container of a workload, and {kind} is about those alone; "
            "name a principal such as container:CLUSTER/NAMESPACE/WORKLOAD/CONTAINER"
        )
    return Workload(*parts)


def selector(workload: Workload, options: Options) -> dict[str, str]:
    """Return the labels that select the pods of the principal; raise ``ConfigurationError`` for what are no labels."""
    labels = dict(sorted(options.labels.items())) or {_NAME_LABEL: workload.name}
    for key, value in labels.items():
        if not _is_label(key, value):
            raise ConfigurationError(
                f"`{shown(key)}={shown(value)}` is no label of a pod; say which labels select the pods of {shown(workload.name)}"
            )
    return labels


def label_notes(options: Options) -> list[str]:
    """Return the note that labels were guessed, where they were."""
    return (
        []
        if options.labels
        else [f"Note: pods are selected by {_NAME_LABEL}, a guess: a baseline has no labels of pods."]
    )


def metadata(baseline: Baseline, workload: Workload) -> dict[str, Any]:
    """Return the metadata of a policy; its annotations say what it was made from, since comments get lost when it is applied."""
    if workload.namespace and not _NAMESPACE.fullmatch(workload.namespace):
        raise ConfigurationError(
            f"`{shown(workload.namespace)}` is no name of a namespace, so no policy can be put there"
        )
    annotations: Mapping[str, str] = {
        "tidewaiter/principal": baseline.principal,
        "tidewaiter/version": str(baseline.version),
        "tidewaiter/hash": baseline.hash,
    }
    place = {"namespace": workload.namespace} if workload.namespace else {}
    return {"name": workload.title, **place, "annotations": dict(annotations)}


def _is_label(key: str, value: str) -> bool:
    return _LABEL_KEY.fullmatch(key) is not None and _LABEL_VALUE.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Pods:
    """The pods of a peer."""

    namespace: str
    labels: Mapping[str, str]


def peer_pods(value: str, workload: Workload, options: Options) -> Pods | str:
    """Return the pods of ``cluster/namespace/name``, or why nothing in the cluster of a workload can select them."""
    cluster, namespace, name = (*value.rsplit("/", 2), "", "")[:3]
    labels = dict(sorted(options.peers.get(f"{namespace}/{name}", {_NAME_LABEL: name}).items()))
    if not _NAMESPACE.fullmatch(namespace) or not all(_is_label(key, text) for key, text in labels.items()):
        return "is no workload that Kubernetes can select"
    if cluster != workload.cluster:
        return "is in another cluster, which no selector reaches"
    return Pods(namespace, labels)
