"""Baselines: ``baseline list``, ``show``, ``diff``, ``export``, and the decisions of ``deploy.cli.decisions``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from deploy.baselines.principals import find_principal
from deploy.baselines.proposals import Author, Nothing, approve, release_named
from deploy.baselines.standing import Standing
from deploy.baselines.topics import policies, read_profiles, read_standings
from deploy.baselines.view import beyond_of, view_of
from deploy.cli import decisions
from deploy.cli.console import err, out, write_file
from deploy.cli.decisions import States, states_named
from deploy.cli.options import Json
from deploy.cli.sections import STATE_STYLES, columns, minute, print_json, show_beyond, show_view
from schemas.baseline import Baseline, Profile
from schemas.errors import ConfigurationError
from schemas.event import now
from schemas.settings import load_settings
from streams.baseline.document import write_baseline
from streams.baseline.exports import EXPORTS, Options
from streams.baseline.exports.words import shown
from streams.baseline.rules import LearnRules

__all__ = ["app"]

app = typer.Typer(
    help="What each workload, host and account does: look at what was learned, and decide about it.",
    no_args_is_help=True,
)

Principal = Annotated[
    str, typer.Argument(metavar="PRINCIPAL", help="A principal, or any part of its name that no other has: shop/app.")
]
_YAML: Final = "yaml"


@app.command("list")
def list_(state: States = None, as_json: Json = False) -> None:
    """Show every principal that was met, and where its baseline stands."""
    wanted = states_named(state)
    profiles = [one for one in read_profiles(load_settings()).values() if not wanted or one.state in wanted]
    if as_json:
        print_json([row_of(profile) for profile in profiles])
    elif profiles:
        columns([[Text(name, style="bold") for name in _COLUMNS], *map(_cells, profiles)])
    err.print(_summary(profiles), style="dim")


_SHORT: Final = 32
_COLUMNS: Final = ("principal", "state", "version", "elements", "difference", "since", "last change", "reason")


def row_of(profile: Profile) -> dict[str, Any]:
    """Return one principal of the list."""
    baseline, last = profile.baseline, profile.changes[-1] if profile.changes else None
    return {
        "principal": profile.principal,
        "state": profile.state,
        "version": baseline.version if baseline else None,
        "hash": baseline.hash if baseline else None,
        "elements": baseline.size if baseline else None,
        "difference": sum(len(found) for elements in profile.difference.values() for found in elements.values()),
        "since": profile.since,
        "changed": last.time if last else None,
        "changed_by": last.author if last else None,
        "reason": profile.reason,
    }


def _cells(profile: Profile) -> list[Text | str]:
    row = row_of(profile)
    last = f"{minute(row['changed'])} {shown(row['changed_by'])[:_SHORT]}" if row["changed"] else "-"
    return [
        shown(profile.principal),
        Text(profile.state, style=STATE_STYLES[profile.state]),
        f"v{row['version']}" if row["version"] else "-",
        "-" if row["elements"] is None else str(row["elements"]),
        str(row["difference"] or "-"),
        minute(profile.since),
        last,
        shown(profile.reason),
    ]


def _summary(profiles: Iterable[Profile]) -> str:
    states = [profile.state for profile in profiles]
    counted = ", ".join(f"{states.count(state)} {state}" for state in STATE_STYLES if state in states)
    return (
        counted
        or "no principal; baselines are learned by `tidewaiter correlate`, from what `tidewaiter judge` has judged"
    )


def _standing(principal: str) -> Standing:
    settings = load_settings()
    profiles = read_profiles(settings)
    profile = profiles[find_principal(profiles, principal)]
    (standing,) = read_standings(settings, LearnRules.of(policies(settings)), [profile])
    return standing


@app.command()
def show(
    principal: Principal,
    candidate: Annotated[
        bool, typer.Option("--candidate", help="What was seen until now, also where a version is in force.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what a principal does: every dimension with counts, times and evidence; what it learns, while it learns."""
    view = view_of(_standing(principal), now(), candidate=candidate)
    if as_json:
        print_json(view.as_json())
    else:
        show_view(view)


@app.command()
def diff(
    principal: Principal,
    release: Annotated[
        str | None, typer.Option(help="Only what this release does: the beginning of its image id.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a principal did beyond its version in force, by release. Exit code 1: something."""
    standing = _standing(principal)
    if standing.baseline is None:
        raise ConfigurationError(
            f"{standing.principal} has no version in force yet: `tidewaiter baseline show {principal}` shows what it learns"
        )
    chosen = None if release is None else release_named(standing.difference, release)
    found = [one for one in beyond_of(standing) if chosen in (None, one.release)]
    if as_json:
        told = {"principal": standing.principal, "version": standing.baseline.version, "hash": standing.baseline.hash}
        print_json({**told, "difference": [one.as_json() for one in found]})
    elif found:
        show_beyond(standing.baseline, found)
    else:
        out.print(
            f"{shown(standing.principal)}: nothing beyond v{standing.baseline.version}", markup=False, soft_wrap=True
        )
    if found:
        raise typer.Exit(1)


@app.command()
def export(
    principal: Principal,
    format_: Annotated[
        str, typer.Option("--as", metavar="FORMAT", help=f"One of: {', '.join((_YAML, *EXPORTS))}.")
    ] = _YAML,
    file: Annotated[Path | None, typer.Option("--out", help="File to write instead of standard output.")] = None,
    candidate: Annotated[
        bool, typer.Option("--candidate", help="What would be in force if all that was seen were approved now.")
    ] = False,
    label: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Label that selects the pods; may be repeated.")
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMESPACE/NAME:KEY=VALUE", help="Label that selects the pods of a peer; may be repeated."
        ),
    ] = None,
    image: Annotated[str, typer.Option(help="For docker: the image to run.")] = "",
) -> None:
    """Write a baseline as YAML for git, or as a policy that something else enforces."""
    if format_ not in (_YAML, *EXPORTS):
        raise ConfigurationError(f"there is no export {format_!r}; choose one of {', '.join((_YAML, *EXPORTS))}")
    options = Options(_labels(label or []), _peers(peer or []), image)
    baseline = _exported(_standing(principal), candidate=candidate)
    text = write_baseline(baseline) if format_ == _YAML else EXPORTS[format_](baseline, options)
    if file is None:
        typer.echo(text, nl=False)
    else:
        write_file(file, text)


def _exported(standing: Standing, *, candidate: bool) -> Baseline:
    if not candidate:
        if standing.baseline is None:
            raise ConfigurationError(
                f"{standing.principal} has no version in force yet: approve it with `tidewaiter baseline approve`, or take what it "
                "learns with --candidate"
            )
        return standing.baseline
    proposal = approve(standing, Author("", "a candidate: nobody has approved it", now()))
    found = standing.baseline if isinstance(proposal, Nothing) else proposal.after.baseline
    if found is None:
        raise ConfigurationError(f"{standing.principal}: nothing was seen of it that may be learned")
    return found if found is standing.baseline else replace(found, approved="")


def _labels(labels: Iterable[str]) -> dict[str, str]:
    found = {}
    for label in labels:
        key, separator, value = label.partition("=")
        if not separator:
            raise ConfigurationError(f"{label!r} is no label; write KEY=VALUE")
        found[key] = value
    return found


def _peers(peers: Iterable[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for peer in peers:
        name, separator, label = peer.partition(":")
        if not separator or "/" not in name:
            raise ConfigurationError(f"{peer!r} is no label of a peer; write NAMESPACE/NAME:KEY=VALUE")
        found.setdefault(name, {}).update(_labels([label]))
    return found


app.command("approve")(decisions.approve)
app.command("reject")(decisions.reject)
app.command("forbid")(decisions.forbid)
app.command("learn")(decisions.learn)
app.command("import")(decisions.import_)
