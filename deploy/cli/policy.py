"""Policies: ``policy check``, ``policy apply``, ``policy diff``."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.console import err, fail, out
from deploy.cli.options import Json
from deploy.differences import diff as diff_policies
from deploy.pipeline import apply_policies, policies_in_force
from deploy.policies import DEFAULT_POLICIES
from deploy.policies import check as check_policies
from schemas.codec import dumps
from schemas.policyset import PolicySet, load_policies, parse_policies
from schemas.settings import load_settings

__all__ = ["app"]

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
    against: Annotated[Path | None, typer.Option(help="Policies to compare with, instead of those in force.")] = None,
    as_json: Json = False,
) -> None:
    """Show what would change if these policies took the place of those in force. Exit code 1: something would."""
    new = load_policies(paths or [DEFAULT_POLICIES], _today())
    differences = diff_policies(_compared(against), new)
    for difference in differences:
        if as_json:
            out.print_json(dumps(difference.as_json()).decode(), indent=None)
        else:
            out.print(str(difference), markup=False, soft_wrap=True)
    if differences:
        raise typer.Exit(1)


def _compared(against: Path | None) -> PolicySet:
    if against is not None:
        return load_policies([against], _today())
    return policies_in_force(load_settings()) or parse_policies([], _today())
