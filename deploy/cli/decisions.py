"""What people decide about baselines, signed with their own key: ``approve``, ``reject``, ``forbid``, ``learn``, ``import``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from deploy.baselines import proposals as propose
from deploy.baselines.deciding import WAITING, Outcome, decide
from deploy.baselines.documents import read_documents
from deploy.baselines.operators import enrolled_operator
from deploy.baselines.principals import find_principal
from deploy.baselines.proposals import Author, Nothing, Proposal
from deploy.baselines.standing import Standing
from deploy.baselines.topics import policies, read_profiles, read_standings
from deploy.baselines.tree import words_of
from deploy.cli.console import err, out
from deploy.cli.options import Json
from deploy.cli.sections import print_json
from schemas.baseline import STATES, Element, Profile
from schemas.errors import ConfigurationError
from schemas.event import now
from schemas.policyset import PolicySet
from schemas.settings import Settings, load_settings
from streams.baseline.exports.words import shown
from streams.baseline.rules import LearnRules

__all__ = ["States", "approve", "forbid", "import_", "learn", "reject", "states_named"]

REFUSED: Final = 1
"""Exit code when a decision was refused; the others were carried out, or wait."""

NOT_YET: Final = 3
"""Exit code when nobody has answered a decision in time; it stands, and may be carried out later."""

_SHOWN: Final = 20

Principals = Annotated[
    list[str] | None,
    typer.Argument(metavar="PRINCIPAL", help="Principals, or parts of their names that no others have."),
]
States = Annotated[
    list[str] | None, typer.Option("--state", metavar="STATE", help=f"One of {', '.join(STATES)}; may be repeated.")
]
One = Annotated[
    str, typer.Argument(metavar="PRINCIPAL", help="A principal, or any part of its name that no other has.")
]
All = Annotated[bool, typer.Option("--all", help="All principals in review or changed, or in the states of --state.")]
Release = Annotated[
    str | None,
    typer.Option(help="Only what this release does beyond the version in force: the beginning of its image id."),
]
Reason = Annotated[str, typer.Option(help="Why; it stands in the history of the baseline.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Show what would be decided, and decide nothing.")]
Wait = Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long to wait until it is carried out.")]

_WAIT_SECONDS: Final = 20.0

Propose = Callable[[Standing, Author], Proposal | Nothing]


def approve(
    reason: Reason,
    principals: Principals = None,
    all_: All = False,
    state: States = None,
    release: Release = None,
    dry_run: Dry = False,
    wait: Wait = _WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Put what is seen now in force: what was learned, or the version in force with all that is beyond it.

    Exit code 1: a decision was refused. Exit code 3: nobody has carried one out in time.
    """
    desk = _Desk.opened(reason, dry_run=dry_run, as_json=as_json)
    chosen = desk.chosen(principals, everybody=all_, states=state)
    desk.decide_about(
        chosen, lambda standing, author: propose.approve(standing, author, _named(standing, release)), wait
    )


def reject(
    reason: Reason,
    principals: Principals = None,
    all_: All = False,
    state: States = None,
    release: Release = None,
    dry_run: Dry = False,
    wait: Wait = _WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Refuse for good what is beyond the version in force; send what is in review back to learning.

    Exit code 1: a decision was refused. Exit code 3: nobody has carried one out in time.
    """
    desk = _Desk.opened(reason, dry_run=dry_run, as_json=as_json)
    chosen = desk.chosen(principals, everybody=all_, states=state)
    desk.decide_about(
        chosen, lambda standing, author: propose.reject(standing, author, _named(standing, release)), wait
    )


def forbid(
    principal: One,
    dimension: Annotated[str, typer.Argument(metavar="DIMENSION", help="Such as exec or egress.")],
    words: Annotated[
        list[str], typer.Argument(metavar="WORD", help="The words of the element, as `show` writes them.")
    ],
    reason: Reason,
    dry_run: Dry = False,
    wait: Wait = _WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Take one element out for good: it is unauthorized from now on and never learned. Words that begin with - stand behind --.

    Exit code 1: the decision was refused. Exit code 3: nobody has carried it out in time.
    """
    desk = _Desk.opened(reason, dry_run=dry_run, as_json=as_json)
    element: Element = tuple(words)
    chosen = desk.chosen([principal])
    desk.decide_about(chosen, lambda standing, author: propose.forbid(standing, author, dimension, element), wait)


def learn(
    reason: Reason,
    principals: Principals = None,
    dry_run: Dry = False,
    wait: Wait = _WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Learn anew: until what was seen is approved again, nothing is in force.

    Exit code 1: a decision was refused. Exit code 3: nobody has carried one out in time.
    """
    desk = _Desk.opened(reason, dry_run=dry_run, as_json=as_json)
    desk.decide_about(desk.chosen(principals), propose.learn, wait)


def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Documents of `tidewaiter baseline export`, edited or not.")
    ],
    reason: Reason,
    dry_run: Dry = False,
    wait: Wait = _WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Put documents in force, edited or not: each becomes the next version of its principal.

    Exit code 1: a decision was refused. Exit code 3: nobody has carried one out in time.
    """
    documents = {document.baseline.principal: document for document in read_documents(files)}
    desk = _Desk.opened(reason, dry_run=dry_run, as_json=as_json)
    for document in documents.values():
        if document.edited:
            err.print(
                f"{document.path} was edited: its hash is not that of its content",
                style="yellow",
                markup=False,
                soft_wrap=True,
            )
    chosen = [desk.profiles.get(principal, Profile(principal)) for principal in documents]
    found: list[Proposal | Nothing] = []
    for standing in desk.standings(chosen):
        proposed = propose.put_in_force(standing, desk.author, documents[standing.principal].baseline)
        found += [proposed] if isinstance(proposed, Nothing) else proposed
    desk.decide(found, wait)


def states_named(states: Iterable[str] | None) -> set[str]:
    """Return the states that are asked for; raise ``ConfigurationError`` for what is none."""
    asked = set(states or ())
    if unknown := sorted(asked - set(STATES)):
        raise ConfigurationError(f"there is no state {unknown[0]!r}; choose one of {', '.join(STATES)}")
    return asked


def _named(standing: Standing, release: str | None) -> str | None:
    return None if release is None else propose.release_named(standing.difference, release)


@dataclass(frozen=True, slots=True)
class _Desk:
    """Everything that a decision is made with; ``dry_run`` needs no key."""

    settings: Settings
    policies: PolicySet
    profiles: dict[str, Profile]
    author: Author
    dry_run: bool
    as_json: bool

    @classmethod
    def opened(cls, reason: str, *, dry_run: bool, as_json: bool) -> _Desk:
        if not reason.strip():
            raise ConfigurationError("a decision needs a reason: --reason 'what has changed, and who has looked at it'")
        settings = load_settings()
        found = policies(settings)
        name = "nobody" if dry_run else enrolled_operator(settings.operator, found).name
        return cls(settings, found, read_profiles(settings), Author(name, reason, now()), dry_run, as_json)

    def chosen(
        self, principals: Sequence[str] | None, *, everybody: bool = False, states: Iterable[str] | None = None
    ) -> list[Profile]:
        """Return whom a decision is about, each once."""
        if everybody == bool(principals) or (states and not everybody):
            raise ConfigurationError("say whom it is about: name principals, or --all, with or without --state")
        if everybody:
            wanted = states_named(states) or {"review", "changed"}
            return [profile for profile in self.profiles.values() if profile.state in wanted]
        names = dict.fromkeys(find_principal(self.profiles, name) for name in principals or ())
        return [self.profiles[name] for name in names]

    def standings(self, profiles: Iterable[Profile]) -> Iterator[Standing]:
        with err.status("reading what was seen …"):
            yield from read_standings(self.settings, LearnRules.of(self.policies), profiles)

    def decide_about(self, profiles: Iterable[Profile], proposed: Propose, wait_seconds: float) -> None:
        self.decide([proposed(standing, self.author) for standing in self.standings(profiles)], wait_seconds)

    def decide(self, found: Iterable[Proposal | Nothing], wait_seconds: float) -> None:
        """Show what is proposed, publish it, and say what became of it."""
        proposals: list[Proposal] = []
        for one in found:
            if isinstance(one, Nothing):
                err.print(
                    f"{shown(one.principal)}: {one.why}; nothing to decide", style="dim", markup=False, soft_wrap=True
                )
            else:
                proposals.append(one)
        proposals.sort(key=lambda one: one.principal)
        for proposal in proposals:
            self._show(proposal)
        if self.dry_run:
            err.print("a dry run: nothing was decided", style="dim")
        elif proposals:
            self._publish(proposals, wait_seconds)

    def _publish(self, proposals: Sequence[Proposal], wait_seconds: float) -> None:
        operator = enrolled_operator(self.settings.operator, self.policies)
        with err.status("waiting until it is carried out …"):
            outcomes = decide(self.settings.kafka, operator, proposals, wait_seconds)
        self._tell(outcomes)

    def _show(self, proposal: Proposal) -> None:
        if not self.as_json:
            show_proposal(proposal)
        elif self.dry_run:
            print_json(proposal_json(proposal))

    def _tell(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if self.as_json:
                print_json(outcome.as_json())
            else:
                show_outcome(outcome)
        states = {outcome.state for outcome in outcomes}
        if "refused" in states:
            raise typer.Exit(REFUSED)
        if "waiting" in states:
            raise typer.Exit(NOT_YET)


def proposal_json(proposal: Proposal) -> dict[str, Any]:
    """Return what would be decided; version and hash are those that would be in force."""
    baseline = proposal.after.baseline
    return {
        "principal": proposal.principal,
        "action": proposal.decision.action,
        "outcome": "dry run",
        "state": proposal.after.state,
        "version": baseline.version if baseline else None,
        "hash": baseline.hash if baseline else None,
        "added": proposal.added,
        "removed": proposal.removed,
        "never": proposal.refused,
        "notes": proposal.notes,
    }


def show_proposal(proposal: Proposal) -> None:
    """Print what is decided about a principal: every element that changes, or of a first version how many there are."""
    baseline = proposal.after.baseline
    title = Text(shown(proposal.principal), style="bold").append(f"  {proposal.decision.action}: ", style="not bold")
    title.append(f"{_standing_of(proposal.before)} → {_standing_of(proposal.after)}", style="not bold")
    out.print(title, soft_wrap=True)
    if proposal.before.baseline is None and baseline is not None:
        counted = ", ".join(f"{len(found)} {name}" for name, found in baseline.elements.items())
        out.print(f"  {baseline.size} elements: {counted}", markup=False, soft_wrap=True)
    else:
        _show_changes("+", "green", proposal.added)
        _show_changes("-", "red", proposal.removed)
    _show_changes("never", "red", proposal.refused)
    for note in proposal.notes:
        out.print(Text(f"  {shown(note)}", style="yellow"), soft_wrap=True)


def _standing_of(profile: Profile) -> str:
    return f"{profile.state} v{profile.baseline.version}" if profile.baseline else profile.state


def _show_changes(sign: str, style: str, elements: Sequence[tuple[str, Element]]) -> None:
    for name, element in elements[:_SHOWN]:
        out.print(Text(f"  {sign} {name} {words_of(element)}", style=style), soft_wrap=True)
    if len(elements) > _SHOWN:
        out.print(f"  {sign} … and {len(elements) - _SHOWN} more", style=style)


def show_outcome(outcome: Outcome) -> None:
    """Print what became of a decision."""
    line = Text(shown(outcome.proposal.principal), style="bold")
    if outcome.refusal:
        line.append(f"  refused: {shown(outcome.refusal)}", style="bold red")
    elif outcome.step is None:
        line.append(f"  {WAITING} ({outcome.place})", style="yellow")
    else:
        step = outcome.step
        version = f", v{step.version}, hash {step.hash}" if step.version else ", no version in force"
        line.append(f"  {step.state}{version}", style="green")
    out.print(line, soft_wrap=True)
