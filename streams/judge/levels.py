"""How things stand in one partition: what runs, what of it should not, and how much of it a baseline covers.

A container is counted where its events are. A principal and a secret are in no partition: the one that their name hashes to counts them.
An image may run in several, so each names those that run in it; there are limits to that, and what is beyond is counted as left out.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from schemas.codec import Event
from schemas.kpi import KpiRecord
from schemas.shared import digests_of
from schemas.topics import partition_of
from streams.judge.contents import Contents
from streams.judge.entities import Entities, Entity
from streams.judge.memo import Context

__all__ = ["Levels"]

_CONTAINER: Final = "container:"
_GRAVE: Final = ("critical ", "high ")
_MAX_MEMBERS: Final = 2_000
_DIGEST: Final = "sha256:"
_SHORT: Final = 12


@dataclass(slots=True)
class Levels:
    """Looks at a partition; what no event of it changes is counted again only where something else was adopted."""

    partition: int
    partitions: int
    _known: tuple[object, ...] = ()
    _seen: tuple[object, ...] = ()
    _elsewhere: dict[str, int] = field(default_factory=dict)

    def news(self, hour: str, entities: Entities, contents: Contents) -> KpiRecord | None:
        """Return how things stand now, as of an hour, if anything has happened since this was asked last."""
        seen = (entities.changes, *_adopted(contents))
        if seen == self._seen:
            return None
        self._seen = seen
        return self.record(hour, entities.by_key.values(), contents)

    def record(self, hour: str, entities: Iterable[Entity], contents: Contents) -> KpiRecord:
        """Return how things stand now, as of an hour."""
        running = Tally(entity.context for entity in entities if entity.runs)
        figures: Tally[str] = Tally()
        images: dict[str, set[str]] = {}
        for context, number in running.items():
            if context.principal.startswith(_CONTAINER):
                self._look(context, number, contents, figures, images)
        figures.update(self._of_names(contents))
        members = {name: tuple(sorted(found)[:_MAX_MEMBERS]) for name, found in sorted(images.items())}
        for name, found in images.items():
            if len(found) > _MAX_MEMBERS:
                figures[f"{name}|left out"] = len(found) - _MAX_MEMBERS
        return KpiRecord(hour, "levels", self.partition, 0, dict(sorted(figures.items())), members)

    def _look(
        self, context: Context, number: int, contents: Contents, figures: Tally[str], images: dict[str, set[str]]
    ) -> None:
        """Count the containers of a context, and their image."""
        image, shared = _image(context.deciding), contents.joins.of_image(context)
        faults = tuple(_faults(shared))
        figures["containers"] += number
        for trait in (*_traits(context, contents), *faults):
            figures[f"containers|{trait}"] += number
        for name in ("images", *(f"images|{fault}" for fault in faults)) if image else ():
            images.setdefault(name, set()).add(image)

    def _of_names(self, contents: Contents) -> Mapping[str, int]:
        """Return how it stands with principals and secrets, and of how many images registries have told."""
        baselines, shared = contents.baselines, contents.joins.shared
        known = _adopted(contents)
        if known != self._known:
            principals = list(filter(self._is_here, baselines.principals()))
            secrets = list(filter(self._is_here, shared.secrets()))
            self._known = known
            self._elsewhere = {
                "principals": len(principals),
                "principals|active": sum(map(baselines.is_active, principals)),
                "registered": sum(map(self._is_here, shared.registered())),
                "secrets": len(secrets),
                "secrets|overdue": sum("secret.older_than" in shared.of_subject(secret) for secret in secrets),
            }
        return self._elsewhere

    def _is_here(self, name: str) -> bool:
        return partition_of(name.encode(), self.partitions) == self.partition


def _adopted(contents: Contents) -> tuple[object, ...]:
    baselines = contents.baselines
    return baselines.hash, len(baselines), contents.joins.shared.hash


def _traits(context: Context, contents: Contents) -> Iterator[str]:
    if context.deciding.get("container.settings.root"):
        yield "root"
    if context.deciding.get("container.settings.privileged"):
        yield "privileged"
    if contents.baselines.is_active(context.principal):
        yield "covered"


def _faults(shared: Event) -> Iterator[str]:
    """Return what is wrong with an image, as far as registries and scanners have told."""
    if not shared.get("container.image.registries"):
        yield "unregistered"
    if "container.image.scan.outcome" not in shared:
        yield "unscanned"
    if any(finding.startswith(_GRAVE) for finding in shared.get("container.image.vulnerabilities", ())):
        yield "vulnerable"


def _image(facts: Event) -> str:
    """Return what an image is called here: the beginning of its digest, or its name where no digest is known."""
    configuration, manifests = digests_of(facts)
    digest = configuration or next(iter(manifests), "")
    return digest.removeprefix(_DIGEST)[:_SHORT] or facts.get("container.image.name", "")
