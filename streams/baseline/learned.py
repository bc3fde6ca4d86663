"""What was seen of one principal: rows of ``activities``, and the candidate baseline that follows from them.

Rows are cumulative for their key, so taking them in any order, batching and repetition gives the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from sys import intern
from typing import Any, Final

from schemas.baseline import DIMENSIONS, Baseline, Element, Elements, ordered
from schemas.errors import Invalid
from schemas.event import parse_time
from streams.baseline.elements import OBSERVES, elements_of
from streams.baseline.forbidden import Forbidden
from streams.baseline.generalise import generalise
from streams.baseline.known import Known

__all__ = [
    "WITHOUT_PROFILE",
    "Candidate",
    "Evidence",
    "Extent",
    "Learned",
    "Row",
    "evidence_of",
    "is_known",
    "release_of",
]

WITHOUT_PROFILE: Final = ("unknown:", "judge", "collector:", "image:", "secret:")
"""How principals begin that are never learned: containers without facts, what tells of the pipeline itself, and what does nothing."""

_FORBIDDING: Final = frozenset({"policy", "sensor", "rule"})
_STARTS: Final = frozenset({"container-create", "container-start"})
_RARE_SHARE: Final = 0.001
_RARE_COUNT: Final = 3
_LATE_SHARE: Final = 0.9
_SAMPLES: Final = 3
_CONTAINER: Final = "container:"


def release_of(record: Mapping[str, Any]) -> str:
    """Return the image that a record's container runs: its id, else a digest, else its name; empty where none is known."""
    digests = record.get("container.image.hash.all") or [""]
    return record.get("container.image.id") or digests[0] or record.get("container.image.name") or ""


@dataclass(frozen=True, slots=True)
class Row:
    """What is kept of one row: what it adds, how often it was seen, and whether it may be learned."""

    elements: tuple[tuple[str, Element], ...]
    dataset: str
    action: str
    release: str
    replicas: tuple[str, int]
    count: int
    first: str
    first_id: str
    last: str
    forbidden: bool
    lost: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Row:
        """Return the row of a record of ``activities``; raise ``Invalid`` for what is none.

        What policy, a rule or a sensor forbids is not learnable. A row into which everything beyond the limits was counted adds
        nothing, but ``lost`` names its dimension. Words are interned: replicas, partitions and workloads share most of them. Times are read here, so that nobody meets one later that is none: of a known
        envelope the judge does not look at the digits.
        """
        try:
            found, _ = elements_of(row), (parse_time(row["activity.first"]), parse_time(row["activity.last"]))
            return cls(
                tuple((name, tuple(map(intern, element))) for name, elements in found.items() for element in elements),
                intern(row.get("event.dataset", "")),
                intern(row.get("event.action", "")),
                intern(release_of(row)),
                (intern(f"{row['activity.context']}/{row['activity.partition']}"), row.get("activity.replicas", 0)),
                row["activity.count"],
                row["activity.first"],
                row["activity.first_id"],
                row["activity.last"],
                row["verdict.outcome"] == "unauthorized" and row.get("verdict.by") in _FORBIDDING,
                "" if "event.action" in row else row["activity.dimension"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise Invalid(f"not a row of activities: {error!r}") from error


@dataclass(frozen=True, slots=True)
class Evidence:
    """How an element of a candidate is known: how often, since when, by which events.

    ``rare``: a handful among many; ``late``: first seen when nine tenths of the learning were over. Both together are what an
    attack during learning looks like.
    """

    count: int
    first: str
    last: str
    ids: tuple[str, ...]
    rare: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True)
class Extent:
    """How much was seen of a principal; times are RFC 3339, empty before anything was."""

    observations: int
    replicas: int
    first: str
    last: str

    @property
    def hours(self) -> float:
        """Return how long the principal was seen by the events' clock."""
        return (parse_time(self.last) - parse_time(self.first)) / 3.6e12 if self.first else 0.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """The baseline that follows from what was seen until now, and how well it is founded."""

    elements: Elements
    releases: tuple[str, ...]
    partial: tuple[str, ...]
    extent: Extent


@dataclass(slots=True)
class Learned:
    """Everything seen of one principal, by the key of its row."""

    principal: str
    rows: dict[bytes, Row] = field(default_factory=dict)

    def take(self, key: bytes, row: Row | None) -> None:
        """Take in a row, unless a later state of it is known; None removes it (its events were moved elsewhere)."""
        known = self.rows.get(key)
        if row is None:
            self.rows.pop(key, None)
        elif known is None or row.count >= known.count:
            self.rows[key] = row

    def after(self, moment: str) -> Learned:
        """Return what was seen since then by the events' clock; an activity that goes on counts from its beginning."""
        if not moment:
            return self
        kept: dict[bytes, Row] = {}
        replicas = self._replicas_by_context()
        for key, row in self.rows.items():
            if row.last >= moment:
                context, own = row.replicas
                known = replicas.pop(context, 0)  # one row of each context says it, whichever rows are left
                kept[key] = replace(row, replicas=(context, known)) if known > own else row
        return Learned(self.principal, kept)

    def learnable(self) -> Iterator[Row]:
        """Yield the rows that nothing forbids."""
        return (row for row in self.rows.values() if not row.forbidden)

    def candidate(
        self, never: Elements, protected: frozenset[str], gaps: Mapping[str, tuple[str, str]] | None = None
    ) -> Candidate:
        """Return the candidate: without what was removed for good; ``gaps`` are telemetry that is missing, by cause, from and to."""
        extent, elements = self.extent(), Forbidden.of(never).sparing(self._seen())
        return Candidate(
            {name: generalise(name, found, protected) for name, found in elements.items()},
            tuple(sorted({row.release for row in self.rows.values() if row.release})),
            tuple(self._partial(extent, gaps or {})),
            extent,
        )

    def extent(self) -> Extent:
        """Return how much was seen."""
        rows = self.rows.values()
        first, last = min((row.first for row in rows), default=""), max((row.last for row in rows), default="")
        return Extent(self._observations(), self._replicas(), first, last)

    def difference(self, baseline: Baseline, known: Mapping[str, Known]) -> dict[str, Elements]:
        """Return what was seen and may be learned, but is beyond a baseline: by release."""
        forbidden, blamed = Forbidden.of(baseline.never), self._blamed()
        found: dict[str, dict[str, set[Element]]] = {}
        for row in self.learnable():
            for name, element in row.elements:
                if name not in known or is_known(known, name, element) or (name, element) in blamed:
                    continue
                if not forbidden.holds(name, element):
                    found.setdefault(row.release, {}).setdefault(name, set()).add(element)
        return {release: ordered(found[release]) for release in sorted(found)}

    def _seen(self) -> Elements:
        """Return the elements of all learnable rows, and the dimensions that were observed without anything being seen."""
        seen: dict[str, set[Element]] = {}
        blamed = self._blamed()
        for row in self.learnable():
            for name in OBSERVES.get(row.dataset, ()):
                seen.setdefault(name, set())
            for name, element in row.elements:
                seen.setdefault(name, set()).update(() if (name, element) in blamed else (element,))
        return ordered(seen)

    def _blamed(self) -> set[tuple[str, Element]]:
        """Return what one sensor found fault with whenever it saw it, at least as often as others saw it: they saw that act, too."""
        bad = [row for row in self.rows.values() if row.forbidden and row.elements]
        faults = _counts(bad)
        seen = _counts(self.learnable()) if bad else {}
        return {
            one
            for one, by_dataset in faults.items()
            if one in seen
            and any(
                dataset not in seen[one] and count >= max(seen[one].values()) for dataset, count in by_dataset.items()
            )
        }

    def _observations(self) -> int:
        """Return how often anything was seen that may be learned, by the sensor that saw most: two sensors report one exec twice."""
        by_dataset: dict[str, int] = {}
        for row in self.learnable():
            by_dataset[row.dataset] = by_dataset.get(row.dataset, 0) + row.count
        return max(by_dataset.values(), default=0)

    def _replicas(self) -> int:
        """Return how many containers were seen; who has acted was there, also where no facts tell of it (hosts, users)."""
        return max(sum(self._replicas_by_context().values()), 1) if self.rows else 0

    def _replicas_by_context(self) -> dict[str, int]:
        by_context: dict[str, int] = {}
        for row in self.rows.values():
            context, replicas = row.replicas
            by_context[context] = max(by_context.get(context, 0), replicas)
        return by_context

    def _partial(self, extent: Extent, gaps: Mapping[str, tuple[str, str]]) -> Iterator[str]:
        actions = {row.action for row in self.rows.values()}
        if self.principal.startswith(_CONTAINER) and not actions & _STARTS:
            yield "first met while it ran"
        for name in sorted({row.lost for row in self.rows.values() if row.lost}):
            yield f"more was seen of {name} than is kept"
        for cause, (begin, end) in sorted(gaps.items()):
            if extent.first <= end and begin <= extent.last:
                yield f"telemetry gap: {cause}"


def _counts(rows: Iterable[Row]) -> dict[tuple[str, Element], dict[str, int]]:
    """Return how often each element was seen, by dataset."""
    counts: dict[tuple[str, Element], dict[str, int]] = {}
    for row in rows:
        for one in row.elements:
            by_dataset = counts.setdefault(one, {})
            by_dataset[row.dataset] = by_dataset.get(row.dataset, 0) + row.count
    return counts


def is_known(known: Mapping[str, Known], dimension: str, element: Element) -> bool:
    """Return whether a baseline knows an element.

    Of programs that were never hashed while it was learned it knows no hash, so it says nothing of theirs.
    """
    if known[dimension].find(element) is not None:
        return True
    return dimension == "hash" and all(other[0] != element[0] for other in known[dimension].elements)


def evidence_of(learned: Learned, candidate: Candidate) -> dict[tuple[str, Element], Evidence]:
    """Return how each element of a candidate is known; an element that is none of those seen has no evidence."""
    known = {name: Known.of(name, elements) for name, elements in candidate.elements.items()}
    found: dict[tuple[str, Element], list[Row]] = {}
    for row in learned.learnable():
        for name, element in row.elements:
            cover = known[name].find(element) if name in known else None
            if cover is not None:
                found.setdefault((name, cover), []).append(row)
    late = _late_after(candidate)
    return {
        (name, element): _evidence(found[name, element], candidate, late)
        for name in DIMENSIONS
        for element in candidate.elements.get(name, ())
        if (name, element) in found
    }


def _late_after(candidate: Candidate) -> int:
    extent = candidate.extent
    if not extent.first:
        return 0
    first, last = parse_time(extent.first), parse_time(extent.last)
    return first + int((last - first) * _LATE_SHARE)


def _evidence(rows: list[Row], candidate: Candidate, late_after: int) -> Evidence:
    by_dataset: dict[str, int] = {}
    for row in rows:
        by_dataset[row.dataset] = by_dataset.get(row.dataset, 0) + row.count
    count, first = max(by_dataset.values()), min(row.first for row in rows)
    ids = tuple(row.first_id for row in sorted(rows, key=lambda row: (row.first, row.first_id))[:_SAMPLES])
    rare = count <= max(1, min(_RARE_COUNT, candidate.extent.observations * _RARE_SHARE))
    return Evidence(count, first, max(row.last for row in rows), ids, rare, parse_time(first) >= late_after)
