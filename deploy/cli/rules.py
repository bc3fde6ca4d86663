"""Rules: ``rules check``, ``rules match``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.console import err, fail, out
from deploy.cli.files import SOME_UNREADABLE, opened
from deploy.cli.options import Json
from deploy.rule_matches import Unreadable, faults_of, match_lines
from schemas.codec import dumps
from streams.rules.matcher import CompiledRules
from streams.rules.ruleset import load_rules

__all__ = ["app"]

app = typer.Typer(help="Detections in Sigma's format: check them and try them.", no_args_is_help=True)

Paths = Annotated[list[Path], typer.Argument(metavar="PATH…", help="Files or directories of Sigma rules.")]


@app.command()
def check(paths: Paths, as_json: Json = False) -> None:
    """Say which rules cannot be used and why; all errors at once, with file and line. The others load.

    Exit code 1: there are such rules.
    """
    rules = load_rules(paths)
    compiled = CompiledRules.compile(rules)
    faults = faults_of(rules, compiled, paths)
    for fault in faults:
        if as_json:
            typer.echo(
                dumps({"file": fault.file, "line": fault.line, "rule": fault.rule, "message": fault.message}).decode()
            )
        else:
            fail(str(fault))
    (err if as_json else out).print(
        f"{len(compiled.rules)} rules and {len(rules.correlations)} correlations load, {len(faults)} errors, hash {rules.hash}"
    )
    if faults:
        raise typer.Exit(1)


@app.command()
def match(
    rules: Annotated[list[Path], typer.Option(help="File or directory of Sigma rules; may be repeated.")],
    events: Annotated[str, typer.Option(help="File of JSON objects, one a line; - is standard input.")],
    _: Annotated[bool, typer.Option("--json", help="Accepted as everywhere; the output is JSON in any case.")] = False,
) -> None:
    """Match plain JSON events by the rules' own field names, whatever their logsource: {"event": LINE, "rule": ID} a match.

    Lines are counted from 0. Rules that cannot be used are named on standard error; correlation rules are not evaluated.
    Exit code 3: some lines are no JSON objects.
    """
    loaded = load_rules(rules)
    for fault in loaded.refused:
        fail(str(fault))
    if loaded.correlations:
        err.print(f"{len(loaded.correlations)} correlation rules are not evaluated here", style="yellow")
    compiled = CompiledRules.compile(loaded, mapped=False)
    unreadable = 0
    with opened(events) as stream:
        for found in match_lines(stream, compiled):
            if isinstance(found, Unreadable):
                unreadable += 1
                fail(f"{events}:{found.line}: {found.message}")
            else:
                number, rule = found
                sys.stdout.buffer.write(dumps({"event": number, "rule": rule}) + b"\n")
    sys.stdout.flush()
    if unreadable:
        raise typer.Exit(SOME_UNREADABLE)
