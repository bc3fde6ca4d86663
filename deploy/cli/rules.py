"""Rules: ``rules check``, ``rules match``, ``rules apply``, ``rules test``, ``rules coverage``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from deploy.cli.console import err, fail, out
from deploy.cli.files import SOME_UNREADABLE, opened
from deploy.cli.options import Json
from deploy.pipeline import apply_rules
from deploy.rule_cases import ENOUGH, check_cases
from deploy.rule_coverage import Coverage, coverage_of
from deploy.rule_matches import Unreadable, faults_of, match_lines
from deploy.rules import DEFAULT_RULES, check_rules
from producers.formats import FORMATS
from schemas.codec import dumps
from schemas.errors import ConfigurationError
from schemas.settings import load_settings
from streams.rules.matcher import CompiledRules
from streams.rules.ruleset import load_rules

__all__ = ["app"]

app = typer.Typer(help="Detections in Sigma's format: check them and try them.", no_args_is_help=True)

Paths = Annotated[list[Path], typer.Argument(metavar="PATH…", help="Files or directories of Sigma rules.")]
Directories = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[DIR]…", help="Directories of Sigma rules; the shipped checks by default."),
]


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


@app.command()
def apply(
    directories: Directories = None,
    skip_refused: Annotated[
        bool, typer.Option("--skip-refused", help="Put the others in force where some cannot be used.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put rules in force on all judges; each adopts them between two events and writes down from which event on.

    Exit code 1: some rules cannot be used (they are named with file and line), and nothing has changed.
    """
    checked = check_rules(directories or [DEFAULT_RULES])
    for fault in checked.faults:
        fail(str(fault))
    if checked.faults and not skip_refused:
        raise typer.Exit(1)
    applied = {
        "hash": apply_rules(load_settings(), checked.rules),
        "rules": len(checked.rules.rules),
        "correlations": len(checked.rules.correlations),
        "left_out": len(checked.faults),
    }
    if as_json:
        typer.echo(dumps(applied).decode())
    else:
        out.print("in force: {rules} rules, {correlations} correlations, hash {hash}".format(**applied), soft_wrap=True)


@app.command("test")
def run_cases(
    directories: Directories = None,
    strict: Annotated[
        bool, typer.Option("--strict", help=f"Fail, too, for rules with fewer than {ENOUGH} hits or {ENOUGH} misses.")
    ] = False,
) -> None:
    """Run the cases beside rules (NAME.cases.yaml): what each must match, and look-alikes that it must not.

    Exit code 1: a case fails, with its file and line. Exit code 2: a file of cases cannot be read.
    """
    paths = directories or [DEFAULT_RULES]
    rules = load_rules(paths)
    for fault in faults_of(rules, CompiledRules.compile(rules), paths):
        fail(str(fault))
    checked = check_cases(paths, rules)
    for failure in checked.failures:
        fail(str(failure))
    for rule in checked.without:
        err.print(
            f"{rule.file}:{rule.line}: {rule.title}: has fewer than {ENOUGH} hits or {ENOUGH} misses",
            style="red" if strict else "yellow",
            markup=False,
            soft_wrap=True,
        )
    out.print(
        f"{checked.cases} cases, {len(checked.failures)} failures, {len(checked.without)} rules with too few cases"
    )
    if checked.failures or (strict and checked.without):
        raise typer.Exit(1)


@app.command()
def coverage(
    directories: Directories = None,
    data: Annotated[
        list[str] | None, typer.Option(help="Format that is collected; may be repeated; all by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say which ATT&CK techniques rules cover, where their data comes from, and which can never fire for lack of it."""
    unknown = sorted(set(data or ()) - set(FORMATS))
    if unknown:
        raise ConfigurationError(f"no format is named {', '.join(unknown)}; choose of {', '.join(FORMATS)}")
    found = coverage_of(load_rules(directories or [DEFAULT_RULES]), frozenset(data or FORMATS))
    if as_json:
        typer.echo(dumps(asdict(found)).decode())
    else:
        _print_coverage(found)


def _print_coverage(found: Coverage) -> None:
    techniques = Table("technique", "level", "rules", title="Techniques covered")
    for technique in found.techniques:
        techniques.add_row(technique.technique, technique.level, ", ".join(technique.rules))
    sources = Table("logsource", "rules", "present", "absent", title="Data")
    for source in found.sources:
        sources.add_row(source.logsource, str(source.rules), ", ".join(source.present), ", ".join(source.absent) or "-")
    out.print(techniques, sources)
    for rule in found.never:
        out.print(f"never: {rule.file}:{rule.line}: {rule.rule}: {rule.reason}", markup=False, soft_wrap=True)
    out.print(f"{len(found.techniques)} techniques; {len(found.never)} rules can never fire for lack of data")
