"""Commands that run one process of the pipeline: ``collect``, ``judge``, ``correlate``, ``deliver``."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.console import err, log_to_stderr, stop_on_signals
from deploy.cli.options import FormatName
from deploy.kafka import partitions_of
from producers.run import STATS_SECONDS, CollectOptions
from producers.run import collect as run_collector
from schemas.settings import load_settings
from schemas.telemetry import serve
from sinks.run import SINKS
from sinks.run import deliver as run_sink
from streams.correlate.run import run as run_correlate
from streams.correlate.whole import WholeShard
from streams.judge.run import run as run_judge
from streams.rules.tables import Limits

__all__ = ["collect", "correlate", "deliver", "judge"]


def collect(
    format_: FormatName,
    file: Annotated[Path | None, typer.Option(help="File to follow, over rotations.")] = None,
    listen: Annotated[str | None, typer.Option(help="ADDRESS:PORT to take HTTP pushes on.")] = None,
    socket_path: Annotated[
        str | None,
        typer.Option("--socket", help="Unix socket to take records on; for docker the engine's API socket or URL."),
    ] = None,
    stdin: Annotated[bool, typer.Option("--stdin", help="Take records from standard input.")] = False,
    follow: Annotated[bool, typer.Option(help="Wait for more at the end of the file.")] = True,
    live: Annotated[
        bool | None, typer.Option(help="Records are of this host and of now: /proc may be asked about them.")
    ] = None,
    collector_id: Annotated[
        str, typer.Option("--id", help="Name of this collector, for good; by default HOST-FORMAT.")
    ] = "",
    cluster: Annotated[str, typer.Option(help="Name of the cluster or estate the records come from.")] = "",
    host: Annotated[str, typer.Option(help="Name of the host the records come from; by default this one.")] = "",
    record: Annotated[
        Path | None, typer.Option(help="Write the raw records into this file, and nothing to Kafka.")
    ] = None,
    peers: Annotated[
        str | None,
        typer.Option(help="For auditd: engine (socket or URL) that knows the workloads behind addresses."),
    ] = None,
    stats_seconds: Annotated[
        float, typer.Option(min=0, help="For docker: how often to measure what containers use; 0 for never.")
    ] = STATS_SECONDS,
) -> None:
    """Take a sensor's records from one source into Kafka, each once, whatever dies.

    Ends with the source, or on SIGTERM or SIGINT with everything taken committed.
    """
    log_to_stderr()
    host = host or socket.gethostname().lower()
    options = CollectOptions(
        collector_id=collector_id or f"{host}-{format_}",
        format_name=format_,
        file=file,
        listen=listen,
        socket=Path(socket_path) if socket_path and format_ != "docker" else None,
        engine=socket_path if format_ == "docker" else None,
        stdin=stdin,
        follow=follow,
        live=live,
        cluster=cluster,
        host=host,
        record=record,
        peers=peers,
        stats_seconds=stats_seconds,
    )
    collected = run_collector(load_settings(), options)
    err.print(f"collected {collected.events} events of {collected.records} records")


def judge() -> None:
    """Judge events until SIGTERM or SIGINT; several judges of different slots share the work."""
    log_to_stderr()
    settings = load_settings()
    stopping = stop_on_signals()
    with ExitStack() as stack:
        if settings.metrics_port is not None:
            stack.callback(serve(settings.metrics_port))
        run_judge(settings, stopping)


def correlate() -> None:
    """Learn baselines, raise alerts, gather what is known of images, workloads and secrets, and find what correlation rules ask for, until SIGTERM or SIGINT.

    Several workers of different slots share the work.
    """
    log_to_stderr()
    settings = load_settings()
    stopping = stop_on_signals()
    with ExitStack() as stack:
        if settings.metrics_port is not None:
            stack.callback(serve(settings.metrics_port))
        make = partial(
            WholeShard,
            limits=Limits.of(settings.correlate),
            alerts=settings.alerts,
            partitions=partitions_of(settings.kafka, "activities"),
        )
        run_correlate(settings, stopping, make)


def deliver(
    sink: Annotated[str, typer.Argument(metavar="SINK", help=f"One of: {', '.join(SINKS)}.")],
    instance: Annotated[
        str | None, typer.Option(help="Name of this process among several of the same sink; survives its restart.")
    ] = None,
) -> None:
    """Deliver verdicts to a sink until SIGTERM or SIGINT, each once."""
    log_to_stderr()
    totals = run_sink(load_settings(), sink, instance=instance)
    err.print(f"indexed {totals.indexed}, repeats {totals.repeats}, dead letters {totals.deadletters}")
