"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from producers.formats import FORMATS
from producers.types import Format, FormatOptions
from schemas.errors import ConfigurationError, Invalid
from schemas.event import parse_time, timestamp

__all__ = ["Cluster", "FormatName", "Host", "Json", "format_named", "time_named"]

FormatName = Annotated[str, typer.Argument(metavar="FORMAT", help=f"Format of the records: {', '.join(FORMATS)}.")]
Cluster = Annotated[str, typer.Option(help="Name of the cluster or estate the records come from.")]
Host = Annotated[str, typer.Option(help="Name of the host the records come from.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


def format_named(name: str, cluster: str, host: str, *, live: bool = False) -> Format:
    """Return the format of a name; raise ``ConfigurationError`` naming those that exist."""
    if name not in FORMATS:
        raise ConfigurationError(f"no format is named {name!r}; choose one of {', '.join(FORMATS)}")
    return FORMATS[name](FormatOptions(cluster=cluster, host=host, live=live))


def time_named(text: str) -> str:
    """Return a time that a person wrote as events have it; empty for none."""
    try:
        return timestamp(parse_time(text)) if text else ""
    except Invalid as error:
        raise ConfigurationError(f"`{text}` is no time: {error}; write 2026-05-31T10:00:00Z") from error
