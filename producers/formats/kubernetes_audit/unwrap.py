"""Audit events out of what clouds and webhooks wrap around them.

* the API server's file: one ``Event`` a line; its webhook: ``EventList`` with ``items``
* EKS: CloudWatch's ``message`` is the JSON in a string; a subscription has ``logEvents`` and ``logGroup``
* AKS: ``properties.log`` is the JSON in a string; an export has ``records``
* GKE: ``protoPayload`` in Google's own words, translated by ``google.py``
* Elastic's integration: ``kubernetes.audit``; what Splunk, Elasticsearch and Fluentd export: ``event``, ``_source``, ``log``, ``_raw``

What says neither its id nor its stage is an audit event too where it says who did what, as copies of audit logs do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from producers.formats.kubernetes_audit.google import from_google
from producers.formats.values import object_of, text_of
from schemas.codec import Event, loads
from schemas.errors import Drop, Invalid
from schemas.event import parse_time

__all__ = ["Wrapped", "unwrap"]

_MAX_DEPTH: Final = 6
_LISTS: Final = ("items", "records", "logEvents")
_EKS_GROUP: Final = re.compile(r"/aws/eks/([^/]+)/")
_AKS_CLUSTER: Final = re.compile(r"/managedclusters/([^/]+)", re.IGNORECASE)
_OTHER_LOG: Final = "another log of the cluster"
_OBJECTS: Final = ("objectRef", "requestURI", "user")
_TIMES: Final = ("time", "timestamp", "@timestamp", "p_event_time")
_EXPORTS: Final = ("_source", "event", "result", "log", "_raw", "jsonPayload")
_MILLISECONDS: Final = range(10**11, 10**14)
"""What a number is as milliseconds, as CloudWatch counts them, from 1973 to 5138."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """One audit event in the API server's own shape, cluster and time as the wrapping names them, and where it lay.

    ``time`` is whatever ``time_of`` reads.
    """

    event: Event
    cluster: str = ""
    place: str = ""
    time: str | int | None = None


_BARE: Final = Wrapped({})


def unwrap(value: Any, around: Wrapped = _BARE, depth: int = 0) -> Iterator[Wrapped | Drop | Invalid]:
    """Yield each audit event of one JSON value; what cannot be read, or is no audit event, is yielded in its place.

    ``around`` is what the layers outside of it say.
    """
    place = around.place
    if depth > _MAX_DEPTH:
        yield Invalid(f"{place or 'record'}: wrapped more than {_MAX_DEPTH} times")
        return
    try:
        around = replace(around, cluster=_cluster(value) or around.cluster, time=_time(value) or around.time)
        for inner, name in _layers(value):
            if inner is value:
                yield replace(around, event=inner)
            else:
                yield from unwrap(inner, replace(around, place=f"{place}.{name}".lstrip(".")), depth + 1)
    except (Drop, Invalid) as reason:
        yield type(reason)(f"{place}: {reason}") if place and isinstance(reason, Invalid) else reason


def _layers(value: Any) -> Iterator[tuple[Any, str]]:
    """Yield what lies one layer deeper and its name; the value itself if it is an audit event."""
    if isinstance(value, list):
        yield from _all(value, "")
    elif not isinstance(value, dict):
        raise Invalid(f"not an audit event but {type(value).__name__}")
    elif _is_audit(value):
        yield value, ""
    elif name := next((name for name in _LISTS if isinstance(value.get(name), list)), None):
        yield from _all(value[name], name)
    elif isinstance(value.get("protoPayload"), dict):
        yield from_google(value), "protoPayload"
    else:
        yield _inside(value)


def _is_audit(value: Event) -> bool:
    named = "auditID" in value or "stage" in value
    return named or (isinstance(value.get("verb"), str) and any(name in value for name in _OBJECTS))


def _all(values: list[Any], name: str) -> Iterator[tuple[Any, str]]:
    if not values:
        raise Drop("empty list")
    for number, value in enumerate(values):
        yield value, f"{name}[{number}]"


def _inside(value: Event) -> tuple[Any, str]:
    """Return the JSON that lies in a string, and raise for what holds no audit event."""
    if value.get("messageType") == "CONTROL_MESSAGE":
        raise Drop("control message of CloudWatch")
    audit = object_of(value.get("kubernetes")).get("audit")
    if isinstance(audit, dict):
        return _from_elastic(audit), "kubernetes.audit"
    properties = value.get("properties")
    if isinstance(properties, dict) and "log" in properties:
        _refuse_other_log(text_of(value.get("category")), "kube-audit")
        return _parsed(properties["log"]), "properties.log"
    if "message" in value:
        _refuse_other_log(text_of(value.get("logStream") or value.get("logStreamName")), "audit")
        return _parsed(value["message"]), "message"
    for name in _EXPORTS:
        if isinstance(value.get(name), dict | str):
            return _parsed(value[name]), name
    raise Invalid("not an audit event: neither auditID and stage nor a wrapping of one")


def _from_elastic(audit: Event) -> Event:
    """Return an audit event with the names of its annotations as they were: Elastic writes no dots."""
    annotations = object_of(audit.get("annotations"))
    return audit | {"annotations": {name.replace("_k8s_io/", ".k8s.io/"): text for name, text in annotations.items()}}


def _refuse_other_log(name: str | None, expected: str) -> None:
    if name is not None and expected not in name:
        raise Drop(_OTHER_LOG)


def _parsed(value: Any) -> Any:
    return loads(value) if isinstance(value, str) else value


def _time(value: Any) -> str | int | None:
    """Return the time that a wrapping gives; one that could not be read is the wrapping's affair, not the event's."""
    wrapping = object_of(value)
    for said in map(wrapping.get, _TIMES):
        if isinstance(said, int) and said in _MILLISECONDS:
            return said * 1_000_000
        if isinstance(said, str) and _is_time(said):
            return said
    return None


def _is_time(text: str) -> bool:
    try:
        return parse_time(text) >= 0
    except Invalid:
        return False


def _cluster(value: Any) -> str:
    wrapping = object_of(value)
    group = _EKS_GROUP.search(text_of(wrapping.get("logGroup")) or "")
    azure = _AKS_CLUSTER.search(text_of(wrapping.get("resourceId")) or "")
    found = group or azure
    if found:
        return found[1].lower() if azure else found[1]
    labels = object_of(object_of(wrapping.get("resource")).get("labels"))
    return text_of(labels.get("cluster_name")) or ""
