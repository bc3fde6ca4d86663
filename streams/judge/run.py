"""Running a judge: sessions one after another until it is told to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog
from confluent_kafka import KafkaException

from schemas.errors import ConfigurationError
from schemas.settings import Settings
from streams.judge.judge import Judge
from streams.kafka import TRANSACTION_TIMEOUT_SECONDS, is_fenced

__all__ = ["run"]

_log = structlog.get_logger()
_PAUSE_SECONDS: Final = 0.5


def run(settings: Settings, stopping: Callable[[], bool]) -> None:
    """Judge until ``stopping``; a session that Kafka failed is followed by a new one that restores everything.

    Raises ``ConfigurationError`` when a second judge of the same slot has taken over: two would fence each other for ever.
    """
    while not stopping():
        try:
            _run_session(settings, stopping)
        except KafkaException as error:
            _refuse_if_fenced(settings, error)
            _log.warning("session void, restoring", slot=settings.judge.slot, error=str(error))
            time.sleep(_PAUSE_SECONDS)


def _run_session(settings: Settings, stopping: Callable[[], bool]) -> None:
    judge = Judge(settings)
    try:
        judge.run(stopping)
    finally:
        judge.close()


def _refuse_if_fenced(settings: Settings, error: KafkaException) -> None:
    if is_fenced(error):
        raise ConfigurationError(
            f"another judge runs with slot {settings.judge.slot} and has taken over, or this one was halted in a transaction for "
            f"more than {TRANSACTION_TIMEOUT_SECONDS} s; give each judge its own TIDEWAITER_JUDGE__SLOT, or start this one again"
        ) from error
