"""Containers: what runs, what ran until a day ago, which of them are of high risk, and whether these were replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from deploy.inventory.catalog import reference_of
from deploy.inventory.estate import Denial, Estate, workload_of
from deploy.inventory.rights import rights_of, root_of
from deploy.view.read import Entity
from schemas.codec import Event

__all__ = ["Container", "State", "containers_of"]

State = Literal["running", "stopped", "removed"]

_IMAGE: Final = "container.image."
_SETTING: Final = "container.settings."
_GRAVE: Final = "critical fixable "


@dataclass(frozen=True, slots=True)
class Container:
    """One container.

    ``risks`` are why it is of high risk: what is in its image, special rights, clauses and rules against its start. ``replaced`` says
    of one that runs no more by what: another container of its workload that runs, with another image or the same.
    """

    container: str
    name: str
    workload: str
    principal: str
    host: str
    runtime: str
    image: str
    image_names: tuple[str, ...]
    addresses: tuple[str, ...]
    state: State
    seen: str
    ended: str
    root: bool | str
    rights: tuple[str, ...]
    environment_secrets: tuple[str, ...]
    risks: tuple[str, ...]
    replaced: str


def containers_of(estate: Estate) -> list[Container]:
    """Return all containers that are not forgotten yet, those that run first."""
    denied = _denied(estate)
    running: dict[str, list[str]] = {}
    for one in estate.containers:
        if one.runs:
            running.setdefault(one.principal, []).append(estate.catalog.image_of(one.known))
    found = [_container(one, estate, denied, running.get(one.principal, ())) for one in estate.containers]
    return sorted(found, key=lambda one: (one.state != "running", one.workload, one.name, one.container))


def _container(entity: Entity, estate: Estate, denied: dict[str, list[Denial]], successors: Iterable[str]) -> Container:
    image, workload, own = estate.catalog.image_of(entity.known), workload_of(entity.known), entity.own
    return Container(
        container=entity.entity,
        name=own.get("container.name", ""),
        workload=str(workload) if workload else "",
        principal=entity.principal,
        host=own.get("host.name", ""),
        runtime=own.get("container.runtime", ""),
        image=image,
        image_names=tuple(reference_of(entity.known)),
        addresses=tuple(own.get("container.ip") or ()),
        state="running" if entity.runs else "removed" if entity.ended else "stopped",
        seen=entity.seen,
        ended=entity.ended or entity.stopped,
        root=root_of(entity.known),
        rights=tuple(rights_of(entity.known)),
        environment_secrets=tuple(entity.known.get("container.settings.environment_secrets") or ()),
        risks=tuple(_risks(entity.known, estate.catalog.facts_of(image), _against(entity, estate, denied))),
        replaced="" if entity.runs else _replaced(image, list(successors)),
    )


def _risks(known: Event, image: Event, denied: set[str]) -> Iterator[str]:
    grave = [text for text in image.get(f"{_IMAGE}vulnerabilities") or () if text.startswith(_GRAVE)]
    if grave:
        yield f"{len(grave)} critical vulnerabilities that a newer package fixes"
    for kind, what in (("malware", "malware"), ("secrets", "secrets in the image")):
        if image.get(f"{_IMAGE}{kind}"):
            yield f"{len(image[f'{_IMAGE}{kind}'])} {what}"
    if known.get("container.settings.privileged"):
        yield "privileged"
    yield from (f"denied: {clause}" for clause in sorted(denied))


def _denied(estate: Estate) -> dict[str, list[Denial]]:
    """Return what was said against how containers of each principal were started."""
    found: dict[str, list[Denial]] = {}
    for denial in estate.denials:
        found.setdefault(denial.principal, []).append(denial)
    return found


def _against(entity: Entity, estate: Estate, denied: dict[str, list[Denial]]) -> set[str]:
    """Return the clauses and rules against how a container was started."""
    denials = denied.get(entity.principal, ())
    return {one.clause or one.by for one in denials if _is_of(one.known, entity.known, estate)}


def _is_of(denied: Event, known: Event, estate: Estate) -> bool:
    """Return whether a container has the image and the settings that something was said against; a release before may have had others."""
    images = {estate.catalog.image_of(denied), estate.catalog.image_of(known)} - {""}
    settings = (name for name in denied if name.startswith(_SETTING))
    return len(images) <= 1 and all(known.get(name) == denied[name] for name in settings)


def _replaced(image: str, successors: list[str]) -> str:
    if not successors:
        return "not replaced"
    others = sorted({one for one in successors if one != image})
    return f"by image {others[0]}" if others else "by the same image"
