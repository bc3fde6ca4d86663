"""What a written object says of itself, where a check asks for it: services, ingresses, certificates, tokens, webhooks, config maps.

Only what the checks need is taken: kinds, names, hosts. No value of a config map or a secret ever is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from producers.formats.credentials import credentials_in
from producers.formats.kubernetes_audit.pod import POD_RESOURCES
from producers.formats.resource import Resource
from producers.formats.values import address_of, integer_of, items_of, object_of, text_of, texts_of
from producers.formats.workload import stable_name
from schemas.codec import Event

__all__ = ["object_of_write"]

_MAX_CREDENTIALS: Final = 64
_MAX_LABELS: Final = 32
_MAX_LABEL_CHARACTERS: Final = 320
_OF_THE_INSTANCE: Final = frozenset(
    {
        *("pod-template-hash", "pod-template-generation", "controller-revision-hash", "controller-uid", "job-name"),
        *("batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "statefulset.kubernetes.io/pod-name"),
        *("apps.kubernetes.io/pod-index", "batch.kubernetes.io/job-completion-index"),
    }
)
"""Labels that controllers give: they differ in every pod, and say nothing of the workload."""

_LABELLED: Final = (*sorted(POD_RESOURCES), "namespaces", "services", "secrets")


def object_of_write(target: Resource, manifest: Event, answer: Event, *, whole: bool) -> Event:
    """Return ``kubernetes.audit.*`` of the object that a write creates or changes; empty where nobody asks for it.

    Of a part of an object (not ``whole``) nothing follows from what it does not say. The ``answer`` tells what the server has added.
    """
    what = "/".join(part for part in (target.resource, target.subresource) if part)
    read = _READERS.get((_group(target), what))
    found = (read(manifest) if read else {}) | (_labels(manifest) if _labelled(what, whole=whole) else {})
    if read is _service:
        found |= {"kubernetes.audit.service.addresses": _own_addresses(manifest) or _own_addresses(answer)}
    return {name: value for name, value in found.items() if whole or value is not False}


def _group(target: Resource) -> str:
    group, slash, _ = target.api_version.partition("/")
    return group if slash or "." in group else ""


def _labelled(what: str, *, whole: bool) -> bool:
    """Return whether labels tell something: of a part only a namespace's, where one label decides what its pods may be."""
    return what == "namespaces" or (whole and what in _LABELLED)


def _labels(manifest: Event) -> Event:
    template = object_of(object_of(object_of(manifest.get("spec")).get("template")).get("metadata"))
    labels = object_of(object_of(manifest.get("metadata")).get("labels")) | object_of(template.get("labels"))
    named = {name: text_of(labels[name]) or "" for name in sorted(labels.keys() - _OF_THE_INSTANCE)}
    told = [f"{name}={value}"[:_MAX_LABEL_CHARACTERS] for name, value in named.items() if not _is_of_an_instance(value)]
    return {"kubernetes.audit.labels": told[:_MAX_LABELS]}


def _is_of_an_instance(value: str) -> bool:
    """Return whether a value ends as the names do that Kubernetes makes, such as that of one run of a workflow."""
    return any(stable_name(kind, value) != value for kind in ("replicasets", "endpointslices"))


def _service(manifest: Event) -> Event:
    spec = object_of(manifest.get("spec"))
    selector = object_of(spec.get("selector"))
    return {
        "kubernetes.audit.service.type": text_of(spec.get("type")),
        "kubernetes.audit.service.external_ips": _addresses(spec.get("externalIPs")),
        "kubernetes.audit.service.selector": [f"{name}={text_of(selector[name]) or ''}" for name in sorted(selector)],
    }


def _own_addresses(manifest: Event) -> list[str]:
    spec = object_of(manifest.get("spec"))
    return _addresses([spec.get("clusterIP"), *items_of(spec.get("clusterIPs"))])


def _addresses(values: Any) -> list[str]:
    """Return what of a list are addresses; a service without one says ``None``."""
    return sorted({address for item in items_of(values) if (address := address_of(item))})


def _ingress(manifest: Event) -> Event:
    return {"kubernetes.audit.ingress.tls": bool(items_of(object_of(manifest.get("spec")).get("tls")))}


def _certificate(manifest: Event) -> Event:
    spec = object_of(manifest.get("spec"))
    return {
        "kubernetes.audit.certificate.signer": text_of(spec.get("signerName")),
        "kubernetes.audit.certificate.usages": sorted(texts_of(spec.get("usages"))),
        "kubernetes.audit.expiration": integer_of(spec.get("expirationSeconds")),
    }


def _token(manifest: Event) -> Event:
    spec = object_of(manifest.get("spec"))
    return {
        "kubernetes.audit.token.audiences": sorted(texts_of(spec.get("audiences"))),
        "kubernetes.audit.token.bound": text_of(object_of(spec.get("boundObjectRef")).get("kind")),
        "kubernetes.audit.expiration": integer_of(spec.get("expirationSeconds")),
    }


def _webhooks(manifest: Event) -> Event:
    return {"kubernetes.audit.webhooks": [_webhook(object_of(item)) for item in items_of(manifest.get("webhooks"))]}


def _webhook(webhook: Event) -> str:
    """Return ``NAME POLICY TARGET``, the target being ``NAMESPACE/SERVICE`` or a URL without its query."""
    client = object_of(webhook.get("clientConfig"))
    service = object_of(client.get("service"))
    target = f"{text_of(service.get('namespace')) or ''}/{text_of(service.get('name')) or ''}" if service else ""
    url = (text_of(client.get("url")) or "").partition("?")[0]
    return " ".join(
        (text_of(webhook.get("name")) or "-", text_of(webhook.get("failurePolicy")) or "-", target or url or "-")
    )


def _secret(manifest: Event) -> Event:
    return {"kubernetes.audit.secret.type": text_of(manifest.get("type"))}


def _config_map(manifest: Event) -> Event:
    found = (
        f"{entry} {credential}"
        for entry, text in sorted(object_of(manifest.get("data")).items())
        if isinstance(text, str)
        for credential in credentials_in(entry, text)
    )
    return {"kubernetes.audit.configmap.secrets": list(_first(found, _MAX_CREDENTIALS))}


def _first(values: Iterator[str], limit: int) -> Iterator[str]:
    for _, value in zip(range(limit), values, strict=False):
        yield value


_READERS: Final[Mapping[tuple[str, str], Callable[[Event], Event]]] = MappingProxyType(
    {
        ("", "services"): _service,
        ("", "configmaps"): _config_map,
        ("", "secrets"): _secret,
        ("", "serviceaccounts/token"): _token,
        ("networking.k8s.io", "ingresses"): _ingress,
        ("extensions", "ingresses"): _ingress,
        ("", "ingresses"): _ingress,
        ("certificates.k8s.io", "certificatesigningrequests"): _certificate,
        ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"): _webhooks,
        ("admissionregistration.k8s.io", "validatingwebhookconfigurations"): _webhooks,
        ("", "certificatesigningrequests"): _certificate,
        ("", "mutatingwebhookconfigurations"): _webhooks,
        ("", "validatingwebhookconfigurations"): _webhooks,
    }
)
"""By API group, since others have resources of the same names, and resource with subresource; copies of logs may lack the group."""
