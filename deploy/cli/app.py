"""The commands in the order that help shows them."""

from __future__ import annotations

import typer

from deploy.cli import (
    alerts,
    baseline,
    bench,
    connections,
    demo,
    files,
    inventory,
    keys,
    kpi,
    policy,
    processes,
    rules,
    stack,
)

__all__ = ["app"]

app = typer.Typer(
    name="tidewaiter",
    help="Gives every container event a verdict, authorized or unauthorized, and keeps the proof.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("up")(stack.up)
app.command("down")(stack.down)
app.command("status")(stack.status)
app.command("supervise", hidden=True)(stack.supervise)
app.command("normalise")(files.normalise)
app.command("try")(files.try_)
app.command("collect")(processes.collect)
app.command("judge")(processes.judge)
app.command("correlate")(processes.correlate)
app.command("deliver")(processes.deliver)
app.add_typer(policy.app, name="policy")
app.add_typer(rules.app, name="rules")
app.add_typer(baseline.app, name="baseline")
app.add_typer(alerts.app, name="alerts")
app.add_typer(inventory.app, name="inventory")
app.command("map")(connections.map_)
app.command("kpi")(kpi.kpi)
app.add_typer(keys.app, name="keys")
app.add_typer(bench.app, name="bench")
