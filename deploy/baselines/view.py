"""What a person is shown of a principal: each dimension with its elements and how they are known, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

from deploy.baselines.standing import Standing
from schemas.baseline import DIMENSIONS, Baseline, Element, Elements
from streams.baseline.known import Known
from streams.baseline.learned import Candidate, Evidence, Learned, evidence_of

__all__ = ["TITLES", "Beyond", "Item", "Section", "View", "beyond_of", "version_json", "view_of"]

TITLES: Final[Mapping[str, str]] = {
    "exec": "programs",
    "args": "command lines",
    "hash": "contents of programs",
    "file": "files",
    "egress": "connections to others",
    "ingress": "connections from others, and own ports",
    "dns": "names asked for",
    "resource": "what it uses",
    "settings": "what it is started with",
    "image": "images",
    "api": "requests to an API",
    "secret": "secrets",
}
"""What each dimension is, in words; all of ``DIMENSIONS``."""

Status = Literal["known", "left out", "not decided", "not observable"]

_NOTES: Final[Mapping[Status, str]] = {
    "known": "",
    "left out": "left out by policy {policy}: seen, but decides nothing",
    "not decided": "not decided on: first seen after version {version} was approved; approve it anew to have it in",
    "not observable": "not observable: no sensor here tells of it",
}


@dataclass(frozen=True, slots=True)
class Item:
    """An element and how it is known; ``evidence`` is None where nothing of it was seen, ``nearest`` the most alike known one."""

    element: Element
    evidence: Evidence | None
    nearest: Element | None = None

    @property
    def is_suspect(self) -> bool:
        """Return whether it is both rare and late."""
        return self.evidence is not None and self.evidence.rare and self.evidence.late

    def as_json(self) -> dict[str, Any]:
        """Return the element with its evidence beside it."""
        told = asdict(self.evidence) if self.evidence else {"count": 0}
        nearest = {} if self.nearest is None else {"nearest": self.nearest}
        return {"element": self.element, **told, **nearest}


@dataclass(frozen=True, slots=True)
class Section:
    """One dimension; ``note`` says why it decides nothing, where it does not."""

    dimension: str
    status: Status
    note: str
    items: tuple[Item, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the dimension without its name."""
        return {"status": self.status, "note": self.note, "elements": [item.as_json() for item in self.items]}


@dataclass(frozen=True, slots=True)
class View:
    """A principal as it is shown: a version in force, or the candidate of one that learns; ``sections`` are all dimensions."""

    standing: Standing
    is_candidate: bool
    shown: Candidate
    lacking: tuple[str, ...]
    sections: tuple[Section, ...]

    @property
    def suspects(self) -> int:
        """Return how many elements are both rare and late, as those of an attack during learning are."""
        known = (section for section in self.sections if section.status == "known")
        return sum(item.is_suspect for section in known for item in section.items)

    def as_json(self) -> dict[str, Any]:
        """Return all of it for machines."""
        profile, extent = self.standing.profile, self.standing.candidate.extent
        return {
            "principal": profile.principal,
            "state": profile.state,
            "reason": profile.reason,
            "since": profile.since,
            "candidate": self.is_candidate,
            "baseline": version_json(profile.baseline),
            "policy": self.standing.policy,
            "observed": asdict(extent),
            "lacking": self.lacking,
            "partial": self.shown.partial,
            "releases": self.shown.releases,
            "forbidden": self.standing.forbidden,
            "difference": self.standing.difference,
            "never": profile.never,
            "dimensions": {section.dimension: section.as_json() for section in self.sections},
        }


@dataclass(frozen=True, slots=True)
class Beyond:
    """What one release did beyond the version in force."""

    release: str
    sections: tuple[Section, ...]

    @property
    def size(self) -> int:
        """Return how many elements are new."""
        return sum(len(section.items) for section in self.sections)

    def as_json(self) -> dict[str, Any]:
        """Return the release and its new elements by dimension."""
        found = {section.dimension: [item.as_json() for item in section.items] for section in self.sections}
        return {"release": self.release, "elements": found}


def version_json(baseline: Baseline | None) -> dict[str, Any] | None:
    """Return what names a version, without its elements; None for none."""
    if baseline is None:
        return None
    names = ("version", "hash", "author", "approved", "reason", "partial", "releases")
    return {name: getattr(baseline, name) for name in names}


def view_of(standing: Standing, now: str, *, candidate: bool = False) -> View:
    """Return a principal as it stands: the version in force, or the candidate where there is none or it is asked for."""
    is_candidate = candidate or standing.baseline is None
    shown = standing.candidate if is_candidate else standing.known
    both = standing.candidate.elements | shown.elements
    evidence = evidence_of(standing.learned, replace(shown, elements=both))
    sections = (_section(standing, shown, name, both, evidence) for name in DIMENSIONS)
    return View(standing, is_candidate, shown, tuple(standing.lacking(now)), tuple(sections))


def _section(
    standing: Standing, shown: Candidate, name: str, both: Elements, evidence: Mapping[tuple[str, Element], Evidence]
) -> Section:
    status = _status(standing, shown, name, both)
    version = standing.baseline.version if standing.baseline else 0
    items = tuple(Item(element, evidence.get((name, element))) for element in both.get(name, ()))
    return Section(name, status, _NOTES[status].format(policy=standing.policy, version=version), items)


def _status(standing: Standing, shown: Candidate, name: str, both: Elements) -> Status:
    if name not in both:
        return "not observable"
    if name not in shown.elements:
        return "left out" if name in standing.learn.leave_out else "not decided"
    left_out = shown is standing.candidate and name in standing.learn.leave_out
    return "left out" if left_out else "known"


def beyond_of(standing: Standing) -> list[Beyond]:
    """Return what was seen beyond the version in force, by release."""
    if standing.baseline is None:
        return []
    known = {name: Known.of(name, elements) for name, elements in standing.baseline.elements.items()}
    return [_beyond(standing, known, release, found) for release, found in standing.difference.items()]


def _beyond(standing: Standing, known: Mapping[str, Known], release: str, found: Elements) -> Beyond:
    """Return one release; its elements stand as they were seen, so that each has evidence of its own.

    Everything is late in a version that was approved before, so nothing is marked.
    """
    rows = {key: row for key, row in standing.learned.rows.items() if row.release == release}
    evidence = evidence_of(Learned(standing.principal, rows), replace(standing.candidate, elements=found))
    told = {place: replace(one, rare=False, late=False) for place, one in evidence.items()}
    sections = []
    for name, elements in found.items():
        items = (Item(one, told.get((name, one)), known[name].nearest(one)) for one in elements)
        sections.append(Section(name, "known", "", tuple(items)))
    return Beyond(release, tuple(sections))
