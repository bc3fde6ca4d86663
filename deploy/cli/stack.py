"""The local stack and every process above it: ``up``, ``down``, ``status``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from deploy.cli.console import err, log_to_stderr, out, stop_on_signals
from deploy.cli.options import Json
from deploy.cli.table import OUTCOME_STYLES
from deploy.counts import Counts, read_counts
from deploy.pipeline import children, prepare_topics, stack_settings
from deploy.stack import Child, ChildStatus, Stack, Supervisor
from schemas.codec import dumps
from schemas.settings import Settings, load_settings
from sinks.elasticsearch.config import connect

__all__ = ["down", "status", "supervise", "up"]

_SUPERVISOR: Final = "supervisor"
_CHECK_SECONDS: Final = 0.5


def up(
    policy: Annotated[
        list[Path] | None,
        typer.Option(help="Policies to begin with instead of the shipped ones; later `policy apply`."),
    ] = None,
    rules: Annotated[
        list[Path] | None,
        typer.Option(help="Sigma rules to begin with instead of the shipped checks; later `rules apply`."),
    ] = None,
) -> None:
    """Start Kafka and Elasticsearch where they are local, the topics, and every process, supervised in the background."""
    settings = load_settings()
    stack = Stack(stack_settings(settings), progress=err.print)
    stack.up()
    for line in prepare_topics(settings, policy or [], rules or []):
        err.print(line)
    stack.supervisor.start(Child(name=_SUPERVISOR, command=(sys.executable, "-m", "deploy.cli", "supervise")))
    err.print("everything is started; `tidewaiter status` shows it, `tidewaiter down` ends it")


def supervise() -> None:
    """Run the processes of the settings in the foreground and start again what ends by itself."""
    log_to_stderr()
    settings = load_settings()
    stopping = stop_on_signals()
    with Supervisor(settings.state_directory / "processes", foreground=True, progress=err.print) as supervisor:
        for child in children(settings):
            supervisor.start(child)
        while not stopping():
            supervisor.check()
            time.sleep(_CHECK_SECONDS)


def down() -> None:
    """Stop every process that `tidewaiter up` has started; data stays."""
    Stack(stack_settings(load_settings()), progress=err.print).down()


def status(as_json: Json = False) -> None:
    """Show which processes run, and how many events are at which stage.

    Exit code 1: something is not running.
    """
    settings = load_settings()
    processes = _processes(settings)
    running = {process.name for process in processes if process.running}
    counts = read_counts(settings, connect(settings.elasticsearch)) if "kafka" in running else None
    if as_json:
        rows = [{"name": each.name, "running": each.running, "pid": each.process_id} for each in processes]
        out.print_json(dumps({"processes": rows, "counts": counts.as_json() if counts else None}).decode())
    else:
        _show(processes, counts)
    if not processes or any(not process.running for process in processes):
        raise typer.Exit(1)


def _processes(settings: Settings) -> tuple[ChildStatus, ...]:
    servers = Stack(stack_settings(settings)).status()
    return (*servers, *Supervisor(settings.state_directory / "processes").statuses())


def _show(processes: tuple[ChildStatus, ...], counts: Counts | None) -> None:
    if not processes:
        err.print("nothing is running; `tidewaiter up` starts it")
        return
    table = Table("process", "", "pid", "address", "log", box=None)
    for process in processes:
        state = "[green]running[/]" if process.running else "[bold red]ended[/]"
        table.add_row(process.name, state, str(process.process_id), process.address, str(process.log))
    out.print(table)
    if counts is not None:
        show_counts(counts)


def show_counts(counts: Counts) -> None:
    """Print how many events are at which stage."""
    table = Table("stage", "events", box=None)
    for collector, number in counts.collected.items():
        table.add_row(f"collected by {collector}", str(number))
    table.add_row("judged", str(counts.judged))
    for outcome, number in sorted(counts.outcomes.items()):
        table.add_row(f"  {outcome}", str(number), style=OUTCOME_STYLES.get(outcome))
    table.add_row("  heartbeats, without a verdict", str(counts.heartbeats))
    table.add_row("indexed in Elasticsearch", "?" if counts.indexed is None else str(counts.indexed))
    for stage, number in sorted(counts.deadletters.items()):
        table.add_row(f"dead letters of stage {stage}", str(number))
    out.print(table)
