"""Whatever order records are concluded in: what is committed is contiguous, and nothing is sent beyond a promise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sinks.mark import Mark, Start, Totals, resolve_start
from sinks.offsets import PROMISE_AHEAD, PartitionOffsets
from sinks.types import Outcome

OUTCOMES: st.SearchStrategy[Outcome] = st.sampled_from(["indexed", "repeat", "quarantined", "refused"])


def test_a_hole_in_what_is_concluded_holds_the_commit_back() -> None:
    partition = PartitionOffsets(Start(10, 10, 10))
    for offset in (10, 11, 12):
        partition.take(offset)
    partition.conclude(12, "indexed")
    partition.conclude(11, "indexed")
    assert partition.next_offset == 10
    partition.conclude(10, "refused")
    assert partition.next_offset == 13
    mark = partition.mark()
    assert mark is not None
    assert mark.totals == Totals(indexed=2, deadletters=1)


def test_the_end_of_the_topic_passes_markers_only_when_all_before_it_is_concluded() -> None:
    partition = PartitionOffsets(Start(0, 0, 0))
    partition.take(0)
    partition.reach_end(3)
    assert partition.next_offset == 0
    partition.conclude(0, "indexed")
    assert partition.next_offset == 3


def test_the_last_mark_leaves_nothing_in_doubt() -> None:
    partition = PartitionOffsets(Start(0, 0, 0))
    partition.take(0)
    partition.conclude(0, "indexed")
    mark = partition.mark(last=True)
    assert mark == Mark(1, 1, Totals(indexed=1))
    assert resolve_start(mark, 0, 100).maybe_sent_below == 1


def test_what_was_in_doubt_stays_in_doubt_until_it_is_passed() -> None:
    partition = PartitionOffsets(Start(0, 50_000, 0))
    assert partition.take(0)
    partition.conclude(0, "repeat")
    mark = partition.mark(last=True)
    assert mark is not None
    assert mark.maybe_sent_below == 50_000


def test_an_offset_that_comes_twice_stops_the_process() -> None:
    partition = PartitionOffsets(Start(0, 0, 0))
    partition.take(5)
    with pytest.raises(AssertionError, match="offset 5 was read after 5"):
        partition.take(5)


def test_nothing_new_is_nothing_to_commit() -> None:
    partition = PartitionOffsets(Start(0, 0, 0))
    mark = partition.mark()
    assert mark is not None
    partition.acknowledge(mark)
    assert partition.mark() is None


class Partition(RuleBasedStateMachine):
    """A topic, processes that die at any moment, and a record of what was really sent and concluded."""

    def __init__(self) -> None:
        super().__init__()
        self.committed: tuple[int, str] | None = None
        self.sent: set[int] = set()
        self.done: dict[int, Outcome] = {}
        self.records: list[int] = []
        self.end = 0
        self.start()

    def start(self) -> None:
        mark = Mark.read(*self.committed) if self.committed else None
        start = resolve_start(mark, 0, self.end)
        self.partition = PartitionOffsets(start)
        self.position = start.offset
        self.waiting: list[tuple[int, bool]] = []
        self.open: list[int] = []

    @rule(kinds=st.lists(st.booleans(), min_size=1, max_size=5))
    def append(self, kinds: list[bool]) -> None:
        """Add offsets that hold a record each (true), or a marker or an aborted record, which no reader sees."""
        self.records += [self.end + place for place, is_record in enumerate(kinds) if is_record]
        self.end += len(kinds)

    @rule()
    def read(self) -> None:
        offset = next((offset for offset in self.records if offset >= self.position), None)
        if offset is not None:
            self.waiting.append((offset, self.partition.take(offset)))
            self.position = offset + 1

    @rule()
    def reach_end(self) -> None:
        if not any(offset >= self.position for offset in self.records):
            self.partition.reach_end(self.end)
            self.position = self.end

    @precondition(lambda self: self.waiting)
    @rule()
    def send(self) -> None:
        if not self.partition.kept_promise:
            self.commit()
        assert self.partition.kept_promise
        for offset, maybe_sent in self.waiting:
            assert maybe_sent or offset not in self.sent, "sent before, and not looked up"
            self.sent.add(offset)
            self.open.append(offset)
        self.waiting = []

    @precondition(lambda self: self.open)
    @rule(data=st.data(), outcome=OUTCOMES)
    def conclude(self, data: st.DataObject, outcome: Outcome) -> None:
        offset = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        self.partition.conclude(offset, outcome)
        self.done[offset] = outcome

    @rule()
    def commit(self) -> None:
        self.write(last=False)

    @rule()
    def restart_in_order(self) -> None:
        self.write(last=True)
        self.start()

    @rule()
    def die(self) -> None:
        self.start()

    @rule(offset=st.integers(0, 10))
    def move_back_by_hand(self, offset: int) -> None:
        if self.committed and offset <= self.committed[0]:
            self.committed = (offset, "")
            self.start()

    def write(self, *, last: bool) -> None:
        mark = self.partition.mark(last=last)
        if mark is not None:
            self.committed = (mark.offset, mark.text())
            self.partition.acknowledge(mark)

    @invariant()
    def everything_below_the_commit_is_concluded(self) -> None:
        below = self.committed[0] if self.committed else 0
        assert all(offset in self.done for offset in self.records if offset < below)


TestPartition = Partition.TestCase


@given(st.integers(0, 2**40), st.one_of(st.none(), st.integers(0, 2**40)), st.tuples(*[st.integers(0, 2**30)] * 4))
def test_a_mark_is_read_as_it_was_written(offset: int, below: int | None, counts: tuple[int, int, int, int]) -> None:
    mark = Mark(offset, below, Totals(*counts))
    read = Mark.read(offset, mark.text())
    assert read == (mark if below is not None else Mark(offset))


@given(st.one_of(st.none(), st.text()))
def test_a_mark_of_somebody_else_says_nothing(text: str | None) -> None:
    assert Mark.read(7, text) == Mark(7)


def test_no_commit_is_no_mark() -> None:
    assert Mark.read(-1001, None) is None


@given(st.integers(0, 50), st.one_of(st.none(), st.integers(0, 100)), st.integers(0, 50), st.integers(0, 50))
def test_a_start_is_within_the_topic(offset: int, below: int | None, low: int, length: int) -> None:
    start = resolve_start(Mark(offset, below), low, low + length)
    assert low <= start.offset <= low + length
    assert start.maybe_sent_below <= low + length
    assert (start.fault is None) == (low <= offset <= low + length)
    assert start.promised_below >= start.offset


def test_a_promise_runs_ahead() -> None:
    partition = PartitionOffsets(Start(0, 0, 0))
    partition.take(0)
    assert not partition.kept_promise
    mark = partition.mark()
    assert mark is not None
    assert mark.maybe_sent_below == 1 + PROMISE_AHEAD
    partition.acknowledge(mark)
    assert partition.kept_promise
