"""Key figures by hour and day: ``kpi``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from deploy.alerts.read import read_alerts
from deploy.cli.console import err, out
from deploy.cli.options import Json, time_named
from deploy.cli.sections import columns, print_json
from deploy.cli.table import OUTCOME_STYLES
from deploy.cli.viewing import viewing
from deploy.inventory.estate import NOT_OBSERVABLE
from deploy.kpi.periods import BY, Period, Span, counted, periods, undated
from deploy.kpi.read import read_records
from schemas.errors import ConfigurationError
from schemas.settings import load_settings
from streams.baseline.exports.words import shown

__all__ = ["kpi"]

_MOST_CAUSES: Final = 10
_HEADINGS: Final = (
    "authorized",
    "unauthorized",
    "undetermined",
    "blocked",
    "alerts",
    "closed",
    "open",
    "gaps",
    "changes",
    "containers",
    "root",
    "unregistered",
    "vulnerable",
    "covered",
)


def kpi(
    by: Annotated[str, typer.Option(metavar="hour|day", help="What is put together.")] = "hour",
    begin: Annotated[
        str, typer.Option("--from", metavar="TIME", help="Only from the hour or day of this time on.")
    ] = "",
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Only hours or days that begin before.")] = "",
    as_json: Json = False,
) -> None:
    """Show what was decided, alerted, blocked and changed in each hour or day, and how things stood at its end.

    Without --from and --to: the latest 24 hours, or 31 days, in which anything was counted.
    """
    if by not in BY:
        raise ConfigurationError(f"there is no {by!r}; choose one of {', '.join(BY)}")
    asked = Span("day" if by == "day" else "hour", time_named(begin), time_named(end))
    with viewing(load_settings(), ("kpi", "alerts")) as view:
        span, records = read_records(view, asked)
        found = list(periods(records, read_alerts(view), span))
    if as_json:
        nameless = undated(records)
        print_json(
            {"by": by, "periods": [one.document() for one in found], "undated": counted(nameless) if nameless else None}
        )
    else:
        _show(found)


def _show(found: Sequence[Period]) -> None:
    if not found:
        err.print("nothing was counted in that time", style="dim")
        return
    columns([[Text(name, style="bold") for name in ("", *_HEADINGS)], *map(_cells, found)])
    causes: Counter[str] = Counter()
    for period in found:
        causes.update(period.counts)
    _show_causes(counted(causes)["causes"])


def _cells(period: Period) -> list[Text | str]:
    row = period.document()
    verdicts, alerts, standing = row["verdicts"], row["alerts"], row["standing"]
    return [
        period.name.replace("T", " "),
        *(Text(str(verdicts[name]), style=OUTCOME_STYLES[name] if verdicts[name] else "dim") for name in verdicts),
        str(sum(row["blocked"].values())),
        str(alerts["opened"]),
        str(alerts["closed"]),
        str(alerts["open_at_end"] + alerts["acknowledged_at_end"]),
        str(row["gaps"]),
        str(sum(row["changes"].values())),
        *_standing(standing),
    ]


def _standing(standing: dict[str, dict[str, Any]] | None) -> list[str]:
    if standing is None:
        return ["-"] * 5
    containers, images = standing["containers"], standing["images"]
    covered = f"{containers['covered'] / containers['all']:.0%}" if containers["all"] else "-"
    return [
        str(containers["all"]),
        str(containers["root"]),
        *(_of_images(images[name], images["all"]) for name in ("unregistered", "vulnerable")),
        covered,
    ]


def _of_images(number: int | None, images: int) -> str:
    return NOT_OBSERVABLE if number is None else f"{number} of {images}"


def _show_causes(causes: list[dict[str, Any]]) -> None:
    found = [one for one in causes if one["outcome"] == "unauthorized"]
    if found:
        out.print("\nunauthorized by")
        columns([[f"{one['count']:>9}", one["by"], Text(shown(one["name"]))] for one in found[:_MOST_CAUSES]])
    if len(found) > _MOST_CAUSES:
        out.print(f"{'':>11}and {len(found) - _MOST_CAUSES} causes more; --json has all", style="dim")
