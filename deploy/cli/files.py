"""Commands that need no service: ``normalise`` and ``try``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer

from deploy.cli.console import err, fail
from deploy.cli.options import Cluster, FormatName, Host, format_named
from deploy.cli.table import VerdictTable
from deploy.policies import DEFAULT_POLICIES
from deploy.rules import DEFAULT_RULES, check_rules
from deploy.trial import judge_records, learn_records
from producers.normalise import Normaliser, records_of
from schemas.codec import Event, dumps, encode_event
from schemas.errors import ConfigurationError, Invalid
from schemas.policyset import load_policies
from streams.judge.rules import RulesInForce

__all__ = ["SOME_UNREADABLE", "normalise", "opened", "try_"]

SOME_UNREADABLE: Final = 3
"""Exit code when some lines could not be read; everything else was done."""

_FILE_HELP = "File of raw records, one a line; - is standard input."
File = Annotated[str, typer.Argument(metavar="FILE", help=_FILE_HELP)]


@contextmanager
def opened(file: str) -> Iterator[BinaryIO]:
    """Give the bytes of a file, or of standard input for ``-``; raise ``ConfigurationError`` where it cannot be read."""
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as stream:
            yield stream
    except OSError as error:
        raise ConfigurationError(
            f"{file}: {error.strerror}; name a file that can be read, or - for standard input"
        ) from error


def _print(event: Event) -> None:
    sys.stdout.buffer.write(dumps(event) + b"\n")


def normalise(format_: FormatName, file: File, cluster: Cluster = "", host: Host = "") -> None:
    """Turn a sensor's records into events, one JSON object a line in wire order.

    Exit code 3: some lines could not be read; they appear as {"input.line": N, "error": …}.
    """
    normaliser = Normaliser(format_named(format_, cluster, host))
    with opened(file) as stream:
        for line, result in normaliser.run(records_of(stream, file)):
            if isinstance(result, Invalid):
                _print({"input.line": line, "error": str(result)})
            else:
                sys.stdout.buffer.write(encode_event(result) + b"\n")
    sys.stdout.flush()
    _finish(normaliser)


def try_(
    format_: FormatName,
    file: File,
    policy: Annotated[
        list[Path] | None,
        typer.Option(help="Directory or file of policies instead of the shipped ones; may be repeated."),
    ] = None,
    rules: Annotated[
        list[Path] | None,
        typer.Option(help="Directory or file of Sigma rules instead of the shipped checks; may be repeated."),
    ] = None,
    learn: Annotated[
        list[Path] | None,
        typer.Option(help="File of records to learn baselines from, which are approved as they are; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an event instead of a table.")] = False,
    cluster: Cluster = "",
    host: Host = "",
) -> None:
    """Judge a file of records by policy, by rules and, with --learn, by what was learned from other files: a verdict for every event.

    No service is needed.

    Facts that the file tells of a container hold for it from its first event on. Rules that cannot be used are named on standard
    error and left out. Exit code 3: some lines could not be read.
    """
    policies = load_policies(policy or [DEFAULT_POLICIES], datetime.now(UTC).date())
    checked = check_rules(rules or [DEFAULT_RULES])
    for fault in checked.faults:
        fail(f"left out: {fault}")
    in_force = RulesInForce.compile(checked.rules)
    baselines = learn_records(_records_of_all(learn or [], format_, cluster, host), policies, in_force)
    normaliser = Normaliser(format_named(format_, cluster, host))
    table = None if as_json else VerdictTable()
    with opened(file) as stream:
        for row in judge_records(normaliser.run(records_of(stream, file)), policies, baselines, in_force):
            _print(row) if table is None else table.add(row)
    sys.stdout.flush()
    if table is not None:
        table.summarise()
    _finish(normaliser)


def _records_of_all(files: list[Path], format_: str, cluster: str, host: str) -> Iterator[tuple[int, Event | Invalid]]:
    """Yield what the files tell, one after the other as one log; say how much of each could be read."""
    for file in files:
        normaliser = Normaliser(format_named(format_, cluster, host))
        with opened(str(file)) as stream:
            yield from normaliser.run(records_of(stream, str(file)))
        err.print(f"learned from {file}: {_tally(normaliser)}")


def _tally(normaliser: Normaliser) -> str:
    tally = normaliser.tally
    ignored = ", ".join(f"{number} {reason}" for reason, number in tally.ignored.most_common())
    counted = f"{tally.lines} lines: {tally.lines_in_events} in {tally.events} events, {tally.deadletters} unreadable"
    return counted + (f", ignored: {ignored}" if ignored else "")


def _finish(normaliser: Normaliser) -> None:
    err.print(_tally(normaliser))
    tally = normaliser.tally
    if tally.deadletters or tally.parts_refused:
        raise typer.Exit(SOME_UNREADABLE)
