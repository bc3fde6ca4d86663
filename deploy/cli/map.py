"""The map of connections: ``map``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from deploy.cli.console import err, write_file
from deploy.cli.options import Json, time_named
from deploy.cli.sections import columns, minute
from deploy.cli.table import OUTCOME_STYLES
from deploy.cli.viewing import tell_left_out, viewing
from deploy.map.difference import Difference, change_of
from deploy.map.dot import write_dot
from deploy.map.drawing import subtitle_of
from deploy.map.end import End
from deploy.map.graph import Edge, Map, Node
from deploy.map.narrow import MAX_DRAWN, MAX_LINES, Wanted, by_namespace, concerning, gravest, narrowed
from deploy.map.read import TOPICS_READ, Asked, read_map
from deploy.map.svg import write_svg
from deploy.map.tally import OUTCOMES
from deploy.pipeline import policies_in_force
from schemas.codec import dumps
from schemas.errors import ConfigurationError
from schemas.event import now
from schemas.settings import Settings, load_settings
from streams.baseline.exports.words import shown
from streams.judge.data import DataClasses

__all__ = ["map_"]

_TABLE: Final = "table"
_DRAWINGS: Final[dict[str, Callable[[Map, str, str], str]]] = {"svg": write_svg, "dot": write_dot}
_FORMATS: Final = (_TABLE, "json", *_DRAWINGS)
_CHANGES: Final = {"new": "green", "gone": "yellow", "stays": "dim"}


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is shown: a map, and where two times are compared since when something has changed on it."""

    graph: Map
    title: str
    until: str
    since: str = ""

    @property
    def changed(self) -> bool:
        """Return whether two times were compared and differ."""
        return bool(self.since) and any(change_of(edge, self.since) != "stays" for edge in self.graph.edges)


def map_(
    format_: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help=f"One of: {', '.join(_FORMATS)}.")
    ] = _TABLE,
    namespace: Annotated[
        str, typer.Option(metavar="NAMESPACE|CLUSTER/NAMESPACE", help="Only what concerns this namespace.")
    ] = "",
    name: Annotated[str, typer.Option("--of", metavar="NAME", help="Only what has this in the name of an end.")] = "",
    verdict: Annotated[
        list[str] | None, typer.Option(metavar="VERDICT", help=f"Of {', '.join(OUTCOMES)}; may be repeated.")
    ] = None,
    since: Annotated[str, typer.Option(metavar="TIME", help="Only what was seen since then.")] = "",
    at: Annotated[str, typer.Option(metavar="TIME", help="The map as it was known then.")] = "",
    between: Annotated[
        tuple[str, str], typer.Option(metavar="TIME TIME", help="What has changed from the first to the second.")
    ] = ("", ""),
    by: Annotated[bool, typer.Option("--namespaces", help="Each namespace as one.")] = False,
    file: Annotated[Path | None, typer.Option("--out", help="File to write instead of standard output.")] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make the local view anew.")] = False,
    as_json: Json = False,
) -> None:
    """Show every connection between workloads, data stores and the outside. Exit code 1: --between found changes."""
    chosen = "json" if as_json else format_
    if chosen not in _FORMATS:
        raise ConfigurationError(f"there is no format {chosen!r}; choose one of {', '.join(_FORMATS)}")
    begin, end = (time_named(text) for text in between)
    asked = Asked(namespace, end or time_named(at))
    concerns = [concerning(namespace, name)] if namespace or name else []
    wanted = [*concerns, *_wanted(verdict or [], time_named(since))]
    graph = narrowed(_read(load_settings(), asked, rebuild=rebuild), *wanted)
    until = asked.until or now()
    _tell(_Shown(_fitting(graph, chosen, by=by), _title(namespace, begin, until), until, begin), chosen, file)


def _wanted(verdicts: list[str], since: str) -> Iterator[Wanted]:
    for verdict in verdicts:
        if verdict not in OUTCOMES:
            raise ConfigurationError(f"{verdict!r} is no verdict; choose of {', '.join(OUTCOMES)}")
    if verdicts:
        yield lambda edge: edge.tally.verdict in verdicts
    if since:
        yield lambda edge: edge.tally.last >= since


def _read(settings: Settings, asked: Asked, *, rebuild: bool) -> Map:
    policies = policies_in_force(settings)
    with viewing(settings, TOPICS_READ, rebuild=rebuild) as view:
        tell_left_out(view, TOPICS_READ)
        return read_map(view, DataClasses.of(policies.policies if policies else ()), asked)


def _fitting(graph: Map, format_: str, *, by: bool) -> Map:
    """Return what fits on a drawing: where there is too much for one, namespaces instead of what lies in them, and the gravest lines."""
    drawn = format_ in _DRAWINGS
    if drawn and not by and len(graph.nodes) > MAX_DRAWN:
        by = True
        told = f"{len(graph.nodes)} ends are too many for one drawing, so namespaces are drawn"
        err.print(f"{told}; draw one of them with --namespace", style="yellow", markup=False, soft_wrap=True)
    fitting = by_namespace(graph) if by else graph
    if not drawn or len(fitting.edges) <= MAX_LINES:
        return fitting
    told = f"of {len(fitting.edges)} connections the gravest {MAX_LINES} are drawn"
    err.print(told, style="yellow", markup=False, soft_wrap=True)
    return gravest(fitting)


def _title(namespace: str, begin: str, end: str) -> str:
    place = f"Connections of {namespace}" if namespace else "Connections"
    return f"{place}, {minute(begin)} to {minute(end)}" if begin else f"{place}, {minute(end)}"


def _tell(found: _Shown, format_: str, file: Path | None) -> None:
    if format_ == _TABLE and file is None:
        _show(found)
    else:
        text = _written(found, "json" if format_ == _TABLE else format_)
        if file is None:
            typer.echo(text, nl=False)
        else:
            write_file(file, text)
    if found.changed:
        raise typer.Exit(1)


def _written(found: _Shown, format_: str) -> str:
    if format_ in _DRAWINGS:
        return _DRAWINGS[format_](found.graph, found.title, found.since)
    told: Any = Difference(found.since, found.graph).as_json() if found.since else found.graph.as_json()
    return dumps({"until": found.until, **told}).decode() + "\n"


_MAX_SHOWN: Final = 1_000
_COLUMNS: Final = ("from", "to", "port", "count", "failed", "verdict", "first seen", "last seen", "what is there")


def _show(found: _Shown) -> None:
    """Print one line a connection; of a difference only what has changed."""
    nodes = {node.end: node for node in found.graph.nodes}
    edges = [edge for edge in found.graph.edges if not found.since or change_of(edge, found.since) != "stays"]
    if edges:
        heading = ["change"] if found.since else []
        columns(
            [[Text(name, style="bold") for name in (*heading, *_COLUMNS)]]
            + [_cells(edge, nodes, found.since) for edge in edges[:_MAX_SHOWN]]
        )
    if len(edges) > _MAX_SHOWN:
        told = f"only the first {_MAX_SHOWN} of {len(edges)} are shown"
        err.print(
            f"{told}; choose with --namespace, --of, --verdict or --since", style="yellow", markup=False, soft_wrap=True
        )
    err.print(_summary(found, len(edges)), style="dim", markup=False, soft_wrap=True)


def _cells(edge: Edge, nodes: dict[End, Node], since: str) -> list[Text | str]:
    tally, change = edge.tally, change_of(edge, since) if since else ""
    target = nodes[edge.target]
    there = [subtitle_of(target), *(f"data {name}" for name in target.data)]
    return [
        *([Text(change, style=_CHANGES[change])] if change else []),
        shown(_name(edge.source)),
        shown(_name(edge.target)),
        shown(edge.what),
        str(tally.count),
        str(tally.failed or "-"),
        Text(tally.verdict or "-", style=OUTCOME_STYLES.get(tally.verdict, "")),
        minute(tally.first),
        minute(tally.last),
        shown(", ".join(filter(None, there))),
    ]


def _name(end: End) -> str:
    return "many others" if end.kind == "others" else end.name


def _summary(found: _Shown, told: int) -> str:
    if not found.graph.edges:
        return "no connection; `tidewaiter judge` writes what sensors tell of them, and some sensors tell of none"
    left_out = [f"{count} {reason}" for reason, count in sorted(found.graph.left_out.items())]
    parts = [f"{told} changed of {len(found.graph.edges)}" if found.since else f"{told} connections"]
    return "; ".join([*parts, *([f"left out: {', '.join(left_out)}"] if left_out else [])])
