"""What was mended: a workload went on with another image, in which what scanners had found in the one before is found no longer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from deploy.inventory.catalog import reference_of
from deploy.inventory.estate import NOT_OBSERVABLE, Estate, Run, Workload, workload_of
from deploy.view.read import Activity
from schemas.errors import Invalid
from schemas.event import parse_time

__all__ = ["Remediation", "mended_since", "remediations_of"]

_KINDS: Final = ("vulnerabilities", "secrets", "malware", "misconfigurations")
_NANOSECONDS_AN_HOUR: Final = 3600 * 1_000_000_000
_WRITES: Final = ("create", "update", "patch")


@dataclass(frozen=True, slots=True)
class Remediation:
    """One image that took the place of another: what it mended, when it began to run, who asked for it, and how long that took.

    ``hours`` count from the last scan of the image before, if that came earlier; who asked is ``not observable`` where no log of an
    API was read that tells it.
    """

    container: str
    before: str
    after: str
    mended: tuple[str, ...]
    time: str
    by: str
    hours: float | None


def remediations_of(estate: Estate) -> Mapping[Workload, tuple[Remediation, ...]]:
    """Return what was mended in each workload, in the order of time."""
    runs: dict[tuple[Workload, str], dict[str, Run]] = {}
    for run in estate.runs:
        workload, image = workload_of(run.known), estate.catalog.image_of(run.known)
        if workload and image and not run.told:
            releases = runs.setdefault((workload, run.known.get("workload.container", "")), {})
            known = releases.get(image)
            releases[image] = run if known is None or run.first < known.first else known
    running = set(_running(estate))
    found: dict[Workload, list[Remediation]] = {}
    requests: dict[Workload, list[Activity]] | None = None
    for (workload, container), releases in runs.items():
        for before, after in pairwise(sorted(releases.items(), key=lambda one: (one[1].first, one[0]))):
            mended = _mended(estate, before[0], after[0])
            if mended and (workload, container, before[0]) not in running:
                requests = _requests(estate) if requests is None else requests
                one = _remediation(estate, container, before[0], after, mended, requests.get(workload, ()))
                found.setdefault(workload, []).append(one)
    return {
        workload: tuple(sorted(each, key=lambda one: (one.time, one.container))) for workload, each in found.items()
    }


def mended_since(estate: Estate, moment: str) -> list[Remediation]:
    """Return what was mended after a time, in order; ``hours`` count from then."""
    return [
        replace(one, hours=_hours(moment, one.time))
        for steps in remediations_of(estate).values()
        for one in steps
        if one.time >= moment
    ]


def _running(estate: Estate) -> Iterator[tuple[Workload, str, str]]:
    """Yield which images run now: what is in one that runs still, or again, is not mended."""
    for one in estate.containers:
        workload = workload_of(one.known)
        if workload and one.runs:
            yield workload, one.known.get("workload.container", ""), estate.catalog.image_of(one.known)


def _mended(estate: Estate, image: str, following: str) -> tuple[str, ...]:
    """Return findings that are gone; nothing where the image after was not scanned to the end by all that scanned the one before."""
    before, after = estate.catalog.facts_of(image), estate.catalog.facts_of(following)
    scanners = frozenset(before.get("container.image.scan.scanners") or ())
    if not scanners or not scanners <= estate.catalog.scanners_of(following):
        return ()
    return tuple(
        f"{kind}: {text}"
        for kind in _KINDS
        for text in sorted(
            set(before.get(f"container.image.{kind}") or ()) - set(after.get(f"container.image.{kind}") or ())
        )
    )


def _remediation(
    estate: Estate,
    container: str,
    before: str,
    after: tuple[str, Run],
    mended: tuple[str, ...],
    requests: Iterable[Activity],
) -> Remediation:
    image, run = after
    scanned = estate.catalog.facts_of(before).get("container.image.scan.time", "")
    hours = _hours(scanned, run.first) if scanned else None
    return Remediation(container, before, image, mended, run.first, _asked_by(run, requests), hours)


def _hours(begin: str, end: str) -> float | None:
    """Return how long that took; None where it did not, or a time is none: a clock may have told any digits."""
    try:
        nanoseconds = parse_time(end) - parse_time(begin)
    except Invalid:
        return None
    return round(nanoseconds / _NANOSECONDS_AN_HOUR, 2) if nanoseconds >= 0 else None


def _asked_by(run: Run, requests: Iterable[Activity]) -> str:
    """Return who asked last for an image by its name before it began to run."""
    names = frozenset(reference_of(run.known))
    asked = [
        (one.first, one.principal)
        for one in requests
        if one.first <= run.first and names & frozenset(one.known.get("container.settings.images") or ())
    ]
    return max(asked)[1] if asked else NOT_OBSERVABLE


def _requests(estate: Estate) -> dict[Workload, list[Activity]]:
    found: dict[Workload, list[Activity]] = {}
    for workload, activity in _written(estate):
        found.setdefault(workload, []).append(activity)
    return found


def _written(estate: Estate) -> Iterator[tuple[Workload, Activity]]:
    for one in estate.activities("dimension = 'api'"):
        done = one.done
        if done.get("kubernetes.audit.verb") not in _WRITES or done.get("event.outcome") == "failure":
            continue
        if done.get("orchestrator.resource.name") and "container.settings.images" in one.known:
            cluster, namespace = (done.get(f"orchestrator.{part}", "") for part in ("cluster.name", "namespace"))
            yield Workload(cluster, namespace, done["orchestrator.resource.name"]), one
