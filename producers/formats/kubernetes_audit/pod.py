"""The settings that a pod asks for, merged over all its containers so that the most dangerous value of any one wins.

Init and ephemeral containers count like the others. What a container does not set it has from the pod
(https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/). What neither sets is left out where the
cluster decides it, and is ``False`` where Kubernetes says so (privileged, read-only root, no new privileges).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from producers.formats.credentials import credentials_in
from producers.formats.kubernetes_audit.volumes import mounts_of, volumes_of
from producers.formats.values import flag_of, integer_of, items_of, object_of, text_of, texts_of
from schemas.codec import Event
from schemas.quantity import quantity_of

__all__ = ["POD_RESOURCES", "settings_of"]

_TEMPLATE: Final = ("spec", "template")
_PODS: Final = MappingProxyType(
    {"pods": (), "cronjobs": ("spec", "jobTemplate", "spec", "template"), "podtemplates": ("template",)}
    | dict.fromkeys(
        ("deployments", "daemonsets", "statefulsets", "jobs", "replicasets", "replicationcontrollers"), _TEMPLATE
    )
)
"""Where in an object of each resource the pod lies."""

POD_RESOURCES: Final = frozenset(_PODS)

_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")
_HOST_NAMESPACES: Final = MappingProxyType({"hostPID": "pid", "hostIPC": "ipc", "hostNetwork": "network"})
_SECCOMP: Final = "container.seccomp.security.alpha.kubernetes.io/"
_SECCOMP_OF_POD: Final = "seccomp.security.alpha.kubernetes.io/pod"
_APPARMOR: Final = "container.apparmor.security.beta.kubernetes.io/"
_UNCONFINED: Final = "unconfined"
_PROBES: Final = ("liveness", "readiness", "startup")
_LABELS_OF_INSTANCES: Final = frozenset(
    {
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-name",
        "controller-revision-hash",
        "controller-uid",
        "job-name",
        "pod-template-generation",
        "pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
    }
)
"""Labels that controllers give, another one to each release or instance."""


@dataclass(frozen=True, slots=True)
class _Pod:
    spec: Event
    annotations: Event
    labels: Event
    containers: tuple[Event, ...]

    def security(self, container: Event, name: str) -> Any:
        """Return a security setting of a container, or else of the pod."""
        own = object_of(container.get("securityContext")).get(name)
        return object_of(self.spec.get("securityContext")).get(name) if own is None else own

    def each(self, read: Callable[[Event], Any]) -> list[Any]:
        return [read(container) for container in self.containers]


def settings_of(resource: str, manifest: Event, *, whole: bool) -> Event:
    """Return ``container.settings.*`` of the pods that an object of ``resource`` makes; empty if it speaks of none.

    Of a part of an object (not ``whole``) nothing follows from what it does not say, so no setting is ``False``.
    """
    pod = _pod(resource, manifest)
    if not pod.spec:
        return {}
    found = _of_pod(pod) | (_of_containers(pod) if pod.containers else {}) | _limits(pod)
    found["replicas"] = integer_of(object_of(manifest.get("spec")).get("replicas"))
    return {f"container.settings.{name}": value for name, value in found.items() if whole or value is not False}


def _pod(resource: str, manifest: Event) -> _Pod:
    place = manifest
    for step in _PODS[resource]:
        place = object_of(place.get(step))
    spec = object_of(place.get("spec"))
    if not spec and manifest.get("kind") == "EphemeralContainers":
        spec = {"ephemeralContainers": manifest.get("ephemeralContainers")}
    annotations, labels = (object_of(object_of(place.get("metadata")).get(key)) for key in ("annotations", "labels"))
    return _Pod(spec, annotations, labels, tuple(_containers(spec)))


def _containers(spec: Event) -> Iterator[Event]:
    for kind in _CONTAINERS:
        yield from (item for item in items_of(spec.get(kind)) if isinstance(item, dict))


def _of_pod(pod: _Pod) -> Event:
    spec = pod.spec
    return {
        "host_namespaces": [name for key, name in _HOST_NAMESPACES.items() if spec.get(key) is True],
        "network_mode": "host" if spec.get("hostNetwork") is True else None,
        "mounts": mounts_of(spec, pod.containers),
        "volumes": volumes_of(spec, pod.containers),
        "service_account": text_of(spec.get("serviceAccountName")) or text_of(spec.get("serviceAccount")),
        "runtime": text_of(spec.get("runtimeClassName")),
        "labels": sorted(
            f"{key}={text_of(value) or ''}" for key, value in pod.labels.items() if key not in _LABELS_OF_INSTANCES
        ),
        "automount_token": flag_of(spec.get("automountServiceAccountToken")),
    }


def _of_containers(pod: _Pod) -> Event:
    root, user = _user(pod)
    return {
        "images": _unique(text_of(container.get("image")) for container in pod.containers),
        "privileged": any(flag is True for flag in pod.each(lambda item: pod.security(item, "privileged"))),
        "root": root,
        "user": user,
        "no_new_privileges": all(
            flag is False for flag in pod.each(lambda item: pod.security(item, "allowPrivilegeEscalation"))
        ),
        "read_only_root": all(
            flag is True for flag in pod.each(lambda item: pod.security(item, "readOnlyRootFilesystem"))
        ),
        "seccomp": _weakest(pod.each(lambda item: _seccomp(pod, item))),
        "apparmor": _weakest(pod.each(lambda item: _apparmor(pod, item))),
        "ports": _unique(_ports(pod)),
        "environment_secrets": sorted(set(_variables_with_secrets(pod))),
        "probes": _probes(pod),
        "entrypoint": [
            part for item in pod.containers for part in texts_of(item.get("command")) + texts_of(item.get("args"))
        ],
    } | _capabilities(pod)


def _user(pod: _Pod) -> tuple[bool | None, str | None]:
    """Return whether any container runs as root and as which user; None where only the image knows."""
    users = [integer_of(user) for user in pod.each(lambda item: pod.security(item, "runAsUser"))]
    refused = pod.each(lambda item: pod.security(item, "runAsNonRoot") is True)
    if 0 in users:
        return True, "0"
    known = all(user is not None or never for user, never in zip(users, refused, strict=True))
    return (False if known else None), next((f"{user}" for user in users if user is not None), None)


def _capabilities(pod: _Pod) -> Event:
    asked = pod.each(lambda item: object_of(pod.security(item, "capabilities")))
    dropped = [{_capability(name) for name in texts_of(item.get("drop"))} for item in asked]
    return {
        "capabilities.add": sorted({_capability(name) for item in asked for name in texts_of(item.get("add"))}),
        "capabilities.drop": sorted(set.intersection(*dropped)),
    }


def _capability(name: str) -> str:
    return name.upper().removeprefix("CAP_")


def _seccomp(pod: _Pod, container: Event) -> str | None:
    profile = object_of(pod.security(container, "seccompProfile"))
    annotated = pod.annotations.get(f"{_SECCOMP}{container.get('name')}") or pod.annotations.get(_SECCOMP_OF_POD)
    return _profile(profile) or text_of(annotated)


def _apparmor(pod: _Pod, container: Event) -> str | None:
    profile = object_of(pod.security(container, "appArmorProfile"))
    return _profile(profile) or text_of(pod.annotations.get(f"{_APPARMOR}{container.get('name')}"))


def _profile(profile: Event) -> str | None:
    """Return a profile in the words of the older annotations, which Docker shares: ``unconfined``, ``runtime/default``."""
    kind = text_of(profile.get("type"))
    if kind == "Localhost":
        return f"localhost/{text_of(profile.get('localhostProfile')) or ''}"
    return {"Unconfined": _UNCONFINED, "RuntimeDefault": "runtime/default"}.get(kind or "")


def _weakest(profiles: list[str | None]) -> str | None:
    """Return ``unconfined`` if any container is, nothing if the node decides for one, else the first profile."""
    if _UNCONFINED in profiles:
        return _UNCONFINED
    return None if None in profiles else profiles[0]


def _ports(pod: _Pod) -> Iterator[str]:
    """Yield the ports of the host that containers take, ``[address:]port/protocol``."""
    for container in pod.containers:
        for port in map(object_of, items_of(container.get("ports"))):
            address, number = text_of(port.get("hostIP")), integer_of(port.get("hostPort"))
            if number:
                protocol = (text_of(port.get("protocol")) or "tcp").lower()
                yield f"{address}:{number}/{protocol}" if address else f"{number}/{protocol}"


def _variables_with_secrets(pod: _Pod) -> Iterator[str]:
    """Yield names of variables that are written out, not taken from a secret; their values are left where they are."""
    for container in pod.containers:
        for variable in map(object_of, items_of(container.get("env"))):
            name, value = text_of(variable.get("name")), text_of(variable.get("value"))
            if name and value and credentials_in(name, value):
                yield name


def _probes(pod: _Pod) -> list[str]:
    """Return the probes that each container has which goes on running."""
    running = [object_of(item) for item in items_of(pod.spec.get("containers"))]
    return [name for name in _PROBES if running and all(object_of(item.get(f"{name}Probe")) for item in running)]


def _limits(pod: _Pod) -> Event:
    """Return the largest limit of each kind if every container has one: one without is unlimited."""
    limits = pod.each(lambda item: object_of(object_of(item.get("resources")).get("limits")))
    memory, cpu = (_largest([quantity_of(limit.get(kind)) for limit in limits]) for kind in ("memory", "cpu"))
    return {
        "limits.memory": None if memory is None else int(memory),
        "limits.cpu": cpu,
        "limited": [name for name, value in (("cpu", cpu), ("memory", memory)) if value is not None],
    }


def _largest(numbers: list[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return max(known) if known and len(known) == len(numbers) else None


def _unique(values: Iterator[str | None] | Any) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))
