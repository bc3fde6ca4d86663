"""The life of a baseline: learning → review → active → changed; each step is a function of where it stands and what is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from schemas.baseline import Baseline, Change, Element, Elements, Profile, State, ordered, without
from schemas.codec import dumps
from schemas.decision import Decision
from schemas.errors import Invalid
from schemas.policy import Learn
from streams.baseline.forbidden import Forbidden
from streams.baseline.known import Known
from streams.baseline.learned import Candidate, Extent, is_known

__all__ = ["approved", "decided", "differs", "expired", "in_review", "lacking", "relearns"]

_MAX_BYTES: Final = 700_000
"""With difference and changes it must still be a record that Kafka takes, a megabyte by default."""
_MAX_DIFFERENCE_BYTES: Final = 100_000
_KEPT: Final = 100


def lacking(extent: Extent, learn: Learn, waited_hours: float) -> list[str]:
    """Return what is not enough yet for a review; ``waited_hours`` is by the broker's clock, so that a wrong one hurries nothing."""
    hours = min(extent.hours, waited_hours)
    asked = (
        (hours, learn.hours, "{:.1f} of {:g} hours"),
        (extent.replicas, learn.replicas, "{} of {} replicas"),
        (extent.observations, learn.observations, "{} of {} observations"),
    )
    return [text.format(found, wanted) for found, wanted, text in asked if found < wanted]


def in_review(profile: Profile, policy: str, candidate: Candidate, time: str) -> Profile:
    """Return a learning profile whose candidate a person may approve now."""
    return _changed(profile, "review", f"policy:{policy}", "review", _founded(candidate), time)


def approved(profile: Profile, policy: str, learn: Learn, candidate: Candidate, time: str) -> Profile:
    """Return the profile with the candidate in force, as a policy's ``approve: automatic`` has it.

    What the candidate holds is written down in the version, so that nobody needs to compute it again.
    """
    decides = {name: found for name, found in candidate.elements.items() if name not in learn.leave_out}
    baseline = Baseline(
        profile.principal,
        _next_version(profile),
        decides,
        profile.never,
        candidate.releases,
        candidate.partial,
        f"policy:{policy}",
        time,
        _founded(candidate),
    )
    try:
        return _active(profile, baseline, "approve")
    except Invalid:  # too large for a record: a person must forbid or shorten something first
        return profile if profile.state == "review" else in_review(profile, policy, candidate, time)


def decided(profile: Profile, decision: Decision, offset: int, time: str) -> Profile:
    """Return the profile behind a decision of a person at this offset of ``control``; read before, or a copy, it changes nothing.

    Raises ``Invalid`` where the decision cannot be carried out as it was meant.
    """
    if offset <= profile.decided or decision.digest in profile.heeded:
        return profile
    if decision.based_on != (profile.baseline.hash if profile.baseline else ""):
        raise Invalid("it was made looking at another version than is in force now; look again and decide again")
    behind = _DECISIONS[decision.action](profile, decision, time)
    return replace(behind, decided=offset, heeded=(*profile.heeded, decision.digest))


def _approve(profile: Profile, decision: Decision, time: str) -> Profile:
    baseline = Baseline(
        profile.principal,
        _next_version(profile),
        decision.elements,
        profile.never,
        decision.releases,
        decision.partial,
        decision.author,
        time,
        decision.reason,
    )
    return _active(profile, baseline, "approve")


def _reject(profile: Profile, decision: Decision, time: str) -> Profile:
    if profile.baseline is not None:
        return _forbid(profile, decision, time)
    rejected = replace(_with_never(profile, decision.elements), since=time)
    return _changed(rejected, "learning", decision.author, "reject", decision.reason, time)


def _forbid(profile: Profile, decision: Decision, time: str) -> Profile:
    if not any(decision.elements.values()):
        raise Invalid("it names nothing that is to be taken out")
    forbidden = _with_never(profile, decision.elements)
    if profile.baseline is None:
        return _changed(forbidden, profile.state, decision.author, decision.action, decision.reason, time)
    baseline = replace(
        profile.baseline,
        version=_next_version(profile),
        elements=Forbidden.of(decision.elements).sparing(profile.baseline.elements),
        never=forbidden.never,
        author=decision.author,
        approved=time,
        reason=decision.reason,
    )
    return _active(forbidden, baseline, decision.action)


def _learn(profile: Profile, decision: Decision, time: str) -> Profile:
    anew = replace(profile, baseline=None, difference={}, since=time, begun=time)
    return _changed(anew, "learning", decision.author, "learn", decision.reason, time)


_DECISIONS = {"approve": _approve, "reject": _reject, "forbid": _forbid, "learn": _learn}


def relearns(profile: Profile, policy: str, releases: Sequence[str], begun: str, time: str) -> Profile:
    """Return a profile that learns anew because of new releases, as a policy's ``release: learn`` has it.

    ``begun`` is when the first of them was first seen by the events' clock: what was seen only before that was not accepted, and is not
    learned now.
    """
    anew = replace(profile, baseline=None, difference={}, since=time, begun=max(profile.begun, begun))
    return _changed(anew, "learning", f"policy:{policy}", "learn", f"new release {', '.join(releases)}", time)


def differs(profile: Profile, difference: Mapping[str, Elements], time: str) -> Profile:
    """Return an active profile with what was seen beyond it, one step of its life for each release that is new or gone in it.

    Without anything beyond it, it is active again. Of a flood the profile holds the first elements of each dimension, so that it
    stays a record that Kafka takes; the rows have all.
    """
    found, state = replace(profile, difference=_first_of(difference)), _state_of(difference)
    for release in sorted(difference.keys() ^ profile.difference.keys()):
        size = sum(map(len, difference.get(release, {}).values()))
        reason = f"{size or 'nothing'} new in release {release}" if release else f"{size or 'nothing'} new"
        found = _changed(found, state, f"release:{release}", "difference", reason, time)
    return found


def _first_of(difference: Mapping[str, Elements]) -> dict[str, Elements]:
    """Return the first elements of each dimension, and every release though nothing of it may have room."""
    kept: dict[str, Elements] = {release: {} for release in difference}
    room = _MAX_DIFFERENCE_BYTES
    for release, elements in difference.items():
        for name, found in elements.items():
            for one in found[:_KEPT]:
                room -= len(dumps(one))
                if room >= 0:
                    kept[release][name] = (*kept[release].get(name, ()), one)
    return kept


def _state_of(difference: Mapping[str, Elements]) -> State:
    return "changed" if difference else "active"


def expired(
    profile: Profile, policy: str, gone: Mapping[str, Sequence[Element]], days: int, oldest: str, time: str
) -> Profile:
    """Return an active profile without elements that were not seen for so many days of the events' clock, since ``oldest``."""
    if profile.baseline is None or not any(gone.values()):
        return profile
    baseline = replace(
        profile.baseline,
        version=_next_version(profile),
        elements=without(profile.baseline.elements, gone),
        author=f"policy:{policy}",
        approved=time,
        reason=f"not seen for {days} days",
    )
    return _active(replace(profile, begun=max(profile.begun, oldest)), baseline, "expire")


def _active(profile: Profile, baseline: Baseline, action: str) -> Profile:
    """Return the profile with a version in force; what is beyond that one, too, stays what it was.

    Raises ``Invalid`` for a version that no record of Kafka could hold.
    """
    size = len(dumps(baseline.elements)) + len(dumps(baseline.never))
    if size > _MAX_BYTES:
        raise Invalid(
            f"its elements would have {size} bytes; {_MAX_BYTES} is the most: take something out, or write patterns"
        )
    before = _flat(profile.baseline.elements) if profile.baseline else frozenset()
    after, left = _flat(baseline.elements), _beyond(profile.difference, baseline)
    return _changed(
        replace(profile, baseline=baseline, difference=left),
        _state_of(left),
        baseline.author,
        action,
        baseline.reason,
        baseline.approved,
        added=len(after - before),
        removed=len(before - after),
    )


def _beyond(difference: Mapping[str, Elements], baseline: Baseline) -> dict[str, Elements]:
    """Return what a version does not decide on in a difference: neither knows nor forbids."""
    known = {name: Known.of(name, found) for name, found in baseline.elements.items()}
    forbidden = Forbidden.of(baseline.never)
    left: dict[str, Elements] = {}
    for release, elements in difference.items():
        for name, found in elements.items():
            beyond = tuple(one for one in found if name in known and not is_known(known, name, one))
            if spared := tuple(one for one in beyond if not forbidden.holds(name, one)):
                left.setdefault(release, {})[name] = spared
    return left


def _changed(
    profile: Profile,
    state: State,
    author: str,
    action: str,
    reason: str,
    time: str,
    *,
    added: int = 0,
    removed: int = 0,
) -> Profile:
    baseline = profile.baseline
    version, hash_ = (baseline.version, baseline.hash) if baseline else (0, "")
    change = Change(time, author, action, reason, state, version, hash_, added, removed)
    return replace(profile, state=state, reason=reason, changes=profile.changed(change))


def _with_never(profile: Profile, elements: Elements) -> Profile:
    both = {name: (*profile.never.get(name, ()), *found) for name, found in elements.items()}
    return replace(profile, never=ordered(profile.never | both))


def _next_version(profile: Profile) -> int:
    """Return a number that no version has had, also where learning began anew."""
    had = [change.version for change in profile.changes]
    return max((*had, profile.baseline.version if profile.baseline else 0)) + 1


def _flat(elements: Elements) -> frozenset[tuple[str, Element]]:
    return frozenset((name, element) for name, found in elements.items() for element in found)


def _founded(candidate: Candidate) -> str:
    extent = candidate.extent
    seen = f"{extent.observations} observations of {extent.replicas} replicas in {extent.hours:.1f} hours"
    return seen + (f"; partial: {', '.join(candidate.partial)}" if candidate.partial else "")
