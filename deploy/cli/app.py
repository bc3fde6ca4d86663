"""The commands in the order that help shows them; the module of one is imported when it is asked for, since some take a second to load."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

__all__ = ["app"]

_COMMANDS: Final = {
    "demo": "demo.demo",
    "up": "stack.up",
    "down": "stack.down",
    "status": "stack.status",
    "supervise": "stack.supervise",
    "normalise": "files.normalise",
    "try": "files.try_",
    "collect": "processes.collect",
    "judge": "processes.judge",
    "correlate": "processes.correlate",
    "deliver": "processes.deliver",
    "policy": "policy.app",
    "rules": "rules.app",
    "baseline": "baseline.app",
    "alerts": "alerts.app",
    "inventory": "inventory.app",
    "map": "map.map_",
    "kpi": "kpi.kpi",
    "keys": "keys.app",
    "bench": "bench.app",
}
"""Where each is, below ``deploy.cli``: a function, or an application with commands of its own."""

_HIDDEN: Final = frozenset({"supervise"})


class _Commands(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].partition(".")
        command = _command(cmd_name, getattr(import_module(f"deploy.cli.{module}"), attribute))
        command.name = cmd_name
        return command


def _command(name: str, found: Any) -> Any:
    if isinstance(found, typer.Typer):
        return get_group(found)
    alone = typer.Typer(add_completion=False)
    alone.command(name, hidden=name in _HIDDEN)(found)
    return get_command(alone)


app = typer.Typer(
    name="tidewaiter",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _tidewaiter() -> None:
    """Give every container event a verdict, authorized or unauthorized, and keep the proof."""
