"""What a person can decide about a principal: decisions that say exactly what was seen when they were made, not yet signed.

``Nothing`` is returned where there is nothing to decide; what cannot be meant raises ``ConfigurationError``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from deploy.baselines.standing import Standing
from deploy.baselines.tree import words_of
from schemas.baseline import Baseline, Element, Elements, Profile, elements_in, ordered, without
from schemas.decision import Action, Decision
from schemas.errors import ConfigurationError, Invalid
from streams.baseline.forbidden import Forbidden
from streams.baseline.generalise import generalise
from streams.baseline.known import Known
from streams.baseline.learned import evidence_of
from streams.baseline.lifecycle import decided

__all__ = ["Author", "Nothing", "Proposal", "approve", "forbid", "learn", "put_in_force", "reject", "release_named"]

_NONE: Final[Elements] = {}


@dataclass(frozen=True, slots=True)
class Author:
    """Who decides, why, and when."""

    name: str
    reason: str
    time: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """That there is nothing to decide about a principal, and why."""

    principal: str
    why: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A decision without its signature, and the profile as it will be once it is carried out; ``notes`` are for its author."""

    before: Profile
    decision: Decision
    after: Profile
    notes: tuple[str, ...] = ()

    @property
    def principal(self) -> str:
        return self.decision.principal

    @property
    def added(self) -> tuple[tuple[str, Element], ...]:
        """Return what the version in force will know that it does not know now."""
        return _beyond(_in_force(self.after), _in_force(self.before))

    @property
    def removed(self) -> tuple[tuple[str, Element], ...]:
        """Return what will not be known any more."""
        return _beyond(_in_force(self.before), _in_force(self.after))

    @property
    def refused(self) -> tuple[tuple[str, Element], ...]:
        """Return what will never be learned from then on."""
        return _beyond(self.after.never, self.before.never)


def _in_force(profile: Profile) -> Elements:
    return profile.baseline.elements if profile.baseline else _NONE


def _beyond(elements: Elements, others: Elements) -> tuple[tuple[str, Element], ...]:
    return tuple((name, one) for name, found in without(elements, others).items() for one in found)


def _proposal(
    profile: Profile,
    action: Action,
    author: Author,
    elements: Elements = _NONE,
    releases: Iterable[str] = (),
    partial: Iterable[str] = (),
    notes: Iterable[str] = (),
) -> Proposal:
    based_on = profile.baseline.hash if profile.baseline else ""
    decision = Decision(
        profile.principal,
        action,
        author.name,
        author.time,
        author.reason,
        based_on,
        elements,
        tuple(releases),
        tuple(partial),
    )
    try:
        after = decided(profile, decision, profile.decided + 1, author.time)
    except Invalid as error:
        raise ConfigurationError(f"{profile.principal}: {action} cannot be carried out: {error}") from error
    return Proposal(profile, decision, after, tuple(notes))


def approve(standing: Standing, author: Author, release: str | None = None) -> Proposal | Nothing:
    """Return the approval of all that is seen now, or of what one release does beyond the version in force."""
    baseline = standing.baseline
    if baseline is None:
        return _first(standing, author)
    if release is not None:
        elements = _grown(standing, baseline, [release])
        return _next(standing, baseline, author, elements, (*baseline.releases, release), baseline.partial)
    seen = {name: found for name, found in standing.candidate.elements.items() if name not in baseline.elements}
    elements = ordered(seen | _grown(standing, baseline, standing.difference))
    candidate = standing.candidate
    return _next(standing, baseline, author, elements, (*baseline.releases, *candidate.releases), candidate.partial)


def _first(standing: Standing, author: Author) -> Proposal | Nothing:
    candidate = standing.candidate
    elements = _decides(standing, candidate.elements)
    if not any(elements.values()):
        return Nothing(standing.principal, "nothing was seen of it that may be learned")
    notes = list(_early(standing, author))
    return _proposal(
        standing.profile,
        "approve",
        author,
        elements,
        candidate.releases,
        candidate.partial,
        [*notes, *_partial(candidate.partial)],
    )


def _early(standing: Standing, author: Author) -> Iterator[str]:
    """Yield what speaks for looking closer before a first version is approved."""
    lacking = standing.lacking(author.time)
    if lacking:
        yield f"it has learned {' and '.join(lacking)} only"
    evidence = evidence_of(standing.learned, standing.candidate).items()
    suspects = sum(one.rare and one.late for (name, _), one in evidence if name not in standing.learn.leave_out)
    if suspects:
        yield f"{suspects} elements are rare and late, as those of an attack would be: `tidewaiter baseline show` marks them"


def _next(
    standing: Standing,
    baseline: Baseline,
    author: Author,
    elements: Elements,
    releases: Iterable[str],
    partial: tuple[str, ...],
) -> Proposal | Nothing:
    decides, known = _decides(standing, elements), tuple(sorted(filter(None, set(releases))))
    if (decides, known, partial) == (baseline.elements, baseline.releases, baseline.partial):
        return Nothing(standing.principal, f"nothing was seen of it beyond v{baseline.version}")
    return _proposal(standing.profile, "approve", author, decides, known, partial, _partial(partial))


def _grown(standing: Standing, baseline: Baseline, releases: Iterable[str]) -> Elements:
    """Return the elements in force with what releases do beyond them; a dimension with nothing new stays as it is."""
    differences = [standing.difference.get(release, {}) for release in releases]
    new = {name: [one for found in differences for one in found.get(name, ())] for name in baseline.elements}
    return {
        name: generalise(name, (*found, *new[name]), standing.protected) if new[name] else found
        for name, found in baseline.elements.items()
    }


def _decides(standing: Standing, elements: Elements) -> Elements:
    """Return what may stand in a version: not what the policy leaves out, nor what a person has taken out."""
    return Forbidden.of(standing.profile.never).sparing(standing.decides(elements))


def _partial(partial: Iterable[str]) -> Iterator[str]:
    return (f"it may be incomplete: {why}" for why in partial)


def reject(standing: Standing, author: Author, release: str | None = None) -> Proposal | Nothing:
    """Return the refusal of what was seen beyond the version in force, for good; what has none goes back to learning."""
    if standing.baseline is None:
        return _proposal(standing.profile, "reject", author)
    differences = [found for name, found in standing.difference.items() if release in (None, name)]
    elements = _union(differences)
    if not elements:
        return Nothing(standing.principal, f"nothing was seen of it beyond v{standing.baseline.version}")
    return _proposal(standing.profile, "reject", author, elements)


def _union(sets: Iterable[Elements]) -> Elements:
    both: dict[str, set[Element]] = {}
    for elements in sets:
        for name, found in elements.items():
            both.setdefault(name, set()).update(found)
    return ordered(both)


def learn(standing: Standing, author: Author) -> Proposal:
    """Return the decision to learn anew: nothing is in force until what was seen is approved again."""
    return _proposal(standing.profile, "learn", author)


def forbid(standing: Standing, author: Author, dimension: str, element: Element) -> Proposal:
    """Return the decision that an element, with all that it stands for, is never known."""
    try:
        elements = elements_in({dimension: [list(element)]})
    except Invalid as error:
        raise ConfigurationError(f"{dimension} {words_of(element)}: {error}") from error
    if element in standing.profile.never.get(dimension, ()):
        raise ConfigurationError(f"{standing.principal}: {dimension} {words_of(element)} was taken out before")
    notes = [] if _was_seen(standing, dimension, element) else ["nothing of it was seen until now"]
    return _proposal(standing.profile, "forbid", author, elements, notes=notes)


def _was_seen(standing: Standing, dimension: str, element: Element) -> bool:
    if element in _in_force(standing.profile).get(dimension, ()):
        return True
    asked = Known.of(dimension, [element])
    seen = (one for row in standing.learned.learnable() for name, one in row.elements if name == dimension)
    return any(asked.find(one) is not None for one in seen)


def put_in_force(standing: Standing, author: Author, document: Baseline) -> list[Proposal] | Nothing:
    """Return what makes a document the version in force: first what it has under ``never``, then the approval of the rest."""
    proposals: list[Proposal] = []
    profile = standing.profile
    if new := _only(without(document.never, profile.never)):
        proposals.append(_proposal(profile, "forbid", author, new))
        profile = proposals[0].after
    elements = Forbidden.of(profile.never).sparing(standing.decides(document.elements))
    baseline, notes = profile.baseline, tuple(_notes(standing, document, profile))
    if baseline is None or _content(baseline) != (elements, document.releases, document.partial):
        proposals.append(_proposal(profile, "approve", author, elements, document.releases, document.partial, notes))
    if not proposals:
        return Nothing(standing.principal, "; ".join(("it is in force already", *notes)))
    return proposals


def _only(elements: Elements) -> Elements:
    return {name: found for name, found in elements.items() if found}


def _content(baseline: Baseline) -> tuple[Elements, tuple[str, ...], tuple[str, ...]]:
    return baseline.elements, baseline.releases, baseline.partial


def _notes(standing: Standing, document: Baseline, profile: Profile) -> Iterator[str]:
    for name in document.elements:
        if name in standing.learn.leave_out:
            yield f"{name} is left out, as policy {standing.policy} has it"
    for name, element in _beyond(document.elements, Forbidden.of(profile.never).sparing(document.elements)):
        yield f"{name} {words_of(element)} stays out: a person has taken it out for good"
    for name, element in _beyond(profile.never, document.never):
        yield f"{name} {words_of(element)} is taken out for good, though the document does not say so"


def release_named(releases: Mapping[str, object], asked: str) -> str:
    """Return the release of which the beginning, or that of its digest, is given; raise ``ConfigurationError`` with those there are."""
    found = [one for one in releases if one == asked] or [
        one for one in releases if asked and (one.startswith(asked) or one.rpartition(":")[2].startswith(asked))
    ]
    if len(found) == 1:
        return found[0]
    known = ", ".join(one or "''" for one in releases) or "none"
    raise ConfigurationError(f"{len(found)} releases with a difference begin with {asked!r}; there are: {known}")
