"""Secrets: what stores tell of them, who uses them, and what looks like one where none should be. Never a value.

Whether a token that lies in an image is the same as one in a store is not known: no value of either is kept, not even a digest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from deploy.inventory.estate import Estate
from deploy.inventory.images import images_of
from deploy.view.read import Activity
from schemas.codec import Event
from schemas.shared import SECRET

__all__ = ["Misplaced", "Secret", "misplaced_of", "secrets_of"]

_CONFIG_MAPS: Final = tuple(f"configmaps-{verb}" for verb in ("create", "update", "patch", "delete"))
_WRITES: Final = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_CHANGES: Final = frozenset({"change", "creation", "deletion"})


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret of a store; ``changed`` is when its content changed last, ``rotated`` when it was seen to change, ``older_than`` the ages in days that policies ask for and it has passed.

    What nobody has told of it is empty. ``overdue`` is why policies want it changed.
    """

    secret: str
    sources: tuple[str, ...]
    type: str
    keys: tuple[str, ...]
    created: str
    changed: str
    rotated: tuple[str, ...]
    older_than: tuple[int, ...]
    overdue: tuple[str, ...]
    reads: int
    writes: int
    refused: int
    used_by: tuple[str, ...]
    first: str
    last: str


@dataclass(frozen=True, slots=True, order=True)
class Misplaced:
    """Something that looks like a credential where none should be: in an image, in a variable of a container, in a config map."""

    place: str
    what: str
    where: tuple[str, ...] = ()


@dataclass(slots=True)
class _Used:
    """Who asked a store for a secret."""

    reads: int = 0
    writes: int = 0
    refused: int = 0
    by: set[str] = field(default_factory=set)
    first: str = ""
    last: str = ""

    def add(self, activity: Activity) -> None:
        done = activity.done
        if done.get("event.outcome") == "failure":
            self.refused += activity.count
        elif done.get("kubernetes.audit.verb") in _WRITES or not _CHANGES.isdisjoint(done.get("event.type") or ()):
            self.writes += activity.count
        else:
            self.reads += activity.count
        self.by.add(activity.principal)
        self.first, self.last = min(self.first or activity.first, activity.first), max(self.last, activity.last)


def secrets_of(estate: Estate) -> list[Secret]:
    """Return all secrets that a store tells of, or that were asked for by name, in order."""
    used: dict[str, _Used] = {}
    for one in estate.activities("done IN (SELECT id FROM contents WHERE instr(text, '\"secret.path\"'))"):
        path = one.done.get("secret.path", "")
        if path and "*" not in path:
            used.setdefault(path, _Used()).add(one)
    overdue: dict[str, set[str]] = {}
    for denial in estate.denials:
        if denial.principal.startswith(SECRET):
            overdue.setdefault(denial.principal.removeprefix(SECRET), set()).add(f"{denial.clause}: {denial.reason}")
    told, sources = estate.secrets
    paths = sorted(told.keys() | used.keys())
    return [
        _row(path, told.get(path, {}), sources.get(path, ()), used.get(path, _Used()), overdue.get(path, set()))
        for path in paths
    ]


def _row(path: str, facts: Event, sources: tuple[str, ...], used: _Used, overdue: set[str]) -> Secret:
    return Secret(
        secret=path,
        sources=sources,
        type=facts.get("secret.type", ""),
        keys=tuple(facts.get("secret.keys") or ()),
        created=facts.get("secret.created", ""),
        changed=facts.get("secret.changed", ""),
        rotated=tuple(facts.get("secret.rotated") or ()),
        older_than=tuple(facts.get("secret.older_than") or ()),
        overdue=tuple(sorted(overdue)),
        reads=used.reads,
        writes=used.writes,
        refused=used.refused,
        used_by=tuple(sorted(used.by)),
        first=used.first,
        last=used.last,
    )


def misplaced_of(estate: Estate) -> list[Misplaced]:
    """Return what looks like a credential where none should be, by place."""
    return sorted({*_in_images(estate), *_in_variables(estate), *_in_config_maps(estate)})


def _in_images(estate: Estate) -> Iterator[Misplaced]:
    for image in images_of(estate):
        if not isinstance(image.secrets, str):
            for text in image.secrets:
                yield Misplaced(f"image {image.names[0] if image.names else image.image}", text, image.workloads)


def _in_variables(estate: Estate) -> Iterator[Misplaced]:
    found: dict[tuple[str, str], set[str]] = {}
    for container in estate.containers:
        for name in container.known.get("container.settings.environment_secrets") or ():
            found.setdefault((container.principal, name), set()).update(container.own.get("container.name", "").split())
    for (principal, name), where in found.items():
        yield Misplaced(f"variable of {principal}", name, tuple(sorted(where)))


def _in_config_maps(estate: Estate) -> Iterator[Misplaced]:
    """Yield what stands in config maps as they were last written; what a patch does not say stays."""
    found: dict[str, dict[str, str]] = {}
    marks = ", ".join("?" * len(_CONFIG_MAPS))
    written = list(estate.activities(f"action IN ({marks})", *_CONFIG_MAPS))
    for one in sorted(written, key=lambda each: (each.last, each.last_id)):
        done = one.done
        if done.get("event.outcome") == "failure":
            continue
        name = "/".join(done.get(f"orchestrator.{part}", "") for part in ("cluster.name", "namespace", "resource.name"))
        if done.get("kubernetes.audit.verb") != "patch":
            found.pop(name, None)
        texts = done.get("kubernetes.audit.configmap.secrets") or ()
        found.setdefault(name, {}).update(dict.fromkeys(texts, one.principal))
    for name, said in found.items():
        for text, principal in said.items():
            yield Misplaced(f"config map {name}", text, (f"written by {principal}",))
