"""How soon an event is an alert: from its line in the sensor's file, through collector, judge and correlate, to topic ``alerts``."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any, Final

from deploy.bench.alerts import alert
from deploy.bench.figure import Figure
from deploy.bench.processes import Progress, Servers, pipeline
from deploy.kafka import Follower, following
from deploy.pipeline import environment_of
from deploy.stack import Child
from schemas.alert import Alert
from schemas.codec import dumps, loads
from schemas.errors import StackError
from schemas.settings import Settings

__all__ = ["line_of", "measure_notice"]

_SHELL: Final = 400
"""A number whose line tells of a terminal shell."""

_WARM: Final = 20
_LOOK_SECONDS: Final = 0.005
_PATIENCE_SECONDS: Final = 60.0


def line_of(number: int, nanoseconds: int) -> bytes:
    """Return a line that raises an alert which no line of another number raises: of a workload of its own."""
    line: dict[str, Any] = loads(alert(_SHELL, nanoseconds))
    line["output_fields"] |= {"k8s.deployment.name": f"web-{number}", "container.id": f"{number:012x}"}
    return dumps(line) + b"\n"


def measure_notice(servers: Servers, *, alerts: int, alerts_a_second: float, progress: Progress) -> Iterator[Figure]:
    """Yield median, 95th and 99th percentile of the time from a line's writing until its alert can be read.

    Raises ``StackError`` for an alert that is not there within a minute.
    """
    with TemporaryDirectory(prefix="tidewaiter-notice-") as directory:
        file = Path(directory) / "falco.log"
        file.touch()
        with pipeline(servers, file, 1, progress) as (settings, supervisor):
            supervisor.start(_correlate(settings))
            with following(settings.kafka, ("alerts",)) as follower:
                progress("warming up")
                _measure(follower, file, range(1, _WARM + 1), alerts_a_second)
                progress(f"{alerts} alerts, {alerts_a_second:g} a second")
                delays = _measure(follower, file, range(_WARM + 1, _WARM + alerts + 1), alerts_a_second)
    cuts = quantiles(delays, n=100, method="inclusive")
    for percent in (50, 95, 99):
        yield Figure(f"notice_p{percent}_ms", round(cuts[percent - 1] * 1000), "ms")


def _correlate(settings: Settings) -> Child:
    command = (sys.executable, "-m", "deploy.cli", "correlate")
    return Child(name="correlate", command=command, environment=environment_of(settings), restarts=1)


def _measure(follower: Follower, file: Path, numbers: range, rate: float) -> list[float]:
    """Write the lines on time and return how long each alert took."""
    written: dict[str, float] = {}
    delays: list[float] = []
    started, deadline = time.monotonic(), time.monotonic() + len(numbers) / rate + _PATIENCE_SECONDS
    due = iter(numbers)
    while len(delays) < len(numbers) and time.monotonic() < deadline:
        if len(written) + len(delays) <= (time.monotonic() - started) * rate and (number := next(due, None)):
            with file.open("ab") as output:
                output.write(line_of(number, time.time_ns()))
            written[f"web-{number}"] = time.monotonic()
        raised = [workload for workload in dict.fromkeys(_raised(follower)) if workload in written]
        delays += [time.monotonic() - written.pop(workload) for workload in raised]
    if written:
        raise StackError(f"{len(written)} alerts were not there within {_PATIENCE_SECONDS:.0f} s: {min(written)}")
    return delays


def _raised(follower: Follower) -> Iterator[str]:
    """Yield the workloads of which an alert was written."""
    for _, _, value in follower.poll(_LOOK_SECONDS):
        if value is not None:
            yield Alert.decode(value).principal.split("/")[2]
