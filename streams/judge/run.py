"""Running a judge: sessions one after another until it is told to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog
from confluent_kafka import KafkaError, KafkaException

from schemas.errors import ConfigurationError
from schemas.settings import Settings
from streams.judge.judge import Judge

__all__ = ["run"]

_log = structlog.get_logger()
_PAUSE_SECONDS: Final = 0.5


def run(settings: Settings, stopping: Callable[[], bool]) -> None:
    """Judge until ``stopping``; a session whose transaction failed is followed by a new one that restores everything.

    Raises ``ConfigurationError`` when a second judge of the same slot has taken over: two would fence each other for ever.
    """
    while not stopping():
        judge = Judge(settings)
        try:
            judge.run(stopping)
        except KafkaException as error:
            _refuse_if_fenced(settings, error)
            _log.warning("session void, restoring", slot=settings.judge.slot, error=str(error))
            time.sleep(_PAUSE_SECONDS)
        finally:
            judge.close()


def _refuse_if_fenced(settings: Settings, error: KafkaException) -> None:
    cause = error.args[0]
    if isinstance(cause, KafkaError) and cause.fatal():
        raise ConfigurationError(
            f"another judge runs with slot {settings.judge.slot} and has taken over ({cause.str()}); give each its own "
            "TIDEWAITER_JUDGE__SLOT"
        ) from error
