"""Images by what they are called: one image has several digests and many names, of which facts tell some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from schemas.codec import Event
from schemas.shared import IMAGE, SharedRecord, digests_of
from streams.judge.shared import SharedFacts

__all__ = ["Catalog", "is_name", "reference_of"]

_BY_NAME: Final = "name:"
_SCAN: Final = "container.image.scan."


def reference_of(known: Event) -> list[str]:
    """Return the names of an image in facts, with their tags where these are known."""
    name, tags = known.get("container.image.name"), known.get("container.image.tag")
    if not name:
        return []
    return [f"{name}:{tag}" for tag in tags] if tags else [name]


def is_name(image: str) -> bool:
    """Return whether an image is known by its name alone."""
    return image.startswith(_BY_NAME)


class Catalog:
    """Finds the image that facts speak of, and what all sources say of it.

    An image is ``sha256:…`` of its configuration, where nobody knows that of a manifest, or ``name:…`` where facts name no digest.
    """

    def __init__(self, shared: SharedFacts) -> None:
        self._shared = shared
        self._found: dict[tuple[str, tuple[str, ...]], str] = {}
        self._facts: dict[str, Event] = {}

    def image_of(self, known: Event) -> str:
        """Return the image of a container or of an activity; empty where nothing names one."""
        asked = digests_of(known)
        if asked == ("", ()):
            names = reference_of(known)
            return _BY_NAME + names[0] if names else ""
        if asked not in self._found:
            self._found[asked] = self._named(*asked)
        return self._found[asked]

    def image_named(self, subject: str) -> str:
        """Return the image of a subject, ``image:sha256:…``, as somebody calls it."""
        digest = subject.removeprefix(IMAGE)
        found = self._shared.subjects_named([digest])
        return digest if IMAGE + digest in found or not found else min(found).removeprefix(IMAGE)

    def _named(self, configuration: str, manifests: Sequence[str]) -> str:
        if configuration:
            return configuration
        found = self._shared.subjects_named(manifests)
        return min(found).removeprefix(IMAGE) if found else manifests[0]

    def facts_of(self, image: str) -> Event:
        """Return what all sources together say of an image; empty where nobody does."""
        if image not in self._facts:
            self._facts[image] = {} if is_name(image) else self._shared.known_of(IMAGE + image)
        return self._facts[image]

    def records_of(self, image: str) -> list[SharedRecord]:
        """Return what each source says of an image, in the order of their names."""
        found = [] if is_name(image) else self._shared.records_of(IMAGE + image)
        return sorted(found, key=lambda record: (record.source, record.subject))

    def scanners_of(self, image: str) -> frozenset[str]:
        """Return the scanners that have come to an end with an image: what one has not found that broke off may be there."""
        finished = (one.facts for one in self.records_of(image) if one.facts.get(f"{_SCAN}outcome") != "failure")
        return frozenset(name for facts in finished for name in facts.get(f"{_SCAN}scanners") or ())

    def told_of(self) -> list[str]:
        """Return the images that somebody tells of, in order."""
        return sorted(one.removeprefix(IMAGE) for one in self._shared.subjects() if one.startswith(IMAGE))
