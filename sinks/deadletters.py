"""Dead letters of a sink: what the receiver refuses, with its bytes, and when there are too many of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError, Message, Producer

from schemas.deadletter import DeadLetter, encode_deadletter, headers_of
from schemas.errors import DeliveryError, TooManyDeadLetters
from schemas.telemetry import count
from sinks.types import Outcome, Refused

__all__ = ["STAGE", "Allowance", "DeadLetterLimit", "DeadLetters"]

STAGE: Final = "deliver"


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many dead letters are thought to be faults of single records."""

    consecutive: int = 1_000
    share: float = 0.1
    window_records: int = 20_000
    least_records: int = 2_000


class DeadLetterLimit:
    """Counts outcomes of the last records; says when refusals must be a fault of the set-up."""

    def __init__(self, allowance: Allowance | None = None) -> None:
        self._allowance = allowance or Allowance()
        self._recent: deque[tuple[int, int]] = deque()
        self._records = 0
        self._refused = 0
        self._run = 0

    def check(self, outcomes: Sequence[Outcome]) -> None:
        """Count the outcomes of a batch; raise ``TooManyDeadLetters`` before its dead letters are written."""
        refused = 0
        for outcome in outcomes:
            self._run = self._run + 1 if outcome == "refused" else 0
            refused += outcome == "refused"
            if self._run > self._allowance.consecutive:
                raise TooManyDeadLetters(f"{self._run} records in a row were refused; {_ADVICE}")
        self._remember(len(outcomes), refused)
        if self._records >= self._allowance.least_records and self._refused > self._allowance.share * self._records:
            raise TooManyDeadLetters(f"{self._refused} of the last {self._records} records were refused; {_ADVICE}")

    def _remember(self, records: int, refused: int) -> None:
        self._recent.append((records, refused))
        self._records += records
        self._refused += refused
        while self._records - self._recent[0][0] >= self._allowance.window_records:
            old_records, old_refused = self._recent.popleft()
            self._records -= old_records
            self._refused -= old_refused


_ADVICE: Final = (
    "that is no fault of single records. The log has the receiver's reasons: put right what they name "
    "(index template, field types, what writes `verdicts`) and start again; nothing is lost"
)
_FLUSH_SECONDS: Final = 60.0


class DeadLetters:
    """Writes dead letters and waits until Kafka has them.

    At least once: a crash between dead letter and commit writes it again; ``place`` (topic/partition/offset) names both.
    """

    def __init__(self, producer: Producer, topic: str, process: str) -> None:
        self._producer = producer
        self._topic = topic
        self._process = process

    def write(self, refusals: Sequence[Refused]) -> None:
        """Return when Kafka has all of them; raise ``DeliveryError`` if it does not take them."""
        failures: list[KafkaError] = []

        def note(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                failures.append(error)

        for refusal in refusals:
            self._produce(refusal, note)
        unsent = self._producer.flush(_FLUSH_SECONDS)
        if unsent or failures:
            raise DeliveryError(
                f"{unsent + len(failures)} dead letters could not be written to {self._topic}: "
                f"{failures[0] if failures else 'no answer from Kafka'}; look at Kafka, then start again: nothing is lost"
            )
        count("deadletters", len(refusals), process=self._process, stage=STAGE)

    def _produce(self, refusal: Refused, note: Callable[[KafkaError | None, Message], None]) -> None:
        record = refusal.record
        letter = DeadLetter.of(
            stage=STAGE, process=self._process, place=record.place, error=refusal.reason, data=record.value
        )
        self._producer.produce(
            self._topic, encode_deadletter(letter), STAGE.encode(), headers=headers_of(letter), on_delivery=note
        )
