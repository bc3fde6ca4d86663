"""Shared facts: what is known of an image, a workload or a secret, one record for each source that tells of it.

The topic ``shared-facts`` holds them. What a source says replaces what it said before and nothing else; whoever reads the topic puts the
records of a subject together with ``united``, which is the same in whichever order they came and however often.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final

from schemas.codec import Event, decode, dumps, dumps_sorted
from schemas.errors import Invalid
from schemas.fields import FIELDS

__all__ = [
    "AGES",
    "IDENTITY",
    "IMAGE",
    "SECRET",
    "SHARED",
    "SUBJECTS",
    "TOLD_DATASET",
    "WORKLOAD",
    "SharedRecord",
    "digests_of",
    "image_digest",
    "is_shared",
    "source_of",
    "united",
    "workload_subject",
]

IMAGE: Final = "image:"
SECRET: Final = "secret:"  # noqa: S105 - how the name of one begins, not what is in it
WORKLOAD: Final = "workload:"
SUBJECTS: Final = (IMAGE, SECRET, WORKLOAD)
"""How subjects begin; an image and a secret are entities too."""

IDENTITY: Final = ("container.image.name", "container.image.tag", "container.image.id", "container.image.hash.all")
"""What an image is known by: facts of every container of it, and of the image itself."""

TOLD_DATASET: Final = "tidewaiter.shared"
"""Dataset of what the judge tells of subjects, which is no source."""

SHARED: Final = tuple(name for name, row in FIELDS.items() if row.shared)
AGES: Final = MappingProxyType(
    {
        "container.image.created": "container.image.older_than",
        "container.image.scan.time": "container.image.scan.older_than",
        "secret.changed": "secret.older_than",
    }
)
"""By the date that something counts from, where the days stand that have passed since."""

_DECIDING: Final = tuple(name for name in SHARED if FIELDS[name].decides)
_AGES: Final = frozenset(AGES.values())
_GRAVEST: Final = MappingProxyType(
    {
        "container.image.signature": ("invalid", "valid", "missing"),
        "container.image.scan.outcome": ("failure", "success"),
    }
)
"""Of what several sources say, the first of these holds: who has found a signature knows more than who has found none."""

_CONTAINER: Final = "container:"
_HEAD: Final = ("shared.subject", "shared.source", "shared.time", "shared.since")
_DIGEST_BYTES: Final = 16


def is_shared(entity: str) -> bool:
    """Return whether an entity is a subject of shared facts, which acts by itself never."""
    return entity.startswith(SUBJECTS)


def source_of(event: Mapping[str, Any]) -> str:
    """Return who says the facts of an image or a secret: the scanner, the repository of a registry, or the store."""
    return event.get("facts.source") or event.get("event.module") or event.get("event.dataset") or ""


def image_digest(reference: str) -> str:
    """Return the digest in a manifest digest as engines write it: ``REPOSITORY@sha256:…``, or bare."""
    return reference.rpartition("@")[2]


def workload_subject(cluster: str, namespace: str, name: str) -> str:
    """Return the subject of a workload."""
    return f"{WORKLOAD}{cluster}/{namespace}/{name}"


def digests_of(facts: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return the digest of an image's configuration and those of its manifests, in order; empty where they are not known.

    An engine that keeps images as containerd does calls an image by the digest of a manifest: what is listed as one is one.
    """
    manifests = tuple(sorted({image_digest(one) for one in facts.get("container.image.hash.all") or ()}))
    configuration = facts.get("container.image.id") or ""
    return ("" if configuration in manifests else configuration), manifests


@dataclass(frozen=True, slots=True)
class SharedRecord:
    """What one source says of one subject, as of ``time``.

    ``since`` is when it began to hold: later than ``time`` where an age was passed since. Both are of the events' clock.
    """

    subject: str
    source: str
    time: str
    since: str
    facts: Mapping[str, Any]

    @property
    def key(self) -> bytes:
        """Return the record's key: what a source says of a subject stands in one partition."""
        return dumps([self.subject, self.source])

    @property
    def deciding(self) -> Event:
        """Return what policy and rules may read of it."""
        return {name: self.facts[name] for name in _DECIDING if name in self.facts}

    @property
    def configuration(self) -> str:
        """Return the digest of an image's configuration, empty where it is not known."""
        return self._digests[0]

    @property
    def names(self) -> frozenset[str]:
        """Return everything by which its subject may be asked for: the digests of an image, else the subject itself."""
        if not self.subject.startswith(IMAGE):
            return frozenset({self.subject})
        configuration, manifests = self._digests
        return frozenset({self.subject.removeprefix(IMAGE), configuration, *manifests} - {""})

    @property
    def _digests(self) -> tuple[str, tuple[str, ...]]:
        own = self.subject.removeprefix(IMAGE) if self.subject.startswith(IMAGE) else ""
        return digests_of({"container.image.id": own, **self.facts})

    @property
    def hash(self) -> str:
        """Return the content hash of all that makes a difference to a verdict."""
        content = [self.subject, self.source, self.configuration, sorted(self.names), self.deciding]
        return blake2b(dumps_sorted(content), digest_size=_DIGEST_BYTES).hexdigest()

    def encode(self) -> bytes:
        """Return the record's value."""
        head = dict(zip(_HEAD, (self.subject, self.source, self.time, self.since), strict=True))
        return dumps({**head, "shared.hash": self.hash, **self.facts})

    @classmethod
    def decode(cls, value: bytes) -> SharedRecord:
        """Read a record's value; raise ``Invalid`` for what is none."""
        fields = decode(value)
        subject, source, time, since = (fields.pop(name, None) for name in _HEAD)
        fields.pop("shared.hash", None)
        unknown = fields.keys() - {*SHARED, *IDENTITY}
        if unknown or not all(isinstance(one, str) for one in (subject, source, time, since)):
            raise Invalid(f"no record of shared facts: {', '.join(sorted(unknown)) or 'subject, source or time'}")
        return cls(subject, source, time, since, fields)


def united(records: Iterable[SharedRecord]) -> Event:
    """Return what all sources together say of one subject: every shared fact, also those that do not decide.

    Lists of several sources are united. An age counts only if it was passed by whatever date is the latest. What is said of a workload is
    what was said last: by the requests that made or changed it, or by its containers, each of which counts.
    """
    ordered = sorted(records, key=lambda record: (record.time, record.source, record.subject))
    found = {name: [record for record in ordered if name in record.facts] for name in SHARED}
    return {name: _value(name, said) for name, said in found.items() if said}


def _value(name: str, said: Sequence[SharedRecord]) -> Any:
    if name.startswith("target."):
        containers = {record.source: record for record in said if record.source.startswith(_CONTAINER)}
        said = list(containers.values()) if said[-1].source in containers else said[-1:]
        return _target([record.facts[name] for record in said])
    values = [record.facts[name] for record in said]
    if name in _AGES:
        return [days for days in sorted(values[0]) if all(days in value for value in values)]
    if FIELDS[name].many:
        return sorted({one for value in values for one in value})
    if name in _GRAVEST:
        return next((word for word in _GRAVEST[name] if word in values), values[-1])
    return values[-1]


def _target(values: Sequence[Any]) -> Any:
    if isinstance(values[0], bool):
        return any(values)
    return sorted({one for value in values for one in value})
