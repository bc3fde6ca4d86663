"""Verdicts as a person reads them: one line an event, and what they come to."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from rich.text import Text

from deploy.cli.console import err, out
from streams.baseline.exports.words import shown

__all__ = ["OUTCOME_STYLES", "VerdictTable", "describe"]

OUTCOME_STYLES: Final = {"authorized": "green", "unauthorized": "bold red", "undetermined": "yellow"}

_WHAT: Final = (
    "container.exec.command",
    "file.path",
    "peer.workload",
    "destination.domain",
    "destination.ip",
    "process.command_line",
    "process.executable",
    "source.ip",
    "orchestrator.resource.name",
    "container.settings.images",
    "url.path",
    "rule.name",
)


def describe(row: dict[str, Any]) -> str:
    """Return in a few words what an event did, and to what; on one line, whatever it is called."""
    what = next((row[name] for name in _WHAT if row.get(name)), "")
    text = " ".join(map(str, what)) if isinstance(what, list) else str(what)
    port = f":{row['destination.port']}" if row.get("destination.port") and text == row.get("destination.ip") else ""
    return shown(f"{row.get('event.action')} {text}{port}".strip())


class VerdictTable:
    """Prints rows as they come and counts them by outcome."""

    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()

    def add(self, row: dict[str, Any]) -> None:
        """Print one row of a trial."""
        if "error" in row:
            out.print(
                Text.assemble((f"{row['input.line']:>6} ", "dim"), ("unreadable   ", "magenta"), shown(row["error"]))
            )
            return
        outcome = row["verdict.outcome"] or "no verdict"
        self._outcomes[outcome] += 1
        who = row.get("container.name") or row["entity.id"]
        line = Text.assemble(
            (f"{row['input.line']:>6} ", "dim"),
            (f"{outcome:<13}", OUTCOME_STYLES.get(outcome, "")),
            f"{shown(who)}  {describe(row)}",
        )
        if outcome == "unauthorized":
            line.append(f"\n{'':>20}{shown(row['verdict.reason'])}", style="dim")
        out.print(line, soft_wrap=True)

    def summarise(self) -> None:
        """Print how many events had which outcome."""
        err.print(", ".join(f"{number} {outcome}" for outcome, number in self._outcomes.most_common()) or "no events")
