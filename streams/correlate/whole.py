"""All that is kept of one partition: each thing in a shard of its own, which knows nothing of the others."""

from __future__ import annotations

from collections import Counter

from schemas.alert_decision import is_about_alert
from schemas.policyset import PolicySet
from schemas.settings import AlertSettings
from schemas.topics import partition_of
from streams.correlate.alerts import AlertShard
from streams.correlate.correlations import CorrelationShard
from streams.correlate.expiry import ExpiryShard
from streams.correlate.facts import SharedFactsShard
from streams.correlate.shard import BaselineShard
from streams.correlate.types import Record
from streams.judge.memo import principal_of_row
from streams.rules.ruleset import RuleSet
from streams.rules.tables import Limits

__all__ = ["WholeShard"]


class WholeShard:
    """Baselines and alerts of principals, facts of subjects, what correlations count, and the day on which exceptions end.

    A gap in telemetry stands in each of the ``partitions``, and is an alert in that of its principal alone; None where there is no other.
    """

    def __init__(
        self,
        partition: int,
        policies: PolicySet,
        limits: Limits | None = None,
        alerts: AlertSettings | None = None,
        partitions: int | None = None,
    ) -> None:
        self._partition, self._partitions = partition, partitions
        self._baselines = BaselineShard(partition, policies)
        self._facts = SharedFactsShard(policies)
        self._expiry = ExpiryShard(partition, policies)
        self._correlations = CorrelationShard(limits or Limits())
        self._alerts = AlertShard(policies, alerts or AlertSettings())

    def adopt(self, policies: PolicySet) -> None:
        """Let all take a changed policy set."""
        self._baselines.adopt(policies)
        self._facts.adopt(policies)
        self._expiry.adopt(policies)
        self._alerts.adopt(policies)

    def adopt_rules(self, rules: RuleSet) -> None:
        """Correlate by a changed rule set."""
        self._correlations.adopt(rules)

    def take_profile(self, key: bytes, value: bytes | None) -> None:
        """Take a record of ``baselines``."""
        self._baselines.take_profile(key, value)

    def take_shared(self, key: bytes, value: bytes | None) -> None:
        """Take a record of ``shared-facts``."""
        self._facts.take_record(key, value)

    def take_alert(self, value: bytes | None) -> None:
        """Take a record of ``alerts``."""
        self._alerts.take_alert(value)

    def take_finding(self, value: bytes) -> None:
        """Take a record of ``findings``."""
        self._correlations.take_finding(value)

    def take_row(self, key: bytes, value: bytes | None, offset: int, appended_ms: int) -> None:
        """Let all take a row; one that the first cannot read is given to none."""
        self._baselines.take_row(key, value, appended_ms)
        if self._partitions is None or partition_of(principal_of_row(key), self._partitions) == self._partition:
            self._alerts.take_row(key, value, offset, appended_ms)
        self._facts.take_row(value, appended_ms)

    def take_hit(self, value: bytes | None, appended_ms: int) -> None:
        """Take a hit."""
        self._correlations.take_hit(value, appended_ms)

    def take_decision(self, key: bytes, value: bytes, offset: int, appended_ms: int) -> list[Record]:
        """Carry out a decision about a baseline or an alert."""
        if is_about_alert(value):
            return self._alerts.take_decision(key, value, offset, appended_ms)
        return self._baselines.take_decision(key, value, offset, appended_ms)

    def tick(self, now_ms: int) -> list[Record]:
        """Return what all write; alerts go by the baselines that are in force now."""
        moved = self._baselines.tick(now_ms)
        self._alerts.compare(self._baselines)
        shards = (self._alerts, self._facts, self._correlations, self._expiry)
        return [*moved, *(record for shard in shards for record in shard.tick(now_ms))]

    def dropped(self) -> Counter[str]:
        """Return how many hits could not be kept, by reason."""
        return self._correlations.dropped()
