"""What people have applied: the policy set and the rule set in force, followed in their compacted topic.

Each is one record, the whole set, so none is ever half loaded. Making thousands of rules ready takes seconds, in which a judge must
go on: a set that has come is made ready by a thread of its own, and is handed out when it is. Of several that come meanwhile only the
last is.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Final, Generic, TypeVar

from confluent_kafka import KafkaException, TopicPartition

from schemas.day import DAY_KEY, decode_day
from schemas.errors import ConfigurationError, Invalid
from schemas.policyset import PolicySet
from schemas.settings import KafkaSettings
from streams.kafka import Consumed, consume, reader
from streams.restoring import read_to_end
from streams.rules.ruleset import RuleSet

__all__ = ["POLICIES_KEY", "RULES_KEY", "Applied", "AppliedSets"]

POLICIES_KEY: Final = "policies"
RULES_KEY: Final = "rules"

_CONSUME_LIMIT: Final = 100

P = TypeVar("P")
R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Applied(Generic[P, R]):
    """Both sets, as whoever follows them has them made ready."""

    policies: P
    rules: R


class AppliedSets(Generic[P, R]):
    """Follows ``policies``: the last record of each key is the whole set. Without one, the empty set is in force.

    Policies are in force as of the latest day that was written, or that they were applied on.

    ``policies`` and ``rules`` make a set ready; they must be pure. Whatever is there when it is made is ready before that returns.
    Raises ``ConfigurationError`` for a record that this version cannot read: going on by an older one would be wrong in silence.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        client_id: str,
        policies: Callable[[PolicySet], P],
        rules: Callable[[RuleSet], R],
    ) -> None:
        self._workers = ThreadPoolExecutor(2, f"{client_id}-sets")
        self._day = date.min
        self._written: Consumed | None = None
        self._policies = _Slot(self._workers, lambda message: policies(_policies_of(message).on(self._day)))
        self._rules = _Slot(self._workers, lambda message: rules(_rules_of(message)))
        found: list[Consumed] = []
        positions = read_to_end(settings, client_id, "policies", [0], found.append)
        self._take(found)
        self.current = Applied(self._policies.wait(), self._rules.wait())
        self._reader = reader(settings, f"{client_id}-policies-live")
        self._reader.assign([TopicPartition(settings.topic("policies"), 0, positions[0])])

    def poll(self) -> Applied[P, R]:
        """Return what is in force now; never waits, and is the same object until something else is."""
        found = consume(self._reader, _CONSUME_LIMIT, 0)
        for message in found:
            if message.error():
                raise KafkaException(message.error())
        self._take(found)
        policies, rules = self._policies.poll(), self._rules.poll()
        if policies is not self.current.policies or rules is not self.current.rules:
            self.current = Applied(policies, rules)
        return self.current

    def _take(self, messages: list[Consumed]) -> None:
        for message in messages:
            key = (message.key() or b"").decode(errors="replace")
            if key == POLICIES_KEY:
                self._written = message
                self._policies.put(message)
            elif key == DAY_KEY:
                self._day = max(self._day, _day_of(message))
                self._policies.put(self._written)
            elif key == RULES_KEY:
                self._rules.put(message)
            else:
                raise ConfigurationError(
                    f"{_place(message)}: the key {key!r} is not known to this version; run the version that wrote it"
                )

    def close(self) -> None:
        """Leave the topic; what is being made ready is of no use any more."""
        self._reader.close()
        self._workers.shutdown(wait=False, cancel_futures=True)


class _Slot(Generic[T]):
    """One of the sets: what is in force, what is being made ready, and what has come since."""

    def __init__(self, workers: ThreadPoolExecutor, make: Callable[[Consumed | None], T]) -> None:
        self._workers = workers
        self._make = make
        self._current: T | None = None
        self._making: Future[T] | None = None
        self._waiting: Consumed | None = None

    def put(self, message: Consumed | None) -> None:
        self._waiting = message

    def wait(self) -> T:
        """Return what was put last, or the empty set, when it is ready."""
        waiting, self._waiting = self._waiting, None
        self._current = self._make(waiting)
        return self._current

    def poll(self) -> T:
        if self._making is not None and self._making.done():
            self._current, self._making = self._making.result(), None
        if self._waiting is not None and self._making is None:
            self._making, self._waiting = self._workers.submit(self._make, self._waiting), None
        if self._current is None:
            raise RuntimeError("what is there at the start is waited for")
        return self._current


def _policies_of(message: Consumed | None) -> PolicySet:
    if message is None or message.value() is None:
        return PolicySet.empty()
    try:
        return PolicySet.from_manifest(message.value())
    except (Invalid, ConfigurationError) as error:
        raise ConfigurationError(
            f"{_place(message)}: {error}; put a policy set behind it with `tidewaiter policy apply`"
        ) from error


def _day_of(message: Consumed) -> date:
    try:
        return decode_day(message.value() or b"")
    except Invalid as error:
        raise ConfigurationError(f"{_place(message)}: {error}; run the version that wrote it") from error


def _rules_of(message: Consumed | None) -> RuleSet:
    if message is None or message.value() is None:
        return RuleSet.empty()
    try:
        return RuleSet.from_manifest(message.value())
    except (Invalid, ConfigurationError) as error:
        raise ConfigurationError(
            f"{_place(message)}: {error}; put a rule set behind it with `tidewaiter rules apply`"
        ) from error


def _place(message: Consumed) -> str:
    return f"{message.topic()}/{message.partition()}/{message.offset()}"
