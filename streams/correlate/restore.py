"""What a partition was left as: its fence, its shard fed from the topics themselves, and where to read on.

In this order: the fence, behind which no earlier worker can write any more; then ``findings``, of all partitions those about hits of
these; then ``baselines``, ``shared-facts``, ``alerts``, ``control``, ``activities`` and ``rule-hits``, each to its end. Nothing is lost between
this and live reading, which begins at the positions that are returned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from schemas.deadletter import DeadLetter
from schemas.errors import Invalid
from schemas.hit import hit_key
from schemas.settings import KafkaSettings
from schemas.topics import Name, partition_of
from streams.correlate.output import Output
from streams.correlate.types import Record, Shard
from streams.findings import finding_of
from streams.kafka import Consumed
from streams.restoring import Interrupted, read_to_end

__all__ = ["LIVE", "STAGE", "Restored", "decide", "letter_of", "restore"]

LIVE: Final[tuple[Name, ...]] = ("activities", "control", "rule-hits")
"""The topics that are read on after a restore."""

_FENCES_AT_ONCE: Final = 8
STAGE: Final = "correlate"
"""Key of this stage's dead letters."""


@dataclass(slots=True)
class Restored:
    """One partition: what is to be written before it goes on, and where it reads on by topic.

    A decision that an earlier worker read may have had no effect yet: what follows from it is in ``records``. What cannot be read is met,
    and buried, again in every restore.
    """

    shard: Shard
    output: Output
    records: list[Record] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    positions: dict[Name, int] = field(default_factory=dict)
    rows: int = 0


def restore(
    settings: KafkaSettings,
    name: str,
    partitions: Sequence[int],
    make: Callable[[int], Shard],
    interrupted: Callable[[], bool],
    progressed: Callable[[], None],
) -> dict[int, Restored]:
    """Return partitions as they were left; blocks, and calls ``progressed`` for every record.

    Raises ``Interrupted`` once ``interrupted`` says that it is no longer wanted, and what a shard raises, unless that is ``Invalid``.
    """
    outputs = _fence(settings, partitions, interrupted)
    restored = {number: Restored(make(number), outputs[number]) for number in partitions}
    _restore_findings(settings, name, restored, interrupted, progressed)
    for topic, feed in _FEEDS.items():
        take = _taking(name, restored, feed, progressed)
        positions = read_to_end(settings, name, topic, partitions, take, interrupted=interrupted)
        for number, position in positions.items():
            restored[number].positions[topic] = position
    return restored


def _restore_findings(
    settings: KafkaSettings,
    name: str,
    restored: Mapping[int, Restored],
    interrupted: Callable[[], bool],
    progressed: Callable[[], None],
) -> None:
    """Give each shard what was found by hits of its partition; it stands in the partitions of the entities that it is told of."""
    count = next(iter(restored.values())).output.partitions

    def take(message: Consumed) -> None:
        progressed()
        finding = finding_of(message)
        one = restored.get(partition_of(hit_key(finding.correlation, finding.group), count))
        if one is not None:
            one.shard.take_finding(message.value())

    read_to_end(settings, name, "findings", range(count), take, interrupted=interrupted)


def _fence(settings: KafkaSettings, partitions: Sequence[int], interrupted: Callable[[], bool]) -> dict[int, Output]:
    def fence(number: int) -> Output:
        if interrupted():
            raise Interrupted
        return Output(settings, number)

    with ThreadPoolExecutor(_FENCES_AT_ONCE) as pool:
        return dict(zip(partitions, pool.map(fence, partitions), strict=True))


_Feed = Callable[[Restored, Consumed], None]


def _taking(
    name: str, restored: Mapping[int, Restored], feed: _Feed, progressed: Callable[[], None]
) -> Callable[[Consumed], None]:
    """Return what takes one message, into a dead letter if need be."""

    def take(message: Consumed) -> None:
        progressed()
        one = restored[message.partition()]
        try:
            feed(one, message)
        except Invalid as error:
            place = f"{message.topic()}/{message.partition()}/{message.offset()}"
            one.letters.append(letter_of(name, place, error, message.value() or message.key()))

    return take


def letter_of(process: str, place: str, error: Invalid, data: bytes | None) -> DeadLetter:
    """Return the dead letter of what a shard could not read."""
    return DeadLetter.of(stage=STAGE, process=process, place=place, error=error, data=data or b"")


def decide(shard: Shard, key: bytes | None, value: bytes | None, offset: int, appended_ms: int) -> list[Record]:
    """Return what follows from a record of ``control``; raise ``Invalid`` for one that can be no decision."""
    if key is None or value is None:
        raise Invalid("a decision without a principal or without content")
    return shard.take_decision(key, value, offset, appended_ms)


def _feed_profile(one: Restored, message: Consumed) -> None:
    one.shard.take_profile(message.key() or b"", message.value())


def _feed_shared(one: Restored, message: Consumed) -> None:
    one.shard.take_shared(message.key() or b"", message.value())


def _feed_alert(one: Restored, message: Consumed) -> None:
    one.shard.take_alert(message.value())


def _feed_hit(one: Restored, message: Consumed) -> None:
    one.shard.take_hit(message.value(), message.timestamp()[1])


def _feed_decision(one: Restored, message: Consumed) -> None:
    appended_ms = message.timestamp()[1]
    one.records += decide(one.shard, message.key(), message.value(), message.offset(), appended_ms)


def _feed_row(one: Restored, message: Consumed) -> None:
    one.rows += 1
    one.shard.take_row(message.key() or b"", message.value(), message.offset(), message.timestamp()[1])


_FEEDS: Final[Mapping[Name, _Feed]] = MappingProxyType(
    {
        "baselines": _feed_profile,
        "shared-facts": _feed_shared,
        "alerts": _feed_alert,
        "control": _feed_decision,
        "activities": _feed_row,
        "rule-hits": _feed_hit,
    }
)
"""By topic, in the order in which they are read."""
