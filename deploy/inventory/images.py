"""Images: where they come from, what is in them, where they run, and how exposed that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from deploy.inventory.catalog import Catalog, is_name, reference_of
from deploy.inventory.estate import NOT_OBSERVABLE, Estate, Workload, workload_of
from deploy.inventory.exposure import EXPOSURES, Exposure, doors_of, exposure_of, reached_from_outside
from schemas.codec import Event
from schemas.images import parse_image

__all__ = ["LEVELS", "Image", "Scan", "images_of", "level_counts"]

LEVELS: Final = ("critical", "high", "medium", "low", "informational", "unknown")
"""The gravest first."""

_IMAGE: Final = "container.image."
_LOOKS_FOR: Final = {
    "vulnerabilities": frozenset({"trivy", "grype"}),
    "secrets": frozenset({"trivy"}),
    "malware": frozenset({"clamav"}),
    "misconfigurations": frozenset({"trivy"}),
}
_SCANNERS: Final = frozenset().union(*_LOOKS_FOR.values())


@dataclass(frozen=True, slots=True)
class Scan:
    """What one scanner found in one image, in numbers; what it did not look for is ``not observable``."""

    scanner: str
    time: str
    outcome: str
    vulnerabilities: dict[str, int] | str
    secrets: int | str
    malware: int | str
    misconfigurations: int | str


@dataclass(frozen=True, slots=True)
class Image:
    """One image.

    ``registered`` says whether a registry that tells us of its images has it, of one with a digest; ``pulled_from`` are the registries in its names. What
    nobody looked for is ``not observable``. ``against_policy`` are clauses and rules that speak against it; ``exposure`` is that of
    the most exposed workload in which it runs, ``doors`` say why.
    """

    image: str
    names: tuple[str, ...]
    digests: tuple[str, ...]
    registries: tuple[str, ...]
    pulled_from: tuple[str, ...]
    registered: bool | str
    created: str
    signature: str
    signers: tuple[str, ...]
    scans: tuple[Scan, ...]
    scanned: str
    levels: dict[str, int]
    vulnerabilities: tuple[str, ...] | str
    secrets: tuple[str, ...] | str
    malware: tuple[str, ...] | str
    misconfigurations: tuple[str, ...] | str
    against_policy: tuple[str, ...]
    first: str
    last: str
    running: int
    workloads: tuple[str, ...]
    hosts: tuple[str, ...]
    exposure: Exposure
    doors: tuple[str, ...]

    @property
    def rank(self) -> tuple[int, ...]:
        """Return what sorts images: the most exposed first, among these the one with the gravest findings."""
        return EXPOSURES.index(self.exposure), *(-self.levels.get(level, 0) for level in LEVELS)


@dataclass(slots=True)
class _Seen:
    """What was gathered of one image from its containers."""

    names: set[str] = field(default_factory=set)
    digests: set[str] = field(default_factory=set)
    first: str = ""
    last: str = ""
    running: int = 0
    workloads: set[Workload] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    doors: set[str] = field(default_factory=set)
    denials: set[str] = field(default_factory=set)

    def name(self, known: Event) -> None:
        self.names.update(reference_of(known))
        self.identify(known)

    def identify(self, known: Event) -> None:
        self.digests.update(one.rpartition("@")[2] for one in known.get(f"{_IMAGE}hash.all") or ())


def images_of(estate: Estate) -> list[Image]:
    """Return all images that somebody tells of or that were seen to run, the most exposed first."""
    seen: dict[str, _Seen] = {image: _Seen() for image in estate.catalog.told_of()}
    _add_runs(estate, seen)
    _add_containers(estate, seen)
    _add_denials(estate, seen)
    is_told = any(f"{_IMAGE}registries" in estate.catalog.facts_of(image) for image in seen)
    found = [_image(image, one, estate.catalog, is_told=is_told) for image, one in seen.items()]
    return sorted(found, key=lambda image: (image.rank, image.names, image.image))


def level_counts(vulnerabilities: Iterable[str]) -> dict[str, int]:
    """Return how many vulnerabilities there are of each level, the gravest first; none of a level is left out."""
    counts = Counter(text.partition(" ")[0] for text in vulnerabilities)
    return {level: counts[level] for level in LEVELS if counts[level]}


def _add_runs(estate: Estate, seen: dict[str, _Seen]) -> None:
    for run in estate.runs:
        image = estate.catalog.image_of(run.known)
        if image and not (run.told and is_name(image)):
            one = seen.setdefault(image, _Seen())
            one.name(run.known)
            one.first, one.last = min(one.first or run.first, run.first), max(one.last, run.last)


def _add_containers(estate: Estate, seen: dict[str, _Seen]) -> None:
    outside = reached_from_outside(estate)
    for container in estate.containers:
        image = estate.catalog.image_of(container.known)
        if not image:
            continue
        one, workload = seen.setdefault(image, _Seen()), workload_of(container.known)
        one.name(container.known)
        if container.runs:
            one.running += 1
            one.doors.update(doors_of(container.known), outside.get(workload, ()) if workload else ())
            one.workloads.update([workload] if workload else [])
            one.hosts.update(filter(None, [container.own.get("host.name")]))


def _add_denials(estate: Estate, seen: dict[str, _Seen]) -> None:
    for denial in estate.denials:
        if denial.principal.startswith("image:"):
            image = estate.catalog.image_named(denial.principal)
        elif denial.clause.startswith("images."):
            image = estate.catalog.image_of(denial.known)
        else:
            continue
        if image in seen:
            seen[image].denials.add(f"{denial.clause}: {denial.reason}" if denial.clause else denial.reason)


def _image(image: str, seen: _Seen, catalog: Catalog, *, is_told: bool) -> Image:
    facts = catalog.facts_of(image)
    scans = [one.facts for one in catalog.records_of(image) if f"{_IMAGE}scan.scanners" in one.facts]
    seen.identify(facts)
    # What several sources say together may be a name of one and a tag of another, so what containers were started from counts first.
    names = seen.names or reference_of(facts)
    scanners = catalog.scanners_of(image)
    vulnerabilities = _found(facts, "vulnerabilities", scanners)
    scanned = f"{_IMAGE}scan.scanners" in facts
    return Image(
        image=image,
        names=tuple(sorted(names)),
        digests=tuple(sorted(seen.digests)),
        registries=tuple(facts.get(f"{_IMAGE}registries") or ()),
        pulled_from=tuple(sorted({one.registry for name in names if (one := parse_image(name))})),
        registered=bool(facts.get(f"{_IMAGE}registries")) if is_told and not is_name(image) else NOT_OBSERVABLE,
        created=facts.get(f"{_IMAGE}created", ""),
        signature=facts.get(f"{_IMAGE}signature", NOT_OBSERVABLE),
        signers=tuple(facts.get(f"{_IMAGE}signers") or ()),
        scans=tuple(map(_scan, scans)),
        scanned=facts.get(f"{_IMAGE}scan.time", "") if scanned else NOT_OBSERVABLE,
        levels={} if vulnerabilities == NOT_OBSERVABLE else level_counts(vulnerabilities),
        vulnerabilities=vulnerabilities,
        secrets=_found(facts, "secrets", scanners),
        malware=_found(facts, "malware", scanners),
        misconfigurations=_found(facts, "misconfigurations", scanners),
        against_policy=tuple(sorted(seen.denials)),
        first=seen.first,
        last=seen.last,
        running=seen.running,
        workloads=tuple(sorted(map(str, seen.workloads))),
        hosts=tuple(sorted(seen.hosts)),
        exposure=exposure_of(seen.doors, runs=bool(seen.running)),
        doors=tuple(sorted(seen.doors)),
    )


def _scan(facts: Mapping[str, Any]) -> Scan:
    scanners = () if facts.get(f"{_IMAGE}scan.outcome") == "failure" else facts[f"{_IMAGE}scan.scanners"]
    found = {kind: _found(facts, kind, scanners) for kind in _LOOKS_FOR}
    counts = {kind: texts if isinstance(texts, str) else len(texts) for kind, texts in found.items()}
    vulnerabilities = found["vulnerabilities"]
    return Scan(
        scanner=", ".join(facts[f"{_IMAGE}scan.scanners"]),
        time=facts.get(f"{_IMAGE}scan.time", ""),
        outcome=facts.get(f"{_IMAGE}scan.outcome", ""),
        vulnerabilities=vulnerabilities if isinstance(vulnerabilities, str) else level_counts(vulnerabilities),
        secrets=counts["secrets"],
        malware=counts["malware"],
        misconfigurations=counts["misconfigurations"],
    )


def _found(facts: Mapping[str, Any], kind: str, scanners: Iterable[str]) -> tuple[str, ...] | str:
    """Return what was found of a kind; nobody has looked for it unless a scanner has that looks for it, or one we do not know."""
    found = facts.get(f"{_IMAGE}{kind}")
    looked = any(one in _LOOKS_FOR[kind] or one not in _SCANNERS for one in scanners)
    return tuple(found or ()) if found or looked else NOT_OBSERVABLE
