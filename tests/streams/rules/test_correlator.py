from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from schemas.event import parse_time, timestamp
from schemas.finding import Finding
from schemas.hit import Hit
from streams.rules.correlation import Alias, Bound, Correlation
from streams.rules.correlator import Correlator, findings_of
from streams.rules.hits import Counting, definition_of
from streams.rules.tables import Limits
from streams.rules.windows import SECOND, Entry
from tests.streams.rules.correlations import Rules, at_least, correlation, entry, rule
from tests.streams.rules.literal import bursts, holding
from tests.streams.rules.strategies import correlations, entries

START = 1_764_000_000
LATENESS = 600
QUICKLY = (Phase.explicit, Phase.reuse, Phase.generate)


def hit_of(asked: Correlation, one: Entry, group: str = "g") -> Hit:
    time = timestamp(START * SECOND + one.time)
    return Hit(
        asked.label, definition_of(asked), (group,), one.rules, one.values, one.id, time, one.entity, one.principal
    )


def rules_of(*asked: Correlation) -> Rules:
    return Rules(tuple(rule(name) for name in "abc"), asked)


@dataclass(slots=True)
class Lab:
    """A partition of hits, what was said of it, and a worker that may die; chained hits come back with the next tick."""

    rules: Rules
    limits: Limits = field(default_factory=Limits)
    log: list[tuple[Hit, int]] = field(default_factory=list)
    said: list[Finding] = field(default_factory=list)
    now: int = START * SECOND
    counted: int = 0
    correlator: Correlator = field(init=False)

    def __post_init__(self) -> None:
        self.correlator = Correlator(self.limits)
        self.correlator.adopt(self.rules)

    def take(self, hits: Iterable[Hit]) -> None:
        for hit in hits:
            self.now = max(self.now, parse_time(hit.time))
            self.log.append((hit, self.now))
            self.correlator.take(hit, self.now)

    def settle(self, seconds: float = 0.5) -> list[Finding]:
        self.now += int(seconds * SECOND)
        said = self.correlator.settle(self.now)
        counted = [one for one in said if isinstance(one, Hit)]
        self.counted += len(counted)
        self.take(counted)
        found = [one for one in said if isinstance(one, Finding)]
        self.said += found
        return found

    def end(self) -> None:
        """Let so much time pass that nothing is waited for any more."""
        for seconds in (0, 4 * LATENESS):
            counted = -1
            while self.settle(seconds) or counted < self.counted:
                counted = self.counted

    def die(self) -> None:
        self.__post_init__()
        for finding in self.said:
            self.correlator.take_finding(finding)
        for hit, appended in self.log:
            self.correlator.take(hit, appended)

    def table(self) -> dict[str, Finding]:
        """Return what stands in the end, without what tells of the way there."""
        return {one.id: replace(one, revision=0, told="") for one in self.said}


@settings(max_examples=100, phases=QUICKLY)
@given(correlations(), entries(), st.data())
def test_what_is_found_is_the_same_in_every_order_and_batch_and_after_every_death(
    asked: Correlation, hits: list[Entry], data: st.DataObject
) -> None:
    undisturbed, disturbed = Lab(rules_of(asked)), Lab(rules_of(asked))
    undisturbed.take(hit_of(asked, one) for one in hits)
    undisturbed.end()
    repeated = data.draw(st.permutations(hits + hits[::3]))
    while repeated:
        size = data.draw(st.integers(1, 9))
        disturbed.take(hit_of(asked, one) for one in repeated[:size])
        repeated = repeated[size:]
        if data.draw(st.booleans()):
            disturbed.settle(0)
        if data.draw(st.integers(0, 4)) == 0:
            disturbed.die()
    disturbed.end()
    assert disturbed.table() == undisturbed.table()
    assert Counter(one.id for one in disturbed.said if one.revision == 1) == Counter(undisturbed.table().keys())
    disturbed.die()
    assert disturbed.settle(0) == []


@settings(max_examples=100, phases=QUICKLY)
@given(correlations(), entries())
def test_one_finding_is_told_of_each_burst_that_a_literal_reading_finds(asked: Correlation, hits: list[Entry]) -> None:
    lab = Lab(rules_of(asked))
    for one in hits:
        lab.take([hit_of(asked, one)])
        lab.settle(0)
    lab.end()
    held = holding(asked, hits)
    assert sum(one.is_news for one in lab.said) == bursts(asked, hits)
    assert sum(one.is_news for one in findings_of([hit_of(asked, one) for one in hits], rules_of(asked))) == bursts(
        asked, hits
    )
    span = asked.timespan_seconds * SECOND
    assert len(lab.table()) == len({(START * SECOND + time) // span for time in held})
    for finding in lab.table().values():
        first, last = (parse_time(time) - START * SECOND for time in (finding.first, finding.last))
        assert finding.count == len({one.id for one in hits if first <= one.time <= last})
        assert {parse_time(finding.time) - START * SECOND, last} <= set(held)


@settings(max_examples=100, phases=QUICKLY)
@given(entries(most=15), st.data())
def test_chains_are_found_in_every_order_and_after_every_death(hits: list[Entry], data: st.DataObject) -> None:
    rules = rules_of(
        correlation("inner", "a", group_by=("who",), timespan_seconds=3, bounds=at_least(2)),
        correlation("outer", "inner", "b", type="temporal_ordered", timespan_seconds=10, bounds=at_least(2)),
        correlation("outermost", "outer", bounds=at_least(2), timespan_seconds=100),
    )
    counting = Counting.of(rules, mapped=False)
    made = [
        hit
        for one in hits
        for template in counting.templates({"who": one.entity}, one.rules)
        if (hit := template.hit(one.id, timestamp(START * SECOND + one.time), one.entity, {}))
    ]
    undisturbed, disturbed = Lab(rules), Lab(rules)
    undisturbed.take(made)
    undisturbed.end()
    for hit in data.draw(st.permutations(made)):
        disturbed.take([hit])
        if data.draw(st.booleans()):
            disturbed.settle(0)
        if data.draw(st.integers(0, 4)) == 0:
            disturbed.die()
    disturbed.end()
    assert disturbed.table() == undisturbed.table()
    assert {one.id for one in findings_of(made, rules, mapped=False)} == undisturbed.table().keys()


def test_a_burst_is_told_at_once_and_once_and_grows() -> None:
    asked = correlation("many", "a", timespan_seconds=10, bounds=at_least(3))
    lab = Lab(rules_of(asked))
    lab.take(hit_of(asked, entry(seconds)) for seconds in (0, 1))
    assert lab.settle() == []
    lab.take([hit_of(asked, entry(2))])
    (told,) = lab.settle()
    assert (told.is_news, told.revision, told.count, told.level) == (True, 1, 3, "high")
    assert (told.first, told.last) == (timestamp(START * SECOND), timestamp((START + 2) * SECOND))
    assert told.event == hit_of(asked, entry(2)).event == told.events[-1]
    assert lab.settle() == []
    lab.take([hit_of(asked, entry(3)), hit_of(asked, entry(3))])
    (grown,) = lab.settle()
    assert (grown.id, grown.is_news, grown.revision, grown.count) == (told.id, False, 2, 4)
    lab.take(hit_of(asked, entry(seconds)) for seconds in range(4, 40))
    assert not any(one.is_news for one in lab.settle())
    lab.take(hit_of(asked, entry(seconds)) for seconds in (60, 61, 62))
    assert [one.is_news for one in lab.settle()] == [True]


def test_a_late_hit_completes_a_window() -> None:
    asked = correlation("many", "a", bounds=at_least(3))
    lab = Lab(rules_of(asked))
    lab.take([hit_of(asked, entry(0)), hit_of(asked, entry(2)), hit_of(asked, entry(300))])
    assert lab.settle() == []
    lab.take([hit_of(asked, entry(1))])
    assert [one.count for one in lab.settle()] == [3]


def test_hits_of_a_node_that_was_away_for_hours_are_correlated_among_each_other() -> None:
    asked = correlation("many", "a", bounds=at_least(2))
    lab = Lab(rules_of(asked))
    lab.take(hit_of(asked, entry(seconds), "here") for seconds in range(9000, 9100, 30))
    assert lab.settle() == []
    lab.take(hit_of(asked, entry(seconds), "away") for seconds in (0, 1))
    assert [one.group for one in lab.settle()] == [("away",)]


def test_a_hit_that_is_too_late_for_its_group_is_counted_as_dropped() -> None:
    asked = correlation("many", "a", bounds=at_least(2))
    lab = Lab(rules_of(asked))
    lab.take(hit_of(asked, entry(seconds)) for seconds in (5000, 0, 1))
    assert lab.settle() == []
    assert lab.correlator.dropped() == {"too late to be correlated": 2}
    assert lab.correlator.dropped() == {}


def test_what_a_hit_can_undo_waits_until_none_can_come() -> None:
    asked = correlation("one", "a", bounds=(Bound("eq", 1),))
    lab = Lab(rules_of(asked))
    lab.take([hit_of(asked, entry(5))])
    assert lab.settle(LATENESS - 1) == []
    lab.take([hit_of(asked, entry(4))])
    (told,) = lab.settle(2)
    assert (told.time, told.count) == (timestamp((START + 4) * SECOND), 1)


def test_a_wrong_clock_ahead_hurries_nothing() -> None:
    asked = correlation("one", "a", bounds=(Bound("eq", 1),))
    lab = Lab(rules_of(asked))
    lab.take([hit_of(asked, entry(5))])
    appended, future = lab.now, hit_of(asked, entry(9e8), "other")
    lab.correlator.take(future, appended)
    assert lab.settle() == []
    assert lab.correlator.clock == appended


def test_groups_do_not_meet_but_do_through_their_alias() -> None:
    aliases = (Alias("who", "a", "user.name"), Alias("who", "b", "user.effective.name"))
    asked = correlation("both", "a", "b", type="temporal", group_by=("who",), aliases=aliases, bounds=at_least(2))
    counting = Counting.of(rules_of(asked))

    def hits(*users: str) -> list[Hit]:
        records = [("a", {"user.name": users[0]}), ("b", {"user.effective.name": users[1]})]
        return [
            hit
            for place, (name, record) in enumerate(records)
            for template in counting.templates(record, [name])
            if (hit := template.hit(f"event-{place}", timestamp(place), "e", {}))
        ]

    assert findings_of(hits("ann", "bob"), rules_of(asked)) == []
    assert [one.group for one in findings_of(hits("ann", "ann"), rules_of(asked))] == [("ann",)]


def test_a_finding_without_a_level_has_the_gravest_of_what_it_counts() -> None:
    inner = correlation("inner", "a", level="", bounds=at_least(1))
    outer = correlation("outer", "inner", level="", bounds=at_least(1))
    rules = replace(rules_of(inner, outer), rules=(replace(rule("a"), level="critical"), rule("b")))
    found = findings_of([hit_of(inner, entry(0))], rules, mapped=False)
    assert {one.correlation: one.level for one in found} == {"inner": "critical", "outer": "critical"}
    lab = Lab(rules)
    lab.take([hit_of(inner, entry(0))])
    lab.end()
    assert {one.correlation: one.level for one in lab.said} == {"inner": "critical", "outer": "critical"}


# Rule sets change


def test_hits_that_come_before_their_rule_set_wait_for_it() -> None:
    asked = correlation("many", "a", bounds=at_least(2))
    lab = Lab(rules_of())
    lab.take(hit_of(asked, entry(seconds)) for seconds in (0, 1))
    assert lab.settle() == []
    lab.correlator.adopt(rules_of(asked))
    assert [one.count for one in lab.settle()] == [2]


def test_a_changed_correlation_begins_anew_and_another_text_does_not() -> None:
    asked = correlation("many", "a", bounds=at_least(2))
    lab = Lab(rules_of(asked))
    lab.take([hit_of(asked, entry(0))])
    lab.correlator.adopt(rules_of(replace(asked, title="Otherwise")))
    lab.take([hit_of(asked, entry(1))])
    assert [one.title for one in lab.settle()] == ["Otherwise"]
    changed = replace(asked, timespan_seconds=11)
    lab.correlator.adopt(rules_of(changed))
    lab.take([hit_of(changed, entry(2))])
    assert lab.settle() == []
    lab.take([hit_of(changed, entry(3))])
    assert [one.count for one in lab.settle()] == [2]


def test_a_correlation_that_is_gone_finds_nothing() -> None:
    asked = correlation("many", "a", bounds=at_least(2))
    lab = Lab(rules_of(asked))
    lab.correlator.adopt(rules_of())
    lab.take(hit_of(asked, entry(seconds)) for seconds in (0, 1))
    assert lab.settle() == []


# Floods


def test_a_flood_in_one_group_is_counted_exactly_in_bounded_memory() -> None:
    asked = correlation("many", "a", bounds=at_least(100), timespan_seconds=60)
    lab = Lab(rules_of(asked), Limits(group_hits=50))
    for number in range(20):
        lab.take(hit_of(asked, entry(number * 2 + place / 100, name=f"{number}-{place}")) for place in range(100))
        lab.settle()
    assert lab.correlator.held <= 220
    assert sum(one.is_news for one in lab.said) == 1
    assert lab.said[-1].count == 2000
    assert lab.correlator.dropped()["too many hits of a group"] >= 1700


def test_a_flood_of_groups_pushes_out_what_had_no_hit_for_longest() -> None:
    asked = correlation("many", "a", bounds=at_least(2))
    lab = Lab(rules_of(asked), Limits(groups=10))
    lab.take(hit_of(asked, entry(0), f"group-{number}") for number in range(100))
    assert len(lab.correlator.dropped()) == 1
    assert lab.correlator.held == 10
    lab.take(hit_of(asked, entry(1), f"group-{number}") for number in (0, 99))
    assert [one.group for one in lab.settle()] == [("group-99",)]


def test_what_nothing_can_be_added_to_is_let_go_of() -> None:
    asked = correlation("many", "a", bounds=at_least(2))
    lab = Lab(rules_of(asked))
    lab.take(hit_of(asked, entry(seconds), f"group-{seconds}") for seconds in range(100))
    lab.settle()
    assert lab.correlator.held == 100
    lab.settle(3 * LATENESS)
    assert lab.correlator.held == 0
