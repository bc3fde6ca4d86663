"""Policies: ``policy check``, ``policy apply``, ``policy diff``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.cli.console import err, fail, out
from deploy.cli.options import Json
from deploy.differences import Difference, concerned
from deploy.differences import diff as diff_policies
from deploy.known import Principals, principals_of_file, principals_of_topic
from deploy.pipeline import apply_policies, policies_in_force
from deploy.policies import DEFAULT_POLICIES
from deploy.policies import check as check_policies
from deploy.recorded import records_of_file, records_of_period
from deploy.rejudge import ChangedVerdict, Records, Rejudged, rejudge
from schemas.codec import dumps
from schemas.errors import ConfigurationError
from schemas.policyset import PolicySet, load_policies, parse_policies
from schemas.settings import load_settings

__all__ = ["app"]

SOME_UNREADABLE: Final = 3
"""Exit code when some records could not be read; everything else was done."""

_MAX_SHOWN: Final = 20

app = typer.Typer(help="What is allowed and what is not: check, compare and put in force.", no_args_is_help=True)

Paths = Annotated[
    list[Path] | None, typer.Argument(metavar="[PATH]…", help="Files or directories; the shipped policies by default.")
]


def _today() -> date:
    return datetime.now(UTC).date()


@app.command()
def check(paths: Paths = None) -> None:
    """Say whether policies hold together and pass the cases beside them; all errors at once, with file, line and path.

    Exit code 1: a case fails. Exit code 2: there are errors.
    """
    checked = check_policies(paths or [DEFAULT_POLICIES], _today())
    for note in (*checked.expired, *checked.expiring):
        err.print(note, style="yellow", markup=False)
    for failure in checked.failures:
        fail(str(failure))
    out.print(f"{len(checked.policies.policies)} policies hold together, hash {checked.policies.hash}")
    if checked.failures:
        raise typer.Exit(1)


@app.command()
def apply(paths: Paths = None) -> None:
    """Put policies in force on all judges; each adopts them between two events and writes down from which event on."""
    checked = check_policies(paths or [DEFAULT_POLICIES], _today())
    if checked.failures:
        for failure in checked.failures:
            fail(str(failure))
        raise typer.Exit(1)
    out.print(
        f"in force: {len(checked.policies.policies)} policies, hash {apply_policies(load_settings(), checked.policies)}"
    )


@app.command()
def diff(
    paths: Paths = None,
    base: Annotated[Path | None, typer.Option(help="Policies to compare with, instead of those in force.")] = None,
    principals: Annotated[
        str,
        typer.Option(
            metavar="FILE|topic",
            help="Name the principals that each change speaks of, of those in a file or, with `topic`, that judges have met.",
        ),
    ] = "",
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Judge these recorded events or verdicts (JSON lines, .gz, .zst) under both sets."
        ),
    ] = None,
    first: Annotated[
        str, typer.Option("--from", help="Judge under both sets what `verdicts` holds from this time on.")
    ] = "",
    last: Annotated[str, typer.Option("--to", help="Judge what happened before this time.")] = "",
    as_json: Json = False,
) -> None:
    """Show what would change if these policies took the place of those in force, for whom, and which verdicts would.

    Exit code 1: something would change. Exit code 3: some records could not be read.
    """
    old, new = _compared(base), load_policies(paths or [DEFAULT_POLICIES], _today())
    differences: Iterable[Difference] = diff_policies(old, new)
    if principals:
        differences = concerned(tuple(differences), old, new, _known(principals))
    told = [_tell(difference, as_json=as_json) for difference in differences]
    if against is not None or first or last:
        _tell_verdicts(rejudge(_records(against, first, last), old, new), as_json=as_json)
    if told:
        raise typer.Exit(1)


def _compared(base: Path | None) -> PolicySet:
    if base is not None:
        return load_policies([base], _today())
    return policies_in_force(load_settings()) or parse_policies([], _today())


def _known(source: str) -> Principals:
    return principals_of_topic(load_settings().kafka) if source == "topic" else principals_of_file(Path(source))


def _records(against: Path | None, first: str, last: str) -> Records:
    if against is None:
        return records_of_period(load_settings().kafka, first, last)
    if first or last:
        raise ConfigurationError("--from and --to are for what the topic `verdicts` holds; leave them or --against out")
    return records_of_file(against)


def _tell(told: Difference | ChangedVerdict, *, as_json: bool) -> Difference | ChangedVerdict:
    if as_json:
        out.print_json(dumps(told.as_json()).decode(), indent=None)
    else:
        out.print(str(told), markup=False, soft_wrap=True)
    return told


def _tell_verdicts(found: Rejudged, *, as_json: bool) -> None:
    for change in found.changes:
        _tell(change, as_json=as_json)
    for place in found.unreadable[:_MAX_SHOWN]:
        fail(place)
    changed = sum(change.count for change in found.changes)
    err.print(
        f"{found.judged} events judged under both sets: {changed} verdicts would be others, "
        f"{found.by_another_clause} would stay for another reason, {len(found.unreadable)} records could not be read"
    )
    if found.unreadable:
        raise typer.Exit(SOME_UNREADABLE)
