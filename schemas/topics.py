"""The one table of Kafka topics, and how a key finds its partition."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

__all__ = ["TOPICS", "Name", "Topic", "partition_of"]

Name = Literal[
    "events",
    "verdicts",
    "judge-state",
    "activities",
    "baselines",
    "shared-facts",
    "alerts",
    "control",
    "rule-hits",
    "findings",
    "kpi",
    "policies",
    "collectors",
    "deadletters",
]

_DAY_MS: Final = 24 * 60 * 60 * 1000
_FOR_EVER: Final = -1
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic; ``partitions`` of None means: as many as ``events`` has (a setting, fixed for a generation).

    ``appended`` asks for the broker's time instead of the sender's: a wrong clock cannot hurry what is learned. ``max_message_bytes`` is
    for records that may be larger than the broker's usual limit.
    """

    name: Name
    key: str
    value: str
    cleanup: Literal["delete", "compact"]
    retention_ms: int | None
    partitions: int | None
    appended: bool = False
    max_message_bytes: int | None = None

    def configuration(self) -> dict[str, str]:
        """Return the broker's settings of this topic."""
        settings: dict[str, str] = {"cleanup.policy": self.cleanup}
        if self.appended:
            settings["message.timestamp.type"] = "LogAppendTime"
        if self.max_message_bytes is not None:
            settings["max.message.bytes"] = str(self.max_message_bytes)
        if self.retention_ms is not None:
            settings["retention.ms"] = str(self.retention_ms)
        if self.cleanup == "compact":
            settings |= {
                "min.cleanable.dirty.ratio": "0.3",
                "segment.ms": str(_DAY_MS),
                "delete.retention.ms": str(_DAY_MS),
            }
        return settings


TOPICS: Final = MappingProxyType(
    {
        topic.name: topic
        for topic in (
            Topic("events", "entity id", "event (wire order)", "delete", 7 * _DAY_MS, None, appended=True),
            Topic("verdicts", "entity id", "event + facts + verdict", "delete", 7 * _DAY_MS, None),
            Topic(
                "judge-state", "kind/id", "facts, counts and marks of one partition of events", "compact", None, None
            ),
            Topic(
                "activities",
                "principal|context|activity digest|partition",
                "rollup row, cumulative",
                "compact",
                None,
                None,
                appended=True,
            ),
            Topic("baselines", "principal", "profile: state, baseline, difference", "compact", None, None),
            Topic("shared-facts", "[subject, source]", "facts of an image, workload or secret", "compact", None, None),
            Topic("alerts", "alert id", "alert: state, counts, evidence", "compact", None, None),
            Topic(
                "control",
                "principal",
                "signed decision of a person",
                "delete",
                _FOR_EVER,
                None,
                appended=True,
            ),
            Topic(
                "rule-hits",
                "correlation|group",
                "one event that a correlation counts",
                "delete",
                8 * _DAY_MS,  # a day more than any correlation may look back
                None,
                appended=True,
            ),
            Topic(
                "findings",
                "entity id|finding id",
                "what a correlation found",
                "delete",
                30 * _DAY_MS,  # longer than any hit of it, or it would be found anew
                None,
            ),
            Topic(
                "kpi",
                "hour|counts or levels|partition|series",
                "key figures of one hour and partition of events",
                "compact",
                None,
                None,
            ),
            Topic(
                "policies",
                "`policies` or `rules`",
                "whole policy set, whole rule set",
                "compact",
                None,
                1,
                max_message_bytes=8 * _MIB,
            ),
            Topic("collectors", "collector id", "position in the source, next numbers", "compact", None, 1),
            Topic("deadletters", "stage", "what could not be read, with its bytes", "delete", 30 * _DAY_MS, 1),
        )
    }
)


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key: CRC-32, the same in every process, language and version."""
    return zlib.crc32(key) % partitions
