"""What the demo's alerts tell: the stories, and how soon the first alert of the attack was there."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final, Self

from deploy.alerts.read import TOPICS_READ, incidents
from deploy.kafka import following
from deploy.view import update
from schemas.alert import Alert
from schemas.event import parse_time
from schemas.settings import KafkaSettings, Settings
from streams.alerts.incidents import WINDOW_HOURS, Incident

__all__ = ["FirstAlert", "Stories", "stories_of"]

_MILLISECOND: Final = 1_000_000
_LOOK_SECONDS: Final = 0.05
_SETTLE_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Stories:
    """Incidents in the order of their beginning, and the seconds from what the first alert is about to the alert itself."""

    incidents: tuple[Incident, ...]
    delay_seconds: float | None


class FirstAlert(AbstractContextManager["FirstAlert"]):
    """Notes when the first alert came, and when the play had come to what it is about."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._ready, self._stop = Event(), Event()
        self._thread = Thread(target=self._follow, daemon=True)
        self._passed: list[tuple[int, float]] = []
        self._seen: tuple[Alert, float] | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(_PATIENCE_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        with following(self._settings, ("alerts",)) as follower:
            self._ready.set()
            while self._seen is None and not self._stop.is_set():
                for _, _, value in follower.poll(_LOOK_SECONDS):
                    if value is not None and self._seen is None:
                        self._seen = Alert.decode(value), time.monotonic()

    def passed(self, recorded_ms: int) -> None:
        """Note that everything before this recorded time is written."""
        self._passed.append((recorded_ms, time.monotonic()))

    @property
    def delay_seconds(self) -> float | None:
        """Return how long after the event the alert was there; None where none has come, or before the event was noted."""
        if self._seen is None:
            return None
        alert, seen = self._seen
        happened_ms = parse_time(alert.first) // _MILLISECOND
        written = next((moment for recorded, moment in self._passed if recorded >= happened_ms), None)
        return None if written is None else max(0.0, seen - written)


def stories_of(settings: Settings, first: FirstAlert) -> Stories:
    """Return what alerts tell when everything has arrived: of more of the same is told once in a while."""
    time.sleep(settings.alerts.update_seconds + _SETTLE_SECONDS)
    with update.following(settings, TOPICS_READ) as view:
        return Stories(tuple(incidents(view, WINDOW_HOURS)), first.delay_seconds)
