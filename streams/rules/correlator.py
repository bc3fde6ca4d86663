"""What correlations find: a function of the hits, whatever the order in which they come, however often, and wherever work is begun anew.

Hits are taken one by one, in any order; ``settle`` says what has come of them. Where one more hit can only make a condition hold more
often, what it finds is said at once, and a late hit may still add to it. Where a hit could also undo it (``lt``, ``eq``, an average …),
a moment is judged when ``lateness`` has passed. A finding is said again, under the same id, when it has grown. Findings of one group
whose moments are no more than a timespan apart are one burst, of which the first alone is news.

The clock is event time, as far as hits have come, never ahead of the time at which they were appended, and it goes on with that when hits
are late or none come. What a finding counts as for other correlations is returned as hits, which come back like any other.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from schemas.event import parse_time, timestamp
from schemas.finding import Finding, finding_id
from schemas.hit import Group as Values
from schemas.hit import Hit
from streams.rules.correlation import Correlation
from streams.rules.groups import Found
from streams.rules.hits import CountedRules, Counting, definition_of
from streams.rules.rule import LEVELS, Level
from streams.rules.tables import Limits, Table
from streams.rules.windows import SECOND, Entry

__all__ = ["Correlator", "findings_of"]

_REMEMBERED: Final = 9 * 24 * 3600 * SECOND
"""How long it is remembered what was found: longer than hits are kept."""

_LEVEL: Final[Level] = "medium"
_MINUTE: Final = 60 * SECOND
_END_OF_TIME: Final = 2**62
_ALL: Final = Limits(10 * 365 * 24 * 3600, sys.maxsize, sys.maxsize, sys.maxsize)
"""Everything is remembered, and nothing is late."""

_CONTENT: Final = ("first", "last", "count", "events", "event", "time", "entity", "principal", "continues")
"""What follows from the hits alone."""

Name = tuple[str, str]
"""Label and definition of a correlation."""


@dataclass(slots=True)
class Correlator:
    """Hits and findings of as many groups as there are; pure: what it returns follows from what it was given."""

    limits: Limits = field(default_factory=Limits)
    clock: int = 0
    _appended: int = 0
    _rules_hash: str = ""
    _levels: dict[str, Level] = field(default_factory=dict)
    _counting: Counting = field(default_factory=Counting)
    _in_force: dict[Name, Correlation] = field(default_factory=dict)
    _depths: dict[str, int] = field(default_factory=dict)
    _tables: dict[Name, Table] = field(default_factory=dict)
    _told: dict[str, Finding] = field(default_factory=dict)
    _counted: dict[str, set[int]] = field(default_factory=dict)
    _forgot: int = 0

    def adopt(self, rules: CountedRules, *, mapped: bool = True) -> None:
        """Correlate by another rule set: a correlation that counts otherwise than before begins anew, another is not disturbed."""
        self._rules_hash, self._levels, self._depths = rules.hash, _levels(rules), _depths(rules)
        self._counting = Counting.of(rules, mapped=mapped)
        self._in_force = {
            (one.label, definition_of(one)): one for one in rules.correlations if one.label not in self._counting.unfit
        }
        for name, table in self._tables.items():
            if name in self._in_force:
                table.adopt(self._in_force[name], self._depths[name[0]])

    def take(self, hit: Hit, appended: int) -> None:
        """Take a hit, appended then (in nanoseconds); raise ``Invalid`` for one without a time."""
        time = parse_time(hit.time)
        self._advance(time, appended)
        name = (hit.correlation, hit.definition)
        table = self._tables.get(name)
        if table is None:
            depth = self._depths.get(hit.correlation, 0)
            table = self._tables[name] = Table(self.limits, self._in_force.get(name), depth)
        table.take(hit.group, _entry(hit, time), appended, self.clock)

    def _advance(self, time: int, appended: int) -> None:
        """Let the clock go on with the time of appending, and to the time of a hit that is ahead of it."""
        passed = max(0, appended - self._appended) if self._appended else 0
        self.clock = max(self.clock + passed, min(time, appended))
        self._appended = max(self._appended, appended)

    def take_finding(self, finding: Finding) -> None:
        """Take what was said before, before any hit is taken."""
        before = self._told.get(finding.id)
        if before is None or before.revision < finding.revision:
            self._told[finding.id] = finding

    def settle(self, now: int) -> list[Finding | Hit]:
        """Return what is new at ``now`` (in nanoseconds, of the clock that hits are appended by)."""
        clock = self.clock + max(0, now - self._appended)
        said: list[Finding | Hit] = []
        for name, table in self._tables.items():
            for values, found in table.settle(clock):
                said += self._say(name, values, found)
        self._forget(clock)
        return said

    def _say(self, name: Name, values: Values, found: Found) -> Iterator[Finding | Hit]:
        correlation = self._in_force.get(name)
        if correlation is None:
            return
        finding = self._finding(correlation, name[1], values, found)
        before = self._told.get(finding.id)
        if before is None or _has_grown(before, finding):
            self._told[finding.id] = finding
            yield finding
        if correlation.label in self._counting.labels:
            yield from self._hits(correlation, finding, before, found)

    def _finding(self, correlation: Correlation, definition: str, values: Values, found: Found) -> Finding:
        label, completed = correlation.label, found.completed
        identity = finding_id(label, definition, values, found.stretch)
        before = self._told.get(identity)
        return Finding(
            id=identity,
            correlation=label,
            definition=definition,
            group=values,
            names=correlation.group_by,
            title=correlation.title,
            level=self._levels[label],
            file=correlation.file,
            tags=correlation.tags,
            techniques=correlation.techniques,
            rules_hash=before.rules_hash if before else self._rules_hash,
            first=timestamp(found.first),
            last=timestamp(found.held[-1].time),
            count=found.count,
            events=found.events,
            event=completed.id,
            time=timestamp(completed.time),
            entity=completed.entity,
            principal=completed.principal,
            continues=self._continues(correlation, definition, values, found),
            reported=correlation.reported,
            revision=before.revision + 1 if before else 1,
            told=before.told if before else completed.entity,
        )

    def _continues(self, correlation: Correlation, definition: str, values: Values, found: Found) -> bool:
        earlier = self._told.get(finding_id(correlation.label, definition, values, found.stretch - 1))
        return (
            earlier is not None
            and found.completed.time - parse_time(earlier.last) <= correlation.timespan_seconds * SECOND
        )

    def _hits(self, correlation: Correlation, finding: Finding, before: Finding | None, found: Found) -> Iterator[Hit]:
        """Yield what a finding counts as for others: at every moment at which its condition holds, a hit that has its id.

        After a restart, those of a finding that has not grown were said before.
        """
        known = self._counted.get(finding.id)
        if known is None:
            was_said = before is not None and not _has_grown(before, finding)
            known = self._counted[finding.id] = {entry.time for entry in found.held} if was_said else set()
        for entry in found.held:
            if entry.time not in known:
                known.add(entry.time)
                yield from self._hits_at(correlation, finding, entry)

    def _hits_at(self, correlation: Correlation, finding: Finding, entry: Entry) -> Iterator[Hit]:
        record = dict(zip(finding.names, finding.group, strict=False)) | {"verdict.principal": entry.principal}
        for template in self._counting.templates(record, [correlation.label]):
            hit = template.hit(finding.id, timestamp(entry.time), entry.entity, {})
            if hit is not None:
                yield hit

    def _forget(self, clock: int) -> None:
        """Forget, once a minute, what was found so long ago that no hit of it can come again."""
        if clock - self._forgot < _MINUTE:
            return
        self._forgot = clock
        oldest = timestamp(max(0, clock - _REMEMBERED))
        for identity in [identity for identity, finding in self._told.items() if finding.last < oldest]:
            del self._told[identity]
        for identity in self._counted.keys() - self._told.keys():
            del self._counted[identity]
        for name in [name for name, table in self._tables.items() if not (table.groups or name in self._in_force)]:
            del self._tables[name]

    def dropped(self) -> Counter[str]:
        """Return, by reason, how many hits were not taken or given up since this was asked last."""
        found: Counter[str] = Counter()
        for table in self._tables.values():
            found.update(table.dropped)
            table.dropped.clear()
        return found

    @property
    def held(self) -> int:
        """How many hits are remembered."""
        return sum(table.held for table in self._tables.values())


def findings_of(hits: Iterable[Hit], rules: CountedRules, *, mapped: bool = True) -> list[Finding]:
    """Return all that correlations find of these hits, in the order of the hits that fulfil them."""
    waiting, found = list(hits), list[Finding]()
    depths = _depths(rules)
    for depth in sorted(set(depths.values())):
        correlator = Correlator(_ALL)
        correlator.adopt(rules, mapped=mapped)
        for hit in sorted(waiting, key=lambda hit: (hit.time, hit.event)):
            if depths.get(hit.correlation) == depth:
                correlator.take(hit, parse_time(hit.time))
        said = correlator.settle(_END_OF_TIME)
        waiting += [one for one in said if isinstance(one, Hit)]
        found += [one for one in said if isinstance(one, Finding)]
    return sorted(found, key=lambda one: (one.time, one.event, one.id))


def _entry(hit: Hit, time: int) -> Entry:
    """Return what is remembered of a hit; what repeats is stored once."""
    rules = tuple(map(sys.intern, hit.rules))
    return Entry(time, hit.event, rules, hit.values, sys.intern(hit.entity), sys.intern(hit.principal))


def _has_grown(before: Finding, finding: Finding) -> bool:
    """Return whether a finding says more than it did; less is no news: then hits were let go of meanwhile."""
    if before.first < finding.first or before.last > finding.last or before.count > finding.count:
        return False
    return any(getattr(before, name) != getattr(finding, name) for name in _CONTENT)


def _depths(rules: CountedRules) -> dict[str, int]:
    """Return how many correlations lie below each."""
    below = {one.label: one.rules for one in rules.correlations}

    def depth(label: str) -> int:
        return max((depth(one) + 1 for one in below[label] if one in below), default=0)

    return {label: depth(label) for label in below}


def _levels(rules: CountedRules) -> dict[str, Level]:
    """Return the level of each rule and correlation; one that says none has that of the gravest which it counts."""
    levels: dict[str, Level] = {rule.label: rule.level for rule in rules.rules}
    depths = _depths(rules)
    for correlation in sorted(rules.correlations, key=lambda one: depths[one.label]):
        counted = [levels[label] for label in correlation.rules if label in levels]
        gravest = max(counted, key=LEVELS.index, default=_LEVEL)
        levels[correlation.label] = correlation.level or gravest
    return levels
