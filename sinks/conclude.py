"""What happens to a batch that has its answer, before its offsets may be committed."""

from __future__ import annotations

from time import monotonic

import structlog

from schemas.telemetry import count, observe
from sinks.assignment import UnderWay
from sinks.deadletters import DeadLetterLimit, DeadLetters
from sinks.types import Delivered

__all__ = ["Conclusion"]

_log = structlog.get_logger(__name__)


class Conclusion:
    """Writes dead letters, as long as they are few, and counts."""

    def __init__(self, dead_letters: DeadLetters, limit: DeadLetterLimit, process: str) -> None:
        self._dead_letters = dead_letters
        self._limit = limit
        self._process = process

    def of(self, under_way: UnderWay, delivered: Delivered) -> None:
        """Return when Kafka has the dead letters; raise ``TooManyDeadLetters`` before any is written, or ``DeliveryError``."""
        if delivered.refused:
            self._report(delivered)
        self._limit.check(delivered.outcomes)
        if delivered.refused:
            self._dead_letters.write(delivered.refused)
        self._measure(under_way, delivered)

    def _report(self, delivered: Delivered) -> None:
        first = delivered.refused[0]
        _log.warning(
            "records are refused",
            sink=self._process,
            records=len(delivered.refused),
            first=first.record.place,
            reason=first.reason,
        )

    def _measure(self, under_way: UnderWay, delivered: Delivered) -> None:
        process = self._process
        count("batches", process=process)
        count("events", sum(outcome != "refused" for outcome in delivered.outcomes), process=process)
        repeats = sum(outcome == "repeat" for outcome in delivered.outcomes)
        if repeats:
            count("repeats", repeats, process=process)
        observe("batch_seconds", monotonic() - under_way.since, process=process)
