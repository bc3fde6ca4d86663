"""The demo: starts everything on free ports, plays the recording, waits until every event has arrived, and sums up."""

from __future__ import annotations

import shutil
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from elasticsearch import Elasticsearch

from deploy.counts import Counts, read_counts
from deploy.demo.approval import Approver
from deploy.demo.incidents import FirstAlert, Stories, stories_of
from deploy.demo.recording import FORMATS, Recording, play
from deploy.pipeline import children, prepare_topics
from deploy.policies import DEFAULT_POLICIES
from deploy.stack import Stack, StackSettings
from schemas.baseline import Profile
from schemas.errors import StackError
from schemas.settings import ElasticsearchSettings, KafkaSettings, Settings, SourceSettings
from sinks.elasticsearch.config import connect

__all__ = ["POLICIES", "Demo", "Played", "running"]

POLICIES: Final = (DEFAULT_POLICIES, Path(__file__).parent / "policies")
"""The shipped policies, and those that the shop's owner wrote for it."""

CLUSTER: Final = "shop"
HOST: Final = "node-1"

_ARRIVAL_SECONDS: Final = 180.0
_POLL_SECONDS: Final = 0.5
_QUIET_LOOKS: Final = 3

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a play: counts at every stage, the baselines that were approved in between, and what alerts tell."""

    counts: Counts
    learned: list[Profile]
    stories: Stories

    @property
    def complete(self) -> bool:
        """Return whether every collected event is in Elasticsearch once or in dead letters."""
        return sum(self.counts.collected.values()) == (self.counts.indexed or 0) + _refused(self.counts)

    def equation(self) -> str:
        """Return the line that adds up."""
        counts = self.counts
        return (
            f"collected {sum(counts.collected.values())} judged {counts.judged} indexed {counts.indexed} "
            f"deadletters {sum(counts.deadletters.values())} repeats {counts.repeats}"
        )


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: its settings, its servers and processes, and the person who approves."""

    settings: Settings
    stack: Stack
    client: Elasticsearch
    directory: Path
    approver: Approver

    def play(self, recording: Recording, seconds: float, passed: Callable[[str, int], None]) -> Played:
        """Play the recording into the files that the collectors follow: the normal day, then, with what was learned approved, the attack.

        Return when all of it has arrived. ``passed`` is called with what is going on, and the recorded time that the play has come to.
        """
        records = list(recording.records())
        attack = bisect_left(records, recording.attack_start, key=lambda record: int(record["time"]))
        share = seconds * attack / len(records)
        play(records[:attack], self.directory, share, partial(passed, "the shop runs normally"))
        self._until(_Still())
        passed("what it does is approved", recording.attack_start)
        learned = self.approver.approve_all(self.settings)
        with FirstAlert(self.settings.kafka) as first:

            def attacked(recorded_ms: int) -> None:
                first.passed(recorded_ms)
                passed("[bold red]the attack", recorded_ms)

            play(records[attack:], self.directory, seconds - share, attacked)
            counts = self._arrived()
        return Played(counts, learned, stories_of(self.settings, first))

    def _arrived(self) -> Counts:
        """Return the counts once everything has come through; the collectors are stopped first, so that heartbeats end."""
        self._until(_Still())
        for name in FORMATS:
            self.stack.supervisor.stop(f"collect-{name}")
        return self._until(
            lambda counts: sum(counts.collected.values()) <= min(counts.judged, counts.indexed or 0) + _refused(counts)
        )

    def _until(self, reached: Callable[[Counts], bool]) -> Counts:
        deadline = time.monotonic() + _ARRIVAL_SECONDS
        while time.monotonic() < deadline:
            self.stack.supervisor.check()
            counts = read_counts(self.settings, self.client)
            if reached(counts):
                return counts
            time.sleep(_POLL_SECONDS)
        raise StackError(
            f"events are still on their way after {_ARRIVAL_SECONDS:.0f} s; see the logs in {self.directory}"
        )


class _Still:
    """Says yes when no verdict was added for a few looks."""

    def __init__(self) -> None:
        self._before = -1
        self._looks = 0

    def __call__(self, counts: Counts) -> bool:
        given = sum(counts.outcomes.values())
        self._looks = self._looks + 1 if given == self._before and given else 0
        self._before = given
        return self._looks >= _QUIET_LOOKS


def _refused(counts: Counts) -> int:
    """Return how many events of collectors became dead letters; what could not be parsed never was an event."""
    return sum(number for stage, number in counts.deadletters.items() if stage != "parse")


@contextmanager
def running(directory: Path, progress: Progress, sources: tuple[SourceSettings, ...] = ()) -> Iterator[Demo]:
    """Run the whole system for a demo in ``directory``, which is emptied first; everything ends with the context.

    Raises ``StackError`` with what is missing and what to do.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    stack_settings = StackSettings(
        state_directory=directory / "stack", kafka_port=0, kafka_controller_port=0, elasticsearch_port=0
    )
    with Stack(stack_settings, foreground=True, progress=progress) as stack:
        settings = _settings(stack, directory, sources or _followed(directory))
        for name in FORMATS:
            (directory / f"{name}.log").touch()
        approver = Approver.enrolled(directory)
        prepare_topics(settings, [*POLICIES, approver.policy], [])
        for child in children(settings):
            stack.supervisor.start(child)
        progress("collectors, judge, correlate and sink are started")
        yield Demo(settings, stack, connect(settings.elasticsearch), directory, approver)


def _settings(stack: Stack, directory: Path, sources: tuple[SourceSettings, ...]) -> Settings:
    return Settings(
        kafka=KafkaSettings(bootstrap_servers=stack.kafka, partitions=4),
        elasticsearch=ElasticsearchSettings(urls=[stack.elasticsearch]),
        state_directory=directory / "processes",
        sources=list(sources),
    )


def _followed(directory: Path) -> tuple[SourceSettings, ...]:
    return tuple(
        SourceSettings(id=name, format=name, file=directory / f"{name}.log", cluster=CLUSTER, host=HOST)
        for name in FORMATS
    )
