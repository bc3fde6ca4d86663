"""The columns of each kind of the inventory, and how rows are printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import typer
from rich.text import Text

from deploy.cli.console import err
from deploy.cli.sections import columns, minute
from deploy.inventory.estate import NOT_OBSERVABLE
from deploy.inventory.images import Image
from schemas.codec import dumps
from streams.baseline.exports.words import shown

__all__ = [
    "CONTAINER_COLUMNS",
    "HOST_COLUMNS",
    "IMAGE_COLUMNS",
    "MENDED_COLUMNS",
    "MISPLACED_COLUMNS",
    "REGISTRY_COLUMNS",
    "SECRET_COLUMNS",
    "UNUSED_COLUMNS",
    "USER_COLUMNS",
    "WORKLOAD_COLUMNS",
    "show",
]

Column = tuple[str, Callable[[Any], Any]]


def show(rows: Sequence[Any], asked: Sequence[Column], *, as_json: bool) -> None:
    """Print rows as a table, or whole as JSON."""
    if as_json:
        typer.echo(dumps(rows))
        return
    if rows:
        cells = [[_cell(value(row)) for _, value in asked] for row in rows]
        columns([[Text(title, style="bold") for title, _ in asked], *cells])
    err.print(f"{len(rows)} shown" if rows else "nothing to show", style="dim")


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{count} {shown(name)}" for name, count in value.items()) or "-"
    if isinstance(value, tuple | list):
        return ", ".join(map(shown, map(str, value))) or "-"
    return shown(str(value)) if value not in ("", None) else "-"


def _few(values: Sequence[str] | str) -> str:
    """Return how many there are, and the first."""
    if isinstance(values, str):
        return values
    more = f" and {len(values) - 1} more" if len(values) > 1 else ""
    return f"{values[0]}{more}" if values else ""


def _number(values: Sequence[str] | str) -> str:
    return values if isinstance(values, str) else str(len(values) or "-")


def _levels(image: Image) -> Any:
    return NOT_OBSERVABLE if image.vulnerabilities == NOT_OBSERVABLE else image.levels


_SHORT: Final = 19
IMAGE_COLUMNS: Final[tuple[Column, ...]] = (
    ("image", lambda one: _few(one.names) or one.image),
    ("digest", lambda one: one.image[:_SHORT]),
    ("exposure", lambda one: one.exposure),
    ("running", lambda one: one.running or "-"),
    ("vulnerabilities", _levels),
    ("secrets", lambda one: _number(one.secrets)),
    ("malware", lambda one: _number(one.malware)),
    ("registered", lambda one: one.registered),
    ("signature", lambda one: one.signature),
    ("scanned", lambda one: minute(one.scanned)),
    ("last run", lambda one: minute(one.last)),
    ("against policy", lambda one: _few(one.against_policy)),
)
UNUSED_COLUMNS: Final[tuple[Column, ...]] = (
    ("image", lambda one: _few(one.names) or one.image),
    ("executables", lambda one: one.executables),
    ("unused", lambda one: one.unused),
    ("programs seen", lambda one: one.programs),
    ("since", lambda one: minute(one.since)),
    ("until", lambda one: minute(one.until)),
    ("why", lambda one: one.why),
)
WORKLOAD_COLUMNS: Final[tuple[Column, ...]] = (
    ("workload", lambda one: one.workload),
    ("kind", lambda one: one.kind),
    ("running", lambda one: one.running or "-"),
    ("images", lambda one: _few(one.images)),
    ("exposure", lambda one: one.exposure),
    ("root", lambda one: one.root),
    ("rights", lambda one: one.rights),
    ("events", lambda one: one.outcomes),
    ("baselines", lambda one: one.baselines),
    ("data store", lambda one: one.data_store["product"] if one.data_store else ""),
    ("last seen", lambda one: minute(one.last)),
)
MENDED_COLUMNS: Final[tuple[Column, ...]] = (
    ("workload", lambda one: one[0].workload),
    ("container", lambda one: one[1].container),
    ("mended", lambda one: one[1].mended),
    ("by", lambda one: one[1].by),
    ("time", lambda one: minute(one[1].time)),
    ("hours", lambda one: one[1].hours),
    ("image", lambda one: one[1].after[:_SHORT]),
)
CONTAINER_COLUMNS: Final[tuple[Column, ...]] = (
    ("container", lambda one: one.container),
    ("name", lambda one: one.name),
    ("workload", lambda one: one.workload),
    ("host", lambda one: one.host),
    ("state", lambda one: one.state),
    ("image", lambda one: _few(one.image_names)),
    ("root", lambda one: one.root),
    ("rights", lambda one: one.rights),
    ("seen", lambda one: minute(one.seen)),
    ("risks", lambda one: one.risks),
    ("replaced", lambda one: one.replaced),
)
HOST_COLUMNS: Final[tuple[Column, ...]] = (
    ("host", lambda one: one.host),
    ("clusters", lambda one: one.clusters),
    ("runtimes", lambda one: one.runtimes),
    ("running", lambda one: one.running or "-"),
    ("stopped", lambda one: one.stopped or "-"),
    ("images", lambda one: one.images or "-"),
    ("own events", lambda one: one.outcomes),
    ("last seen", lambda one: minute(one.last)),
)
REGISTRY_COLUMNS: Final[tuple[Column, ...]] = (
    ("registry", lambda one: one.registry),
    ("tells", lambda one: one.tells),
    ("repositories", lambda one: _number(one.repositories)),
    ("images", lambda one: one.images),
    ("running", lambda one: one.running or "-"),
    ("pushes", lambda one: one.pushes or "-"),
    ("pulls", lambda one: one.pulls or "-"),
    ("pushed by", lambda one: one.pushed_by),
    ("last", lambda one: minute(one.last)),
)
SECRET_COLUMNS: Final[tuple[Column, ...]] = (
    ("secret", lambda one: one.secret),
    ("type", lambda one: one.type),
    ("entries", lambda one: _number(one.keys)),
    ("created", lambda one: minute(one.created)),
    ("changed", lambda one: minute(one.changed)),
    ("rotations", lambda one: len(one.rotated) or "-"),
    ("reads", lambda one: one.reads or "-"),
    ("refused", lambda one: one.refused or "-"),
    ("used by", lambda one: _few(one.used_by)),
    ("overdue", lambda one: _few(one.overdue)),
)
MISPLACED_COLUMNS: Final[tuple[Column, ...]] = (
    ("place", lambda one: one.place),
    ("what", lambda one: one.what),
    ("where", lambda one: one.where),
)
USER_COLUMNS: Final[tuple[Column, ...]] = (
    ("user", lambda one: one.user.removeprefix("user:")),
    ("kind", lambda one: one.kind),
    ("did", lambda one: one.did),
    ("refused", lambda one: one.refused),
    ("roles", lambda one: one.roles),
    ("never used", lambda one: one.unused),
    ("broad", lambda one: one.broad),
    ("last seen", lambda one: minute(one.last)),
)
