"""The workload of a container: what its labels say of a pod or a compose or swarm service, else its own name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from producers.formats.workload import stable_name
from schemas.codec import Event

__all__ = ["workload_of"]

_PROJECT: Final = ("com.docker.compose.project", "io.podman.compose.project", "com.docker.stack.namespace")
_SERVICE: Final = ("com.docker.compose.service", "com.docker.swarm.service.name")
_POD: Final = "io.kubernetes.pod."


def workload_of(name: str, labels: Mapping[str, str]) -> Event:
    """Return ``workload.*`` (without cluster and labels) and the pod of a container of that name; nothing if it has none."""
    pod = labels.get(f"{_POD}name")
    return _of_pod(pod, labels) if pod else _of_service(labels) or _alone(name)


def _of_pod(pod: str, labels: Mapping[str, str]) -> Event:
    return {
        "workload.namespace": labels.get(f"{_POD}namespace"),
        "workload.name": stable_name("pods", pod),
        "workload.container": labels.get("io.kubernetes.container.name"),
        "kubernetes.pod.name": pod,
        "kubernetes.pod.uid": labels.get(f"{_POD}uid"),
    }


def _of_service(labels: Mapping[str, str]) -> Event:
    service = _first(labels, _SERVICE)
    if service is None:
        return {}
    return {
        "workload.namespace": _first(labels, _PROJECT),
        "workload.name": service,
        "workload.kind": "service",
        "workload.container": service,
    }


def _alone(name: str) -> Event:
    return {"workload.name": name, "workload.kind": "container", "workload.container": name} if name else {}


def _first(labels: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((labels[name] for name in names if labels.get(name)), None)
