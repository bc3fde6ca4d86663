"""``tidewaiter demo``: the whole system on a real recording, or on this host."""

from __future__ import annotations

import time
from typing import Annotated, Final

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.cli.alert_table import show_incident
from deploy.cli.console import err, out, stop_on_signals
from deploy.cli.table import OUTCOME_STYLES, describe
from deploy.demo.incidents import Stories
from deploy.demo.live import live_sources
from deploy.demo.recording import Recording
from deploy.demo.run import Demo, Played, running
from deploy.demo.summary import Summary, summarise
from schemas.baseline import Profile
from schemas.event import timestamp
from schemas.settings import load_settings
from streams.baseline.exports.words import shown

__all__ = ["demo"]

_PLAY_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 2.0
_SHOWN: Final = 40
_NEXT: Final = (
    "alerts list",
    "inventory containers",
    "map --format svg --out map.svg",
    "kpi",
    "baseline show shop/app",
)


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the summary instead of staying up.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Watch this host's containers instead of the recording.")
    ] = False,
    seconds: Annotated[float, typer.Option(help="How long playing the recording may take.")] = _PLAY_SECONDS,
) -> None:
    """Play a recording of real containers through collectors, Kafka, judge and Elasticsearch, and say what was found.

    Exit code 1 with --once: not every collected event has arrived once.
    """
    directory = load_settings().state_directory / "demo"
    sources = live_sources() if live else ()
    err.print(
        "Starts Kafka and Elasticsearch here (about 3 GB of memory; 190 MB to download the first time).", style="dim"
    )
    with running(directory, _dim, sources) as running_demo:
        if live:
            _watch(running_demo)
            return
        recording = Recording.shipped()
        played = _play(running_demo, recording, seconds)
        attack = timestamp(recording.attack_start * 1_000_000)
        _show(summarise(running_demo.client, running_demo.settings.elasticsearch.data_stream, attack), played.learned)
        _show_stories(played.stories)
        _tell_where(running_demo)
        if not once:
            _stay(running_demo)
        out.print(played.equation())
    if not played.complete:
        raise typer.Exit(1)


def _dim(line: str) -> None:
    err.print(line, style="dim", markup=False)


def _play(running_demo: Demo, recording: Recording, seconds: float) -> Played:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("the shop runs normally", total=None)

        def passed(what: str, _: int) -> None:
            progress.update(task, description=what)

        return running_demo.play(recording, seconds, passed)


def _show(summary: Summary, learned: list[Profile]) -> None:
    events = sum(summary.before.values()) + sum(summary.behind.values())
    by_source = ", ".join(f"{number} {module}" for module, number in summary.modules.items())
    out.print("\n[bold]A web shop ran normally, then was attacked.[/] (recording of real containers)")
    out.print(f"Received {events} events of {len(summary.workloads)} workloads ({by_source}):")
    out.print(f"  a normal day, of which was learned:  {_outcomes(summary.before)}")
    out.print(f"  the attack, judged by what was learned:  {_outcomes(summary.behind)}")
    _show_learned(learned)
    about = ", ".join(f"{number} {action}" for action, number in summary.records_about.items())
    out.print(f"Beside them {about}.\n", style="dim")


def _outcomes(outcomes: dict[str, int]) -> str:
    names = ("authorized", "unauthorized", "undetermined")
    return ", ".join(f"[{OUTCOME_STYLES[name]}]{outcomes.get(name, 0)} {name}[/]" for name in names)


def _show_learned(learned: list[Profile]) -> None:
    baselines = [profile.baseline for profile in learned if profile.baseline]
    out.print(f"Learned and approved: {len(baselines)} baselines, {sum(one.size for one in baselines)} elements.")
    for baseline in baselines:
        if baseline.principal.startswith("container:"):
            sizes = ", ".join(f"{len(found)} {name}" for name, found in baseline.elements.items() if found)
            out.print(f"  {escape(baseline.principal.partition(':')[2])}: {sizes}", style="dim", soft_wrap=True)


def _show_stories(stories: Stories) -> None:
    for number, incident in enumerate(stories.incidents, start=1):
        show_incident(incident, number, _SHOWN)
    if stories.delay_seconds is not None:
        out.print(
            f"The first alert was there {stories.delay_seconds:.1f} s after the event that it is about.", style="dim"
        )
    out.print("Platform blocked what it refused above; Tidewaiter blocked nothing (it only watches).", style="dim")


def _tell_where(running_demo: Demo) -> None:
    url, stream = running_demo.stack.elasticsearch, running_demo.settings.elasticsearch.data_stream
    out.print(
        f"\nLook at it: curl -s '{url}/{stream}/_search?q=verdict.outcome:unauthorized&size=1&pretty'",
        soft_wrap=True,
        markup=False,
    )


def _watch(running_demo: Demo) -> None:
    """Print unauthorized events of this host as they arrive, until Ctrl-C."""
    stopping, told = stop_on_signals(), 0
    out.print("Watching this host's containers; Ctrl-C ends it.")
    while not stopping():
        running_demo.stack.supervisor.check()
        time.sleep(_POLL_SECONDS)
        findings = summarise(running_demo.client, running_demo.settings.elasticsearch.data_stream).findings
        for finding in findings[told:]:
            out.print(f"{finding.record['@timestamp'][:19]} {escape(describe(finding.record))}", soft_wrap=True)
            out.print(f"  [dim]{escape(shown(finding.record['verdict.reason']))}[/]", soft_wrap=True)
        told = max(told, len(findings))


def _stay(running_demo: Demo) -> None:
    stopping = stop_on_signals()
    out.print("\nKafka and Elasticsearch stay up until Ctrl-C. Ask further in another terminal:")
    out.print(f"  export TIDEWAITER_KAFKA__BOOTSTRAP_SERVERS={running_demo.stack.kafka}", markup=False)
    for asked in _NEXT:
        out.print(f"  tidewaiter {asked}", markup=False)
    while not stopping():
        running_demo.stack.supervisor.check()
        time.sleep(_POLL_SECONDS)
