"""Services of Kubernetes, as the audit log tells that they were written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from deploy.view.read import Activity
from schemas.codec import Event

__all__ = ["SERVICE_WRITES", "Service", "services_of"]

_DELETION: Final = "services-delete"
SERVICE_WRITES: Final = ("services-create", "services-update", "services-patch", _DELETION)
"""The actions that ``services_of`` reads."""

_PLACE: Final = ("orchestrator.cluster.name", "orchestrator.namespace", "orchestrator.resource.name")
_TOLD: Final = "kubernetes.audit.service."
_OUTWARD: Final = frozenset({"NodePort", "LoadBalancer"})


@dataclass(frozen=True, slots=True)
class Service:
    """A service as it was written last; ``selector`` are labels, ``key=value``, which all pods behind it have.

    ``outward`` says that it takes traffic from outside its cluster. One that is ``deleted`` is what it was until then.
    """

    cluster: str
    namespace: str
    name: str
    addresses: tuple[str, ...]
    selector: frozenset[str]
    outward: bool
    deleted: bool


def services_of(activities: Iterable[Activity]) -> list[Service]:
    """Return the services that were written, in the order of their writing; what a write does not tell stays as it was."""
    told: dict[tuple[str, ...], Event] = {}
    deleted: set[tuple[str, ...]] = set()
    written = (one for one in activities if one.action in SERVICE_WRITES and one.done.get("event.outcome") != "failure")
    for activity in sorted(written, key=lambda one: (one.last, one.last_id)):
        place = tuple(activity.done.get(name, "") for name in _PLACE)
        if activity.action == _DELETION:
            deleted.add(place)
            continue
        before = told.pop(place, {})
        told[place] = _after({} if place in deleted else before, activity.done)
        deleted.discard(place)
    return [_service(place, told[place], deleted=place in deleted) for place in told]


def _after(before: Event, done: Event) -> Event:
    """Return what is known of a service behind a write; its addresses stay, and are told only where the answer was logged."""
    found = {name: value for name, value in done.items() if name.startswith(_TOLD) and value}
    addresses = f"{_TOLD}addresses"
    whole = addresses in found if done.get("kubernetes.audit.verb") == "patch" else bool(found)
    kept = {name: value for name, value in before.items() if name == addresses} if whole else before
    return {**kept, **found}


def _service(place: tuple[str, ...], told: Event, *, deleted: bool) -> Service:
    cluster, namespace, name = place
    return Service(
        cluster,
        namespace,
        name,
        addresses=tuple(told.get(f"{_TOLD}addresses", ())),
        selector=frozenset(told.get(f"{_TOLD}selector", ())),
        outward=told.get(f"{_TOLD}type") in _OUTWARD or bool(told.get(f"{_TOLD}external_ips")),
        deleted=deleted,
    )
