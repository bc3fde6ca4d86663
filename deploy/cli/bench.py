"""Benchmarks: each figure is one JSON line on standard output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import structlog
import typer

from deploy.bench.baselines import measure_baselines
from deploy.bench.figure import Figure
from deploy.bench.judge import EVENTS, ROUNDS, measure_judge, measure_memory
from deploy.bench.latency import measure_latency
from deploy.bench.notice import measure_notice
from deploy.bench.rules import EVENTS as RULE_EVENTS
from deploy.bench.rules import measure_rules
from deploy.bench.soak import soak as run_soak
from deploy.cli.console import err
from deploy.stack import Stack, StackSettings
from deploy.stack.settings import ALL_SERVICES, Service

__all__ = ["app"]

app = typer.Typer(help="Measure, as ratios to something in the same run.", no_args_is_help=True)

Rounds = Annotated[int, typer.Option(help="How often both take their turn.")]
Events = Annotated[int, typer.Option(help="How many events.")]


@contextmanager
def _stack(*services: Service) -> Iterator[Stack]:
    """Run servers of this benchmark alone, on free ports, with data that is thrown away."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    with TemporaryDirectory(prefix="tidewaiter-bench-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        settings = StackSettings(
            services=services,
            state_directory=Path(directory),
            kafka_port=0,
            kafka_controller_port=0,
            elasticsearch_port=0,
        )
        with Stack(settings, foreground=True, progress=_progress) as stack:
            yield stack


def _progress(line: str) -> None:
    err.print(line, style="dim", markup=False)


def _print(figures: Iterator[Figure]) -> None:
    for figure in figures:
        typer.echo(str(figure))


@app.command()
def judge(events: Annotated[int, typer.Option(help="Events of each turn.")] = EVENTS, rounds: Rounds = ROUNDS) -> None:
    """Measure the judge's speed against the same loop that thinks nothing, with 0, 1 and 10 % of events novel."""
    with _stack("kafka") as stack:
        _print(measure_judge(stack.kafka, events=events, rounds=rounds, progress=_progress))


@app.command()
def memory(events: Events = 10_000_000) -> None:
    """Measure whether the judge's memory grows over many events of the same activities."""
    with _stack("kafka") as stack:
        _print(measure_memory(stack.kafka, events=events, progress=_progress))


@app.command()
def latency(events: Events = 30_000, rate: Annotated[int, typer.Option(help="Events a second.")] = 1_000) -> None:
    """Measure the time from a container's event to its document visible in Elasticsearch."""
    with _stack(*ALL_SERVICES) as stack:
        _print(measure_latency(stack, events=events, events_a_second=rate, progress=_progress))


@app.command()
def alerts(
    count: Annotated[int, typer.Option(help="How many alerts.")] = 200,
    rate: Annotated[float, typer.Option(help="Alerts a second.")] = 2.0,
) -> None:
    """Measure the time from a container's event to its alert, at low load."""
    with _stack(*ALL_SERVICES) as stack:
        _print(measure_notice(stack, alerts=count, alerts_a_second=rate, progress=_progress))


@app.command()
def baselines(
    principals: Annotated[int, typer.Option(help="How many principals have a baseline.")] = 10_000,
    rounds: Rounds = ROUNDS,
) -> None:
    """Measure what many baselines cost: the judge's speed with them, their restore and memory, and learning them."""
    with _stack("kafka") as stack:
        _print(measure_baselines(stack.kafka, principals=principals, rounds=rounds, progress=_progress))


@app.command()
def rules(
    events: Annotated[int, typer.Option(help="Events of each turn.")] = RULE_EVENTS,
    rounds: Annotated[int, typer.Option(help="How often all take their turn.")] = 5,
) -> None:
    """Measure how fast Sigma rules are matched, beside rsigma on the same rules and events. Exit code 1: the matches differ."""
    figures = list(measure_rules(events=events, rounds=rounds, progress=_progress))
    _print(iter(figures))
    if any(figure.value for figure in figures if figure.unit == "matches"):
        raise typer.Exit(1)


@app.command()
def soak(
    events: Events = 200_000, kills: Annotated[int, typer.Option(help="How often a process is killed.")] = 50
) -> None:
    """Kill collector, judges and sink at random moments and compare with an undisturbed run. Exit code 1: something differs."""
    with _stack(*ALL_SERVICES) as stack:
        figures = list(run_soak(stack, events=events, kills=kills, progress=_progress))
    _print(iter(figures))
    if any(figure.value for figure in figures if figure.unit == "faults"):
        raise typer.Exit(1)


@app.command("all")
def all_(
    events: Annotated[int, typer.Option(help="Events of the memory benchmark.")] = 10_000_000,
) -> None:
    """Run every benchmark."""
    benchmarks: tuple[Callable[[], None], ...] = (judge, baselines, latency, alerts, lambda: memory(events), rules)
    for benchmark in benchmarks:
        benchmark()
