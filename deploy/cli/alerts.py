"""Alerts: ``alerts list``, ``show``, ``ack`` and ``close``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from deploy.alerts.deciding import Answer, decide
from deploy.alerts.excepting import exception_text
from deploy.alerts.read import TOPICS_READ, alert_named, incidents, mended, read_alerts, remedies
from deploy.baselines.operators import enrolled_operator
from deploy.baselines.topics import policies
from deploy.cli.alert_table import alert_json, show_alert, show_alerts, show_answer, show_incident, show_noise
from deploy.cli.console import err, out
from deploy.cli.decisions import NOT_YET, REFUSED
from deploy.cli.options import Json, time_named
from deploy.cli.sections import print_json
from deploy.cli.viewing import viewing
from deploy.inventory import estate
from deploy.inventory.remediation import Remediation
from schemas.alert import STATES, Alert
from schemas.alert_decision import AlertAction
from schemas.errors import ConfigurationError
from schemas.policy import LEVELS
from schemas.settings import Settings, load_settings
from streams.alerts.incidents import WINDOW_HOURS
from streams.alerts.noise import noise_of

__all__ = ["app"]

app = typer.Typer(
    help="What was unauthorized: one alert a problem, its story, and what people decided about it.",
    no_args_is_help=True,
)

_WAIT_SECONDS: Final = 20.0
_NOISIEST: Final = 10

One = Annotated[str, typer.Argument(metavar="ALERT", help="The id of an alert, or how it begins.")]
Several = Annotated[list[str], typer.Argument(metavar="ALERT", help="Ids of alerts, or how they begin.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the life of the alert.")]
Wait = Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long to wait until it is carried out.")]
Window = Annotated[
    float, typer.Option(min=0, metavar="HOURS", help="How long one alert of a story may lie behind another.")
]


@app.command("list")
def list_(
    state: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="STATE", help=f"One of {', '.join(STATES)}, or all; may be repeated."),
    ] = None,
    level: Annotated[str, typer.Option(help=f"At least as grave: {', '.join(LEVELS)}.")] = LEVELS[0],
    principal: Annotated[str, typer.Option(help="Only of principals whose name has this in it.")] = "",
    since: Annotated[str, typer.Option(metavar="TIME", help="Only what was seen since.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Only what had begun by then.")] = "",
    as_incidents: Annotated[bool, typer.Option("--incidents", help="Alerts of one story together.")] = False,
    suppressed: Annotated[bool, typer.Option("--suppressed", help="What exceptions set aside.")] = False,
    noisy: Annotated[
        bool, typer.Option("--noisy", help="The noisiest causes, each with an exception to paste.")
    ] = False,
    window: Window = WINDOW_HOURS,
    as_json: Json = False,
) -> None:
    """Show alerts that are open or looked after, the gravest first; as stories, or by what is told most often, if asked for."""
    settings, wanted = load_settings(), _states(state, suppressed=suppressed, every=noisy or as_incidents)
    asked = _Asked(wanted, _level(level), principal, time_named(since), time_named(until))
    if as_incidents:
        with viewing(settings, TOPICS_READ) as view:
            stories = incidents(view, window)
        for number, one in enumerate(stories, start=1):
            if any(asked.wants(alert) for alert in one.alerts):
                print_json({"number": number, **one.as_json()}) if as_json else show_incident(one, number)
        return
    chosen = [alert for alert in _alerts(settings) if asked.wants(alert)]
    if noisy:
        _show_noise(settings, chosen, as_json=as_json)
    elif as_json:
        print_json([alert_json(alert) for alert in _gravest_first(chosen)])
    else:
        show_alerts(_gravest_first(chosen))


def _alerts(settings: Settings) -> list[Alert]:
    with viewing(settings, ("alerts",)) as view:
        return read_alerts(view)


class _Asked:
    """Which alerts are asked for."""

    def __init__(self, states: frozenset[str], level: int, principal: str, since: str, until: str) -> None:
        self._states = states
        self._level = level
        self._principal = principal
        self._since = since
        self._until = until

    def wants(self, alert: Alert) -> bool:
        return (
            alert.state in self._states
            and LEVELS.index(alert.level) >= self._level
            and self._principal in alert.principal
            and alert.last >= self._since
            and (not self._until or alert.first <= self._until)
        )


def _states(named: Iterable[str] | None, *, suppressed: bool, every: bool) -> frozenset[str]:
    asked = set(named or ())
    if unknown := sorted(asked - {*STATES, "all"}):
        raise ConfigurationError(f"there is no state {unknown[0]!r}; choose one of {', '.join(STATES)}, or all")
    if "all" in asked:
        return frozenset(STATES)
    if suppressed:
        return frozenset({"suppressed"})
    return frozenset(asked or (set(STATES) - {"suppressed"} if every else {"open", "acknowledged"}))


def _level(name: str) -> int:
    if name not in LEVELS:
        raise ConfigurationError(f"there is no level {name!r}; choose one of {', '.join(LEVELS)}")
    return LEVELS.index(name)


def _gravest_first(alerts: Iterable[Alert]) -> list[Alert]:
    return sorted(alerts, key=lambda alert: (-alert.score, alert.opened, alert.id))


def _show_noise(settings: Settings, alerts: list[Alert], *, as_json: bool) -> None:
    owner, today = settings.operator.name or "say who answers for it", datetime.now(UTC).date()
    for noise in noise_of(alerts)[:_NOISIEST]:
        text = exception_text(noise, owner, today)
        if as_json:
            told = {"alerts": [one.id for one in noise.alerts], "count": noise.count, "openings": noise.openings}
            print_json({"cause": alert_json(noise.alerts[0])["cause"], **told, "exception": text})
        else:
            show_noise(noise, text)


@app.command()
def show(alert: One, window: Window = WINDOW_HOURS, as_json: Json = False) -> None:
    """Show an alert with its score, evidence, life, what was mended and what to do, and the story that it is part of; a number is that of a story."""
    settings = load_settings()
    with viewing(settings, TOPICS_READ) as view:
        alerts, stories = read_alerts(view), incidents(view, window)
    if alert.isdecimal() and 1 <= int(alert) <= len(stories):
        story = stories[int(alert) - 1]
        print_json(story.as_json()) if as_json else show_incident(story, int(alert))
        return
    found = alert_named(alerts, alert)
    story_of = next((one for one in stories if found.id in {each.id for each in one.alerts}), None)
    known, fixes = remedies(settings), _mended(settings, found)
    if as_json:
        more = {"remediations": fixes, "incident": story_of.as_json() if story_of else None}
        print_json(alert_json(found, known) | more)
        return
    show_alert(found, known, fixes)
    if story_of is not None and len(story_of.alerts) > 1:
        out.print()
        show_incident(story_of, stories.index(story_of) + 1)


def _mended(settings: Settings, alert: Alert) -> list[Remediation]:
    if not alert.principal.startswith("container:"):
        return []
    with viewing(settings, estate.TOPICS_READ) as view:
        return mended(view, alert)


@app.command()
def ack(alerts: Several, reason: Reason, wait: Wait = _WAIT_SECONDS, as_json: Json = False) -> None:
    """Say that you look after alerts, signed with your key.

    Exit code 1: a decision was refused. Exit code 3: nobody has carried one out in time.
    """
    _decide("acknowledge", alerts, reason, wait, as_json=as_json)


@app.command()
def close(alerts: Several, reason: Reason, wait: Wait = _WAIT_SECONDS, as_json: Json = False) -> None:
    """Close alerts that are dealt with, signed with your key; what comes later than you have seen opens them again.

    Exit code 1: a decision was refused. Exit code 3: nobody has carried one out in time.
    """
    _decide("close", alerts, reason, wait, as_json=as_json)


def _decide(action: AlertAction, names: list[str], reason: str, wait: float, *, as_json: bool) -> None:
    if not reason.strip():
        raise ConfigurationError("a decision needs a reason: --reason 'what it was, and who has looked at it'")
    settings = load_settings()
    operator, known = enrolled_operator(settings.operator, policies(settings)), _alerts(settings)
    chosen = {found.id: found for found in (alert_named(known, name) for name in names)}
    with err.status("waiting until it is carried out …"):
        answers = decide(settings.kafka, operator, action, chosen.values(), reason, wait)
    _tell(answers, as_json=as_json)


def _tell(answers: list[Answer], *, as_json: bool) -> None:
    for answer in answers:
        print_json(answer.as_json()) if as_json else show_answer(answer)
    states = {answer.state for answer in answers}
    if "refused" in states:
        raise typer.Exit(REFUSED)
    if "waiting" in states:
        raise typer.Exit(NOT_YET)
