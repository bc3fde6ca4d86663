"""Alerts and the stories they tell, on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Final

from rich.text import Text

from deploy.alerts.deciding import Answer
from deploy.baselines.deciding import WAITING
from deploy.cli.console import err, out
from deploy.cli.sections import columns, minute
from deploy.inventory.remediation import Remediation
from schemas.alert import Alert
from streams.alerts.advice import advice_of, name_of, title_of
from streams.alerts.incidents import Incident, Moment
from streams.alerts.noise import Noise
from streams.baseline.exports.words import shown

__all__ = ["LEVEL_STYLES", "alert_json", "show_alert", "show_alerts", "show_answer", "show_incident", "show_noise"]

LEVEL_STYLES: Final = MappingProxyType(
    {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "informational": "dim"}
)
_COLUMNS: Final = ("alert", "score", "level", "state", "count", "first", "last", "principal", "what")
_SHORT_ID: Final = 8
_LABEL: Final = 12
_SHOWN: Final = 20
_IMAGE: Final = len("sha256:0123456789ab")
_FINDINGS: Final = 3
_DAY: Final = len("2026-06-01")
_SECOND: Final = len("2026-06-01T10:02:11")
_NOBODY: Final[Mapping[str, str]] = MappingProxyType({})


def alert_json(alert: Alert, remedies: Mapping[str, str] = _NOBODY) -> dict[str, Any]:
    """Return an alert for machines, with its title and what to do."""
    told = {"title": title_of(alert), "advice": advice_of(alert, remedies)}
    return asdict(alert) | told


def show_alerts(alerts: list[Alert]) -> None:
    """Print one line an alert."""
    if alerts:
        columns([[Text(name, style="bold") for name in _COLUMNS], *map(_cells, alerts)])
    states = [alert.state for alert in alerts]
    counted = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    err.print(counted or "no alert: nothing unauthorized is known that was not dealt with", style="dim")


def _cells(alert: Alert) -> list[Text | str]:
    return [
        alert.id[:_SHORT_ID],
        str(alert.score),
        Text(alert.level, style=LEVEL_STYLES.get(alert.level, "")),
        alert.state,
        str(alert.count),
        minute(alert.first),
        minute(alert.last),
        shown(name_of(alert.principal)),
        shown(title_of(alert)),
    ]


def show_alert(alert: Alert, remedies: Mapping[str, str], mended: Iterable[Remediation] = ()) -> None:
    """Print everything that is known of an alert, and what newer images have mended since."""
    out.print(
        Text(shown(title_of(alert)), style="bold").append(f"  {alert.level}", LEVEL_STYLES.get(alert.level, "")),
        soft_wrap=True,
    )
    for label, value in _heading(alert):
        out.print(Text(f"{label:<{_LABEL}}", style="dim").append(shown(value), style="default"), soft_wrap=True)
    _show_list("evidence", (_evidence(alert, number) for number in range(len(alert.evidence))))
    _show_list("its life", (f"{minute(one.time)}  {one.action} by {one.author}: {one.reason}" for one in alert.steps))
    _show_list("mended since", map(_remediation, mended))
    _show_list("what to do", advice_of(alert, remedies))


def _heading(alert: Alert) -> Iterator[tuple[str, str]]:
    yield "alert", alert.id
    yield "principal", alert.principal
    opened = f", opened {alert.openings} times" if alert.openings > 1 else ""
    yield "state", f"{alert.state}{opened}"
    beyond = f", {alert.beyond} of them too many to be told apart" if alert.beyond else ""
    yield "count", f"{alert.count} events of {alert.activities} kinds{beyond}"
    yield "seen", f"{minute(alert.first)} to {minute(alert.last)}"
    platform = ", ".join(f"{number} {outcome}" for outcome, number in alert.outcomes.items()) or "unknown"
    ours = "authorized by exception" if alert.cause.is_exception else "unauthorized"
    yield "decided", f"platform: {platform}; Tidewaiter: {ours}, blocked {alert.blocked or 'nothing'}"
    yield "score", f"{alert.score} = " + " ".join(f"{part.points:+d} ({part.why})" for part in alert.parts)
    if alert.techniques:
        yield "ATT&CK", ", ".join(alert.techniques)
    if alert.data:
        yield "data", ", ".join(alert.data)


def _evidence(alert: Alert, number: int) -> str:
    one = alert.evidence[number]
    nearest = f"; nearest known: {one.nearest}" if one.nearest and one.nearest not in one.reason else ""
    return f"{minute(one.time)}  {one.reason or 'more than could be told apart'}{nearest}  [{one.event}]"


def _remediation(one: Remediation) -> str:
    images = f"image {one.after[:_IMAGE]} in place of {one.before[:_IMAGE]}"
    listed = ", ".join(one.mended[:_FINDINGS]) + f", and {len(one.mended) - _FINDINGS} more" * (
        len(one.mended) > _FINDINGS
    )
    taken = "" if one.hours is None else f", after {one.hours} hours"
    return f"{minute(one.time)}  {images}{taken}, asked for by {one.by}: {listed}"


def _show_list(title: str, lines: Iterable[str]) -> None:
    listed = list(lines)
    if listed:
        out.print(Text(title, style="bold"))
    for line in listed:
        out.print(Text(f"  {shown(line)}"), soft_wrap=True)


def show_incident(incident: Incident, number: int, most: int = _SHOWN) -> None:
    """Print a story: who takes part, and what happened in order, at most so many lines of it."""
    style, count = LEVEL_STYLES.get(incident.level, ""), len(incident.alerts)
    title = Text(f"INCIDENT {number}, {incident.level}", style=style)
    title.append(f"  {', '.join(map(shown, map(name_of, incident.principals)))}", style="bold")
    told = f"  {count} alert{'s' * (count > 1)}, score {incident.score}, {minute(incident.first)} to {minute(incident.last)}"
    out.print(title.append(told, style="not bold dim"), soft_wrap=True)
    chain = incident.chain
    several, days = len(incident.principals) > 1, {incident.first[:_DAY], *(moment.time[:_DAY] for moment in chain)}
    for moment in chain[:most]:
        out.print(_moment(moment, several=several, dated=len(days) > 1), soft_wrap=True)
    if len(chain) > most:
        out.print(f"  … and {len(chain) - most} more", style="dim")


def _moment(moment: Moment, *, several: bool, dated: bool) -> Text:
    time = moment.time[:_SECOND].replace("T", " ")
    line = Text(f"  {time if dated else time[_DAY + 1 :]} ", style="dim")
    if several:
        line.append(f"{shown(name_of(moment.principal))}  ", style="bold")
    refused = "  (the platform refused it)" if moment.outcome == "failure" else ""
    return line.append(shown(moment.reason) + refused, style="default").append(f"  {moment.alert[:_SHORT_ID]}", "dim")


def show_noise(noise: Noise, exception: str) -> None:
    """Print a cause, how often it was told, and an exception from it."""
    first = noise.alerts[0]
    title = Text(shown(title_of(first)), style="bold")
    told = f"  told {noise.openings} times, {noise.count} events of {len(noise.alerts)} principals"
    out.print(title.append(told, style="not bold"), soft_wrap=True)
    if exception:
        out.print(exception, markup=False, soft_wrap=True)
    else:
        for step in advice_of(first, _NOBODY)[:2]:
            out.print(Text(f"  {shown(step)}"), soft_wrap=True)


def show_answer(answer: Answer) -> None:
    """Print what became of a decision."""
    line = Text(answer.decision.alert[:_SHORT_ID], style="bold").append(
        f"  {shown(name_of(answer.decision.principal))}", style="not bold"
    )
    if answer.refusal:
        line.append(f"  refused: {shown(answer.refusal)}", style="bold red")
    elif answer.alert is None:
        line.append(f"  {WAITING} ({answer.place})", style="yellow")
    else:
        line.append(f"  {answer.alert.state}", style="green")
    out.print(line, soft_wrap=True)
