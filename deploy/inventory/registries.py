"""Registries: those that tell us of their images, and those that images were pulled from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from deploy.inventory.estate import Estate
from deploy.inventory.images import Image, images_of
from schemas.codec import Event
from schemas.images import parse_image

__all__ = ["Registry", "registries_of"]

_ACTIONS: Final = ("image-push", "image-pull", "image-mount", "image-delete")


@dataclass(frozen=True, slots=True)
class Registry:
    """One registry; one that ``tells`` reports pushes and pulls to a collector.

    ``images`` and ``repositories`` are those that it has, or that images are named by.
    """

    registry: str
    tells: bool
    repositories: tuple[str, ...]
    images: int
    running: int
    pushes: int
    pulls: int
    pushed_by: tuple[str, ...]
    first: str
    last: str


@dataclass(slots=True)
class _Seen:
    """What was gathered of one registry."""

    tells: bool = False
    repositories: set[str] = field(default_factory=set)
    images: set[str] = field(default_factory=set)
    running: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    pushed_by: set[str] = field(default_factory=set)
    first: str = ""
    last: str = ""


def registries_of(estate: Estate) -> list[Registry]:
    """Return all registries, by name."""
    seen: dict[str, _Seen] = {}
    for image in images_of(estate):
        _add_image(seen, image)
    marks = ", ".join("?" * len(_ACTIONS))
    for one in estate.activities(f"action IN ({marks})", *_ACTIONS):
        if one.done.get("event.module") == "registry":
            _add_told(seen, one)
    return [_row(name, seen[name]) for name in sorted(seen)]


def _add_image(seen: dict[str, _Seen], image: Image) -> None:
    has = {place.partition("/")[0] for place in image.registries}
    for name in has.union(image.pulled_from):
        one = seen.setdefault(name, _Seen())
        one.tells |= name in has
        one.images.add(image.image)
        if image.running:
            one.running.add(image.image)
    for place in image.registries:
        seen[place.partition("/")[0]].repositories.add(place.partition("/")[2])
    for named in filter(None, map(parse_image, image.names)):
        seen[named.registry].repositories.add(named.repository)


def _add_told(seen: dict[str, _Seen], activity: Any) -> None:
    for reference in _images(activity.known):
        one = seen.setdefault(reference.partition("/")[0], _Seen())
        one.tells = True
        one.counts[activity.action] = one.counts.get(activity.action, 0) + activity.count
        one.first, one.last = min(one.first or activity.first, activity.first), max(one.last, activity.last)
        if activity.action == "image-push":
            one.pushed_by.add(activity.principal)


def _images(known: Event) -> list[str]:
    return known.get("container.settings.images") or []


def _row(name: str, seen: _Seen) -> Registry:
    return Registry(
        registry=name,
        tells=seen.tells,
        repositories=tuple(sorted(seen.repositories)),
        images=len(seen.images),
        running=len(seen.running),
        pushes=seen.counts.get("image-push", 0),
        pulls=seen.counts.get("image-pull", 0),
        pushed_by=tuple(sorted(seen.pushed_by)),
        first=seen.first,
        last=seen.last,
    )
